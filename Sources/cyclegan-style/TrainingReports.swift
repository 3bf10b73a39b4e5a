import CycleGAN
import LinuxFiles
import ServiceControl

extension TrainingReport {
    /// What a run tells the service of its progress. A loss that is no number has no place in JSON.
    init(_ progress: Trainer.Progress, run: String) {
        self.init(
            run: BytePath(run), iteration: progress.iteration, total: progress.total,
            losses: Dictionary(
                uniqueKeysWithValues: progress.losses.all.filter(\.value.isFinite).map { ($0.term.name, $0.value) }),
            imagesPerSecond: progress.imagesPerSecond.isFinite ? progress.imagesPerSecond : 0,
            secondsLeft: progress.remainingSeconds)
    }
}
