import ArgumentParser
import LinuxFiles
import Manual
import ServiceConfiguration
import Tensors

package struct CycleGANStyle: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cyclegan-style",
        abstract: "Photos in the style of a painter.",
        discussion: "Exit status: 0 when all was done, 1 when something could not be done, 64 for a wrong option, "
            + "78 for a wrong configuration, 130 for a training that Ctrl-C ended.",
        version: Version.text(of: "cyclegan-style", kernels: Kernels.chosen.name),
        subcommands: [
            TranslateCommand.self, TrainCommand.self, FinetuneCommand.self, ModelsCommand.self, WeightsCommand.self,
            BenchCommand.self,
            EvaluateCommand.self, AblateCommand.self, RetrainRunCommand.self,
        ] + ControlCommands.all)

    package init() {}

    /// The reference part of the manual page.
    static var reference: String {
        (try? ToolDescription(json: _dumpHelp())).map { CommandManual($0).text } ?? ""
    }

    package static func main() {
        InheritedEnvironment.prepare()
        if let wrong = Kernels.wrongChoice { exit(withError: ValidationError(wrong)) }
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let script = Completion.script(arguments, of: Self.self) { return print(script) }
        if arguments == ["--dump-reference"] { return print(reference, terminator: "") }
        main(nil)
    }
}
