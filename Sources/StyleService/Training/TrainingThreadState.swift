import Foundation
import LinuxFiles
import ServiceConfiguration
import ServiceControl

/// What the training's thread shares with those who ask it.
struct TrainingThreadState {
    /// A run at work.
    struct Active {
        var run: RunEntry
        var isPaused = false
        /// Why its process does not work at the moment, for a person; nil where it does.
        var waits: String?
    }

    var configuration: Configuration
    var orders: [RunOrder] = []
    /// Styles whose run is to be given up.
    var givenUp: Set<String> = []
    var isStopping = false
    var hasEnded = false
    var active: Active?
    /// What kept the last run of a style from beginning, for a person.
    var obstacles: [String: String] = [:]
    /// Grows with everything that may have made a run due.
    var generation = 0
}
