import ArgumentParser

@main
struct CycleGANStyle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cyclegan-style",
        abstract: "Photos in the style of a painter.",
        discussion: "Exit status: 0 when all was done, 1 when something could not be done, 64 for a wrong option, "
            + "78 for a wrong configuration.",
        subcommands: [
            TranslateCommand.self, TrainCommand.self, FinetuneCommand.self, ModelsCommand.self, WeightsCommand.self, BenchCommand.self,
        ] + ControlCommands.all)
}
