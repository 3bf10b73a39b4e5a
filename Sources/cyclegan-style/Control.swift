import ArgumentParser
import Foundation
import Glibc
import LinuxFiles
import ServiceControl
import StyleModels

/// The subcommands that ask a running service.
enum ControlCommands {
    static let all: [any ParsableCommand.Type] = [
        StatusCommand.self, ExplainCommand.self, RetryCommand.self, RedoCommand.self, PauseCommand.self,
        ResumeCommand.self, ReloadCommand.self,
        RetrainCommand.self,
    ]
}

/// Where the service is, and how its answer is shown.
struct ControlOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON.")
    var json = false

    @Option(
        name: .long, help: ArgumentHelp("The service's control socket, if it is not the usual one.", valueName: "path"))
    var socket: String?

    @Option(
        name: .long, help: ArgumentHelp("The service's configuration, if it is not the usual one.", valueName: "file"))
    var config: String?

    /// Asks, and shows a refusal.
    /// - Throws: `ExitCode.failure` after having printed why.
    func ask(_ request: ControlRequest) throws -> ControlReply {
        let reply = try send(request)
        if reply.isDone { return reply }
        try show(reply)
        throw ExitCode.failure
    }

    /// Asks.
    /// - Throws: `ExitCode.failure` after having printed that no service answers.
    private func send(_ request: ControlRequest) throws -> ControlReply {
        do { return try ControlSocket.ask(request, at: candidates()) } catch let error as ServiceUnreachable {
            printError("\(error)")
            throw ExitCode.failure
        }
    }

    func candidates() -> [BytePath] {
        if let socket { return [BytePath(socket)] }
        return ControlSocket.candidates(configuration: config)
    }

    private func show(_ reply: ControlReply) throws {
        if json { return try printJSON(reply) }
        for line in [reply.message].compactMap(\.self) + (reply.problems ?? []) {
            if reply.isDone { printLine(line) } else { printError(line) }
        }
    }

    /// For commands whose answer is a sentence.
    func perform(_ request: ControlRequest) throws { try show(try ask(request)) }

    /// The same for each of several files: one that is refused does not keep the others from their turn.
    /// - Throws: `ExitCode.failure` where one was refused.
    func performEach(_ files: [String], _ request: (FileReference) -> ControlRequest) throws {
        var isAllDone = true
        for file in RawArguments.paths(files) {
            let reply = try send(request(FileReference(typed: file, in: FileReference.currentDirectory)))
            try show(reply)
            isAllDone = isAllDone && reply.isDone
        }
        if !isAllDone { throw ExitCode.failure }
    }

    func printJSON(_ value: some Encodable) throws {
        print(String(decoding: try ControlJSON.encoder(pretty: true).encode(value), as: UTF8.self))
    }

    /// What a file is called must not move the cursor.
    func printLine(_ line: String) { print(terminalSafe(line)) }

    private func printError(_ line: String) { standardError(terminalSafe(line)) }
}

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell everything that the service knows about a file, and why it was or was not done.",
        discussion: "Exit status: 1 where nothing is known of it.")

    @OptionGroup var options: ControlOptions
    @Argument(help: "A photo, a picture, an archived original or a name in an inbox.", completion: .file()) var file:
        String

    func run() throws {
        let file = FileReference(typed: RawArguments.paths([file])[0], in: FileReference.currentDirectory)
        guard let explanation = try options.ask(ControlRequest(.explain, file: file)).explanation else { return }
        if options.json { try options.printJSON(explanation) } else { show(explanation) }
        if explanation.state == "unknown" { throw ExitCode.failure }
    }

    private func show(_ explanation: Explanation) {
        options.printLine("\(explanation.file.bytePath): \(explanation.state)")
        for sentence in explanation.sentences { options.printLine("  \(sentence)") }
        guard explanation.history.count > 1 else { return }
        print("History, newest first:")
        for entry in explanation.history {
            var line = "  \(timeText(entry.finishedAt ?? entry.recordedAt))  \(entry.state)"
            if let output = entry.output { line += "  \(output.bytePath)" }
            if let reason = entry.reason { line += "  \(reason)" }
            options.printLine(line)
        }
    }
}

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Try failed photos again, or those that were put off.")

    @OptionGroup var options: ControlOptions
    @Flag(name: .long, help: "Everything that failed or was put off.") var all = false
    @Argument(help: "Photos, by their name in the inbox or their path in the failed directory.", completion: .file())
    var files: [String] = []

    func validate() throws {
        if files.isEmpty != all { throw ValidationError("Name photos, or give --all.") }
    }

    func run() throws {
        if all { return try options.perform(ControlRequest(.retry, all: true)) }
        try options.performEach(files) { ControlRequest(.retry, file: $0) }
    }
}

struct RedoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redo", abstract: "Make finished photos anew, with today's model; the earlier pictures stay.",
        discussion: "The originals must still be there: archived, or kept in their inbox.")

    @OptionGroup var options: ControlOptions
    @Option(
        name: .long, help: ArgumentHelp("A model's name or file in place of the inbox's style.", valueName: "style"))
    var style: String?
    @Option(name: .long, help: ArgumentHelp("0 to 1, in place of the inbox's strength.", valueName: "strength"))
    var strength: Double?
    @Argument(
        help: "Photos, by their name in the inbox, or by the path of the original or of the picture.",
        completion: .file())
    var files: [String]

    func validate() throws {
        if let strength, !(0...1).contains(strength) { throw ValidationError("The strength must lie between 0 and 1.") }
    }

    func run() throws {
        // A model's file is named from where the person stands.
        let file = style.map { FileReference.currentDirectory.resolving(BytePath($0)).normalized }
        let isFile = style?.contains("/") == true || style?.hasSuffix(".\(ModelStore.fileExtension)") == true
        let named = isFile ? file?.description : style
        try options.performEach(files) { ControlRequest(.redo, file: $0, style: named, strength: strength) }
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
