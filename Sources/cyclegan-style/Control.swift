import ArgumentParser
import Foundation
import Glibc
import StyleService

/// The subcommands that ask a running service.
enum ControlCommands {
    static let all: [any ParsableCommand.Type] = [
        StatusCommand.self, ExplainCommand.self, RetryCommand.self, PauseCommand.self, ResumeCommand.self, ReloadCommand.self,
    ]
}

/// Where the service is, and how its answer is shown.
struct ControlOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON.")
    var json = false

    @Option(name: .long, help: ArgumentHelp("The service's control socket, if it is not the usual one.", valueName: "path"))
    var socket: String?

    @Option(name: .long, help: ArgumentHelp("The service's configuration, if it is not the usual one.", valueName: "file"))
    var config: String?

    /// Asks, and shows a refusal.
    /// - Throws: `ExitCode.failure` after having printed why.
    func ask(_ request: ControlRequest) throws -> ControlReply {
        let reply: ControlReply
        do { reply = try ControlSocket.ask(request, at: candidates()) } catch let error as ServiceUnreachable {
            printError("\(error)")
            throw ExitCode.failure
        }
        if reply.isDone { return reply }
        if json {
            try printJSON(reply)
        } else {
            for line in [reply.message].compactMap(\.self) + (reply.problems ?? []) { printError(line) }
        }
        throw ExitCode.failure
    }

    private func candidates() -> [BytePath] {
        if let socket { return [BytePath(socket)] }
        return ControlSocket.candidates(configuration: config)
    }

    /// For commands whose answer is a sentence.
    func perform(_ request: ControlRequest) throws {
        let reply = try ask(request)
        if json { try printJSON(reply) } else if let message = reply.message { print(message) }
    }

    func printJSON(_ value: some Encodable) throws {
        print(String(decoding: try ControlJSON.encoder(pretty: true).encode(value), as: UTF8.self))
    }

    private func printError(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
}

/// A file as a person names it: an existing one by its absolute path, any other as it is, for the service to find.
func fileName(_ argument: String) -> FileName {
    let path = BytePath(argument)
    if path.isAbsolute { return FileName(path) }
    let here = BytePath(FileManager.default.currentDirectoryPath).appending(path)
    return FileName(FileManager.default.fileExists(atPath: here.description) ? here : path)
}

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tell everything that the service knows about a file, and why it was or was not done.")

    @OptionGroup var options: ControlOptions
    @Argument(help: "A photo, a picture, or a name in an inbox.") var file: String

    func run() throws {
        guard let explanation = try options.ask(ControlRequest(.explain, file: fileName(file))).explanation else { return }
        if options.json { return try options.printJSON(explanation) }
        print("\(explanation.file.path): \(explanation.state)")
        for sentence in explanation.sentences { print("  \(sentence)") }
        if explanation.history.count > 1 {
            print("History, newest first:")
            for entry in explanation.history {
                let time = (entry.finishedAt ?? entry.recordedAt).formatted(.iso8601.dateTimeSeparator(.space))
                print("  \(time)  \(entry.state)\(entry.output.map { "  \($0.path)" } ?? "")\(entry.reason.map { "  \($0)" } ?? "")")
            }
        }
    }
}

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Try a failed photo again, or one that was put off.")

    @OptionGroup var options: ControlOptions
    @Flag(name: .long, help: "Everything that failed or was put off.") var all = false
    @Argument(help: "Photos, by their name in the inbox or their path in the failed directory.") var files: [String] = []

    func validate() throws {
        if files.isEmpty != all { throw ValidationError("Name photos, or give --all.") }
    }

    func run() throws {
        if all { return try options.perform(ControlRequest(.retry, all: true)) }
        for file in files { try options.perform(ControlRequest(.retry, file: fileName(file))) }
    }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Begin no further photo until resume; those in work are finished.")
    @OptionGroup var options: ControlOptions
    func run() throws { try options.perform(ControlRequest(.pause)) }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Go on after pause.")
    @OptionGroup var options: ControlOptions
    func run() throws { try options.perform(ControlRequest(.resume)) }
}

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Read the configuration again; fails, and changes nothing, where it is wrong.")
    @OptionGroup var options: ControlOptions
    func run() throws { try options.perform(ControlRequest(.reload)) }
}
