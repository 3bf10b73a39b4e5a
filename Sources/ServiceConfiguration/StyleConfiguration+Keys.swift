import CalendarEvents
import CycleGAN
import LinuxFiles

extension StyleConfiguration {
    /// The keys that stand in a style, beside `retrain`.
    static var keys: [ConfigurationKey<StyleConfiguration>] {
        [
            .directory("paintings", \.paintings, "paintings to learn from, in any sub-directories", .changesTheWatcher),
            .directory("photos", \.photos, "photos to learn from", .changesTheWatcher),
            .names("learn-from", \.learnFrom, "inboxes whose photos are learnt from as well: a list of their keys"),
        ]
    }
}

extension RetrainConfiguration {
    private typealias Key = ConfigurationKey<RetrainConfiguration>

    /// The keys below a style's `retrain`.
    static var keys: [ConfigurationKey<RetrainConfiguration>] {
        [
            Key(
                "when", \.when, "when to train: a calendar event as systemd's timers have it, or never",
                type: "calendar event, or never", text: { $0.map { quoted($0.text) } ?? "never" }
            ) { $0.calendarEvent("when") },
            .choice("mode", \.mode, "what a run begins with: finetune (the model in use) or retrain (nothing)"),
            .integer(
                "min-new-images", \.minNewImages, in: 0...1_000_000,
                "images that must be new since the last run, both domains together"),
            .duration("budget", \.budget, in: .seconds(1)...(.seconds(86400 * 60)), "how long a run trains"),
            .automatic(
                "iterations", \.iterations, "how long a run trains, in iterations: auto (as budget says) or a number",
                [],
                text: { "\($0)" }
            ) { $0.integer("iterations", in: 1...100_000_000) },
            .integer("keep-models", \.keepModels, in: 1...1000, "model files that are kept"),
            Key(
                "max-content-loss", \.maxContentLoss,
                "by how much farther from their photos a new model's pictures may be: a percentage",
                type: "percentage from 0% to 1000%",
                text: percentage
            ) { $0.value("max-content-loss", expected: "a percentage from 0% to 1000%", fraction) },
            .integer("pause-above", \.pauseAbove, in: 0...1_000_000, "photos in the queue above which a run pauses"),
            .automatic("memory", \.memory, "what a run may use: auto or a size", [], text: Quantity.text(bytes:)) {
                $0.bytes("memory", in: (64 << 20)...(1 << 44))
            },
            .automatic(
                "threads", \.threads, "threads that a run computes with: auto or a number", [], text: { "\($0)" }
            ) {
                $0.integer("threads", in: 1...1024)
            },
            Key(
                "settings", \.settings, "settings of cyclegan-style train in place of the recipe's: [KEY=VALUE, ...]",
                type: "list of KEY=VALUE",
                text: { "[\($0.map { quoted("\($0.key)=\($0.text)") }.joined(separator: ", "))]" }
            ) { $0.trainingSettings("settings") },
        ]
    }

    private static func percentage(_ fraction: Double) -> String {
        let percent = fraction * 100
        return percent == percent.rounded() ? "\(Int(percent))%" : "\(percent)%"
    }

    /// `10%` or `0.1`.
    private static func fraction(_ text: String) -> Double? {
        let digits = text.hasSuffix("%") ? String(text.dropLast()).trimmed : text
        guard let number = Double(digits) else { return nil }
        let fraction = text.hasSuffix("%") ? number / 100 : number
        return (0...10).contains(fraction) ? fraction : nil
    }
}

extension ConfigurationKey {
    /// A list of plain words, or one of them.
    static func names(_ name: String, _ path: WritableKeyPath<Settings, [String]>, _ help: String) -> Self {
        Self(name, path, help, type: "list of keys of inboxes", text: { "[\($0.joined(separator: ", "))]" }) {
            $0.texts(name)
        }
    }
}

extension ConfigurationSection {
    /// `never` is nil.
    fileprivate func calendarEvent(_ key: String) -> CalendarEvent?? {
        guard let text = text(key) else { return nil }
        if text == "never" { return .some(nil) }
        do { return .some(try CalendarEvent(text)) } catch {
            problem(
                key,
                "'\(text)' is no calendar event, nor 'never': at its character \(error.offset + 1), \(error.reason)")
            return nil
        }
    }
}

extension ConfigurationSection {
    /// `KEY=VALUE`, each as `TrainingConfiguration` takes it.
    fileprivate func trainingSettings(_ key: String) -> [RetrainConfiguration.Setting]? {
        texts(key)?.compactMap { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else {
                problem(key, "'\(text)' is not of the form KEY=VALUE")
                return nil
            }
            var trial = TrainingConfiguration()
            do { try trial.set(parts[0], parts[1]) } catch {
                problem(key, "\(error)")
                return nil
            }
            return .init(key: parts[0], text: parts[1])
        }
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
