import CalendarEvents
import LinuxFiles

/// Whether finished photos are made anew when another model is put to use.
package enum RestylePolicy: String, CaseIterable, Sendable {
    case never
    case onNewModel = "on-new-model"
}

/// What a run of training begins with.
package enum TrainingMode: String, CaseIterable, Sendable, Codable {
    /// The model in use; where the style has none, nothing.
    case finetune
    /// Nothing.
    case retrain
}

/// When and how a style's model is trained by the service.
package struct RetrainConfiguration: Sendable, Equatable {
    /// nil for never.
    package var when: CalendarEvent? = try? CalendarEvent("weekly")
    package var mode = TrainingMode.finetune
    /// Images that must be new since the last run, both domains together.
    package var minNewImages = 20
    /// How long a run trains.
    package var budget = Duration.seconds(4 * 3600)
    /// In place of the budget; nil where that holds.
    package var iterations: Int?
    /// Model files that are kept.
    package var keepModels = 5
    /// By how much of the distance of the model in use a new one's pictures may be farther from their photos.
    package var maxContentLoss = 0.1
    /// Photos in the queue above which a run pauses.
    package var pauseAbove = 10
    /// Bytes that a run may use; nil for half of what the service may.
    package var memory: Int?
    /// Threads that a run computes with; nil for as many as the service.
    package var threads: Int?
    /// Keys and texts of training.yaml, in place of the recipe's.
    package struct Setting: Sendable, Equatable { package var key, text: String }
    package var settings: [Setting] = []

    package init() {}
}

/// A style that the service trains: its domains' directories, all absolute, and its schedule.
package struct StyleConfiguration: Sendable, Equatable {
    package enum Domain: String, CaseIterable, Sendable { case paintings, photos }

    /// The style's name, as inboxes name it.
    package var key: String
    package var paintings: BytePath
    package var photos: BytePath
    /// Keys of the inboxes whose photos serve as well.
    package var learnFrom: [String] = []
    package var retrain = RetrainConfiguration()
    /// Where files go that are no images.
    package internal(set) var failed = BytePath("failed")

    /// Whether its model comes with the program: then one that is not there is a mistake.
    package var ships: Bool { key == PictureSettings().style }

    package func directory(_ domain: Domain) -> BytePath { domain == .paintings ? paintings : photos }

    /// A style with directories where they are by default, below the spool.
    static func standard(_ key: String) -> StyleConfiguration {
        let root = BytePath("domains").appending(key)
        return StyleConfiguration(
            key: key, paintings: root.appending("paintings"), photos: root.appending("photos"),
            failed: root.appending("failed"))
    }
}

extension Configuration {
    /// Copies of a style's images as training reads them.
    package func library(_ style: String, _ domain: StyleConfiguration.Domain) -> BytePath {
        state.appending("domains").appending(style).appending(domain.rawValue)
    }

    /// The runs of all styles, a directory each.
    package var runs: BytePath { state.appending("runs") }

    package func style(_ key: String) -> StyleConfiguration? { styles.first { $0.key == key } }
}
