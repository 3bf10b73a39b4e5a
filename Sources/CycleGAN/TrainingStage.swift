/// Settings that change at an iteration, so that a course from coarse to fine is one run.
package struct TrainingStage: Sendable, Equatable {
    /// The first iteration, counted from 0, for which they hold.
    package var start: Int
    /// Key and text.
    package var changes: [Change]

    package struct Change: Sendable, Equatable {
        package var key, text: String
    }

    /// What can change on the way: neither the networks nor the length of the run, nor the folders.
    package static let keys: Set<String> = [
        "load-size", "crop-size", "sizes", "photo-sizes", "learning-rate", "lambda-cycle", "lambda-identity",
        "semantic-weight",
        "semantic-squared", "style-weight", "style-end-weight", "style-clusters", "feature-adversarial-weight", "grain",
        "style-roots", "colour-weight", "spot-weight", "spike-weight", "lattice-weight", "content-weight",
        "identity-every",
        "diff-augment",
        "gradient-clip", "replay", "alarm",
    ]

    /// As `parse` reads it.
    static func text(_ stages: [TrainingStage]) -> String {
        stages.map { stage in
            ([String(stage.start)] + stage.changes.map { "\($0.key)=\($0.text)" }).joined(separator: " ")
        }
        .joined(separator: "; ")
    }

    /// `ITERATION KEY=TEXT ...; ITERATION ...`, iterations rising, or `none`. Nil where it is not that, a key cannot
    /// change on the way, or a text is none of the key's.
    static func parse(_ text: String) -> [TrainingStage]? {
        if text == "none" { return [] }
        var stages: [TrainingStage] = []
        for part in text.split(separator: ";", omittingEmptySubsequences: false) {
            let words = part.split(separator: " ")
            guard let start = words.first.flatMap({ Int($0) }), start > stages.last?.start ?? 0, words.count > 1 else {
                return nil
            }
            var changes: [Change] = []
            for word in words.dropFirst() {
                let sides = word.split(separator: "=", maxSplits: 1).map(String.init)
                var scratch = TrainingConfiguration()
                guard sides.count == 2, keys.contains(sides[0]), (try? scratch.set(sides[0], sides[1])) != nil else {
                    return nil
                }
                changes.append(Change(key: sides[0], text: sides[1]))
            }
            stages.append(TrainingStage(start: start, changes: changes))
        }
        return stages
    }
}

extension TrainingConfiguration {
    /// Which stage an iteration belongs to: 0 before the first of `stages`.
    func stage(at iteration: Int) -> Int { stages.prefix { $0.start <= iteration }.count }

    /// The settings of a stage: the changes of all stages up to it made.
    package func settings(ofStage stage: Int) -> TrainingConfiguration {
        var settings = self
        for change in stages.prefix(stage).flatMap(\.changes) {
            // Each was set once already, when it was parsed.
            do { try settings.set(change.key, change.text) } catch { preconditionFailure("\(error)") }
        }
        settings.stages = []
        return settings
    }

    /// Those of every stage.
    var allSettings: [TrainingConfiguration] { (0...stages.count).map(settings(ofStage:)) }
}
