import ArgumentParser

/// `--generate-completion-script bash`, as the argument parser makes it, but so that file names are completed wherever
/// it knows nothing better. Other shells' scripts do that anyway.
package enum Completion {
    /// - Parameter arguments: without the program's name.
    /// - Returns: nil where no script is asked for, or one for another shell.
    package static func script(_ arguments: [String], of program: any ParsableCommand.Type) -> String? {
        let asked = arguments.joined(separator: " ").replacing("=", with: " ")
        guard asked == "--generate-completion-script bash" else { return nil }
        return program.completionScript(for: .bash).replacing(
            "complete -o filenames -F", with: "complete -o default -o filenames -F")
    }
}
