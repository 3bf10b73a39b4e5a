import ArgumentParser
import Foundation
import ServiceControl

// The subcommands of `models` that ask a running service.

struct ModelsPromote: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "Let the service make a style's pictures with another of its models.",
        discussion: "From the next photo on; photos in work are finished with the model before.")

    @Flag(name: .long, help: "Also where the gate did not let the model pass.") var force = false
    @OptionGroup var service: ControlOptions
    @Argument(help: ArgumentHelp("The first digits of its SHA-256, as 'models list' shows them.", valueName: "sha256"))
    var model: String

    func run() throws { try service.performOnModels(.init(.promote, model: model, isForced: force)) }
}

struct ModelsRollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Let the service make a style's pictures with the model before again.")

    @OptionGroup var service: ControlOptions
    @Argument(help: ArgumentHelp("The style.", valueName: "style")) var style: String

    func run() throws { try service.performOnModels(.init(.rollback, style: style)) }
}

struct ModelsPin: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin", abstract: "Keep one of the service's models, however many come after it.")

    @Flag(name: .long, help: "Keep it no longer than the others.") var off = false
    @OptionGroup var service: ControlOptions
    @Argument(help: ArgumentHelp("The first digits of its SHA-256.", valueName: "sha256")) var model: String

    func run() throws { try service.performOnModels(.init(off ? .unpin : .pin, model: model)) }
}

struct ModelsForget: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Remove the file of one of the service's models.",
        discussion: "Not of one that is in use, of the one before that, or of one that is pinned.")

    @OptionGroup var service: ControlOptions
    @Argument(help: ArgumentHelp("The first digits of its SHA-256.", valueName: "sha256")) var model: String

    func run() throws { try service.performOnModels(.init(.forget, model: model)) }
}

extension ControlOptions {
    func performOnModels(_ request: ModelsRequest) throws { try perform(ControlRequest(.models, models: request)) }

    /// Nil where no service answers, or where it refuses.
    func models(_ request: ModelsRequest) -> [ModelReport]? {
        try? ControlSocket.ask(ControlRequest(.models, models: request), at: candidates()).models
    }
}

extension ModelReport {
    /// All that is known of it, for people.
    var facts: [(key: String, value: String)] {
        let time = addedAt.formatted(.iso8601)
        let all: [(String, String?)] = [
            ("sha256", sha256), ("style", style), ("parent", parentSha256), ("origin", origin), ("added", time),
            ("bytes", String(bytes)), ("in use", isInUse ? "yes" : "no"), ("pinned", isPinned ? "yes" : "no"),
            ("file", isPresent ? "there" : "forgotten"), ("gate", decision),
            ("because", reasons.isEmpty ? nil : reasons.joined(separator: "; ")), ("trained on", data),
            ("figures", figures),
        ]
        return all.compactMap { key, value in value.map { (key, $0) } }
    }
}
