import ArgumentParser

@main
struct CycleGANStyle: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cyclegan-style", abstract: "Photos in the style of a painter.", subcommands: ControlCommands.all)
}
