import Foundation
import Networks
import Tensors
import Weights

/// A training run in a directory of its own: configuration, checkpoints, losses, sample sheets, report and, in the end, the
/// model.
///
/// Every random draw follows from the seed and the iteration; with the checkpoints this makes a run that was interrupted, in
/// any way and at any moment, give the same bits as one that never was.
public final class Trainer {
    public static let modelName = "model.safetensors"

    public let configuration: TrainingConfiguration
    /// The run's directory.
    public let directory: String
    public let data: TrainingData
    public let model: CycleGANModel
    /// Iterations made so far.
    public internal(set) var iteration = 0
    /// Iterations of the whole run; nil until `minutes` have been turned into iterations.
    public internal(set) var total: Int?
    var pools: (x: ImagePool, y: ImagePool)
    var average: MovingAverage?
    var originalModel: ResNetGenerator?
    /// What went wrong on the way, for the report.
    var remarks: [String] = []
    let notice: @Sendable (String) -> Void
    var log: LossLog?
    var alarm = CollapseAlarm()

    /// What one iteration did.
    public struct Progress: Sendable {
        /// Iterations made, and those of the whole run where they are known.
        public var iteration: Int
        public var total: Int?
        public var losses: StepLosses
        public var learningRate: Double
        /// Photos and paintings trained on a second, of late.
        public var imagesPerSecond: Double
        /// Until the end, at that speed.
        public var remainingSeconds: Double?
    }

    public enum Outcome: Sendable, Equatable {
        /// The model's file.
        case finished(model: String)
        /// Stopped on request; the checkpoint to go on from, nil where it could not be written.
        case stopped(checkpoint: String?)
    }

    /// A new run. Throws `TrainingError`, `WeightsError` or `PhotoError`, in one line with the remedy.
    /// - Parameters:
    ///   - directory: made where it does not exist; must hold no checkpoint.
    ///   - notice: is told, in a line each, what a person should know.
    public convenience init(
        _ configuration: TrainingConfiguration, directory: String, notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        guard try Checkpoints(directory).newestFirst().isEmpty else {
            throw TrainingError("\(directory) holds checkpoints of a run; go on with --resume, or name another directory")
        }
        try self.init(configuration, directory, restored: false, notice)
        try RunLock.check(directory)
        if model.features != nil { try setFeatureScale() }
        try writeConfiguration()
    }

    /// The parts of a run at its start, without a look at the directory.
    /// - Parameter restored: a checkpoint will give the networks their values.
    init(
        _ c: TrainingConfiguration, _ directory: String, restored: Bool, _ notice: @escaping @Sendable (String) -> Void
    ) throws {
        try c.validate()
        (configuration, self.directory, self.notice) = (c, directory, notice)
        model = try TrainerNetworks(c, restored: restored).model()
        data = try TrainingData(c, notice: notice)
        pools = (ImagePool(capacity: c.poolSize), ImagePool(capacity: c.poolSize))
        if c.ema > 0 { average = MovingAverage(decay: c.ema, of: model.g) }
        originalModel = try c.originalModel.map(TrainerNetworks.originalModel)
        total = c.iterations ?? c.epochs.map { $0 * iterationsPerEpoch }
        do {
            try FileManager.default.createDirectory(atPath: directory + "/samples", withIntermediateDirectories: true)
        } catch { throw TrainingError("\(directory) cannot be made: \(error.localizedDescription)") }
    }

    func setFeatureScale() throws {
        model.featureScale = try TrainerNetworks.featureScale(model.features!, data)
    }

    func writeConfiguration() throws {
        let path = directory + "/" + TrainingConfiguration.fileName
        do { try Data(configuration.yaml.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
            throw TrainingError("\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    var iterationsPerEpoch: Int { (data.epochLength + configuration.batch - 1) / configuration.batch }

    /// Of the whole run; while its length is not known yet, of one that is long enough not to decay.
    var schedule: LearningRateSchedule {
        if let epochs = configuration.epochs {
            return LearningRateSchedule(base: configuration.learningRate, units: epochs, iterationsPerUnit: iterationsPerEpoch)
        }
        return LearningRateSchedule(base: configuration.learningRate, units: total ?? 4 * (iteration + 1))
    }

    /// One iteration on a batch: the model's step with pools, augmentation and moving average.
    func step(x: Tensor, y: Tensor) -> (losses: StepLosses, learningRate: Double) {
        let rate = schedule.rate(iteration), c = configuration
        var poolRandom = SeededGenerator(seed: c.seed, purpose: "image pools", number: iteration)
        var augmentation = Augmentation(
            policies: c.augmentation, random: SeededGenerator(seed: c.seed, purpose: "augmentation", number: iteration))
        let (losses, images) = model.step(x: x, y: y, learningRate: rate) { made in
            CycleGANModel.Images(
                fakeX: pools.x.exchangeBatch(made.fakeX, &poolRandom), fakeY: pools.y.exchangeBatch(made.fakeY, &poolRandom))
        } augment: { image, tape in augmentation.apply(image, tape) }
        iteration += 1
        average?.update(model.g, step: iteration)
        if c.alarm, let warning = alarm.check(x: x, picture: images.fakeY) { remark(warning) }
        return (losses, rate)
    }

    /// Says it now and in the report.
    func remark(_ text: String) {
        remarks.append("iteration \(iteration): \(text)")
        notice(text)
    }
}
