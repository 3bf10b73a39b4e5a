import ArgumentParser
import Foundation
import ServiceConfiguration
import ServiceControl

struct RetrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrain", abstract: "Let the service train a style's model, or see how that gets on.",
        discussion: """
            The service trains by itself as its configuration says (styles); this asks for a run out of turn, with the \
            images \
            in the style's domain directories. The new model is put to use where it is surely better.
            """)

    @OptionGroup var options: ControlOptions
    @Flag(name: .long, help: "However few images are new.") var now = false
    @Option(name: .long, help: ArgumentHelp("What to begin with: finetune or retrain.", valueName: "mode"))
    var mode: TrainingMode?
    @Option(
        name: .long,
        help: ArgumentHelp("How long: a duration such as 4h, or 20000 iterations as 20000it.", valueName: "length"))
    var budget: String?
    @Flag(name: .long, help: "Give up the run at work.") var stop = false
    @Flag(name: .long, help: "Show how the styles and their runs stand.") var status = false
    @Argument(help: "The style.") var style: String?

    func validate() throws {
        if stop && status { throw ValidationError("Give --stop or --status.") }
        if (stop || status) && (now || mode != nil || budget != nil) {
            throw ValidationError("--now, --mode and --budget begin a run; they do not go with --stop and --status.")
        }
        if !stop && !status && style == nil { throw ValidationError("Name a style, or give --status or --stop.") }
        if let budget, length(budget) == nil {
            throw ValidationError(
                "'\(budget)' is no length: give a duration such as 90min or 4h, or iterations such as 20000it.")
        }
    }

    /// Seconds, or iterations.
    private func length(_ text: String) -> (seconds: Double?, iterations: Int?)? {
        if text.hasSuffix("it"), let number = Int(text.dropLast(2)), number > 0 { return (nil, number) }
        guard let duration = Quantity.duration(text), duration >= .seconds(1) else { return nil }
        return (Double(duration.components.seconds), nil)
    }

    func run() throws {
        if status { return try show() }
        if stop { return try options.perform(ControlRequest(.retrain, retrain: .init(.stop, style: style))) }
        let length = budget.flatMap(length)
        try options.perform(
            ControlRequest(
                .retrain,
                retrain: .init(
                    .start, style: style, isForced: now, mode: mode, budgetSeconds: length?.seconds,
                    iterations: length?.iterations)))
    }

    private func show() throws {
        guard let styles = try options.ask(ControlRequest(.retrain, retrain: .init(.status, style: style))).styles
        else { return }
        if options.json { return try options.printJSON(styles) }
        for line in styles.flatMap({ $0.lines() }) { options.printLine(line) }
    }
}

extension TrainingMode: ExpressibleByArgument {}
