import CRevision

/// What `--version` says, of both programs.
package enum Version {
    package static let current = "1.0.0"

    /// The revision of the sources; nil where the build was not told.
    package static var revision: String? {
        let text = String(cString: CRevision_text())
        return text.isEmpty ? nil : text
    }

    /// The program's name with the version, the revision, and the kernels that compute.
    package static func text(of program: String, kernels: String) -> String {
        "\(program) \(current)" + (revision.map { " (revision \($0))" } ?? "") + "\nkernels: \(kernels)"
    }
}
