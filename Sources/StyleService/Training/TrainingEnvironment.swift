import BackgroundProcess
import LinuxFiles
import StyleModels

/// What a run's process is started with, and what surrounds it.
package struct TrainingEnvironment: Sendable {
    /// `cyclegan-style`; nil where it is not there.
    package var program: BytePath?
    /// The service's control socket, which the process reports to.
    package var socket: BytePath?
    package var schedule = TrainingSchedule.ofThisMachine
    /// Photos that wait or are in work.
    package var queue: @Sendable () -> Int = { 0 }
    /// Seconds for a run's process to finish its iteration when the service stops.
    package var patience: @Sendable () -> Double = { 10 }
    /// Seconds without a new image, after which those that are there count as all.
    package var quiet = 600.0
    /// A run is given up when its process has ended so often without having come further.
    package var mostAttempts = 4
    /// Seconds, more after each failure.
    package var pauseAfterFailure = 15.0
    /// Between two looks at a run's process, in seconds.
    package var interval = 0.5

    package init() {}

    /// With the program beside the service's, or where its package has it.
    package static let installed: TrainingEnvironment = {
        var environment = TrainingEnvironment()
        guard let own = ModelStore.programDirectory else { return environment }
        environment.program = [own, own.parent.appending("bin")].map { $0.appending("cyclegan-style") }.first {
            (try? Files.isRegularTarget($0)) == true
        }
        return environment
    }()
}
