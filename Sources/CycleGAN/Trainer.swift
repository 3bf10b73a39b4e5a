import Foundation
import Networks
import Ranks
import Tensors
import Weights

/// A training run in a directory of its own: configuration, checkpoints, losses, sample sheets, report and, in the end,
/// the model.
///
/// Every random draw follows from the seed and the iteration; with the checkpoints this makes a run that was
/// interrupted, in any way and at any moment, give the same bits as one that never was.
package final class Trainer {
    package static let modelName = "model.safetensors"

    package let configuration: TrainingConfiguration
    /// The run's directory.
    package let directory: String
    package let data: TrainingData
    package let model: CycleGANModel
    /// The processes that train this model together; rank 0 alone writes into the directory.
    let group: any RankGroup
    /// This rank's places in a batch.
    let places: Range<Int>
    /// Iterations made so far.
    package internal(set) var iteration = 0
    /// Iterations of the whole run; nil until `minutes` have been turned into iterations.
    package internal(set) var total: Int?
    /// The stage that the run is in, and its settings.
    var stage = 0
    var settings: TrainingConfiguration
    var pools: ImagePools
    var average: MovingAverage?
    var originalModel: ResNetGenerator?
    /// What went wrong on the way, for the report.
    var remarks: [String] = []
    let notice: @Sendable (String) -> Void
    var log: LossLog?
    var alarm = CollapseAlarm()

    /// What one iteration did.
    package struct Progress: Sendable {
        /// Iterations made, and those of the whole run where they are known.
        package var iteration: Int
        package var total: Int?
        package var losses: StepLosses
        package var learningRate: Double
        /// Photos and paintings trained on a second, of late.
        package var imagesPerSecond: Double
        /// Until the end, at that speed.
        package var remainingSeconds: Double?
    }

    package enum Outcome: Sendable, Equatable {
        /// The model's file.
        case finished(model: String)
        /// Stopped on request; the checkpoint to go on from, nil where it could not be written.
        case stopped(checkpoint: String?)
    }

    /// A new run; in a group, at rank 0 (`following` at the others). Throws `TrainingError`, `WeightsError` or
    /// `PhotoError`, in one line with the remedy.
    /// - Parameters:
    ///   - directory: made where it does not exist; must hold no checkpoint.
    ///   - context: what the run computes on.
    ///   - notice: is told, in a line each, what a person should know.
    package convenience init(
        _ configuration: TrainingConfiguration, directory: String, group: any RankGroup = OneProcess(),
        in context: ComputeContext = .default, notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        guard try Checkpoints(directory).newestFirst().isEmpty else {
            throw TrainingError(
                "\(directory) holds checkpoints of a run; go on with --resume, or name another directory")
        }
        try self.init(configuration, directory, restored: false, group, context, notice)
        try RunLock.check(directory)
        if model.features != nil { try setFeatureScales() }
        try writeConfiguration()
        try lead(from: nil)
        try enterStage()
    }

    /// The parts of a run at its start, without a look at the directory.
    /// - Parameter restored: a checkpoint will give the networks their values.
    init(
        _ c: TrainingConfiguration, _ directory: String, restored: Bool, _ group: any RankGroup,
        _ context: ComputeContext, _ notice: @escaping @Sendable (String) -> Void
    ) throws {
        try c.validate()
        try c.validateBatch(ranks: group.count)
        (self.group, places) = (group, group.part(of: c.batch))
        (configuration, settings, self.directory, self.notice) = (c, c.settings(ofStage: 0), directory, notice)
        model = try TrainerNetworks(c, restored: restored, in: context).model()
        data = try TrainingData(c, run: directory, in: context, notice: notice)
        pools = ImagePools(capacity: c.poolSize, batch: c.batch, places: places)
        // The average, like everything for the eye, is rank 0's business.
        if c.ema > 0, group.rank == 0 { average = MovingAverage(decay: c.ema, of: model.g) }
        total = c.iterations ?? c.epochs.map { $0 * iterationsPerEpoch }
        guard group.rank == 0 else { return }
        originalModel = try c.originalModel.map { try TrainerNetworks.originalModel($0, in: context) }
        do {
            try FileManager.default.createDirectory(atPath: directory + "/samples", withIntermediateDirectories: true)
        } catch { throw TrainingError("\(directory) cannot be made: \(error.localizedDescription)") }
    }

    func setFeatureScales() throws {
        model.featureScale = try TrainerNetworks.featureScale(model.features!, configuration.semanticLayer, data)
        model.dv?.scales = try FeatureDiscriminator.taps.map {
            try TrainerNetworks.featureScale(model.features!, $0, data)
        }
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
            return LearningRateSchedule(
                base: settings.learningRate, units: epochs, iterationsPerUnit: iterationsPerEpoch)
        }
        return LearningRateSchedule(base: settings.learningRate, units: total ?? 4 * (iteration + 1))
    }

    /// One iteration on this rank's part of a batch: the model's step with pools, augmentation and moving average.
    func step(_ images: [(x: Tensor, y: Tensor)]) -> (losses: StepLosses, learningRate: Double) {
        let rate = schedule.rate(iteration), c = settings
        model.weights.style = styleWeight
        // What chance does to a pair follows from its number in the run, wherever it is computed.
        let pairs = zip(places, images).map { place, image in
            func random(_ purpose: String) -> SeededGenerator {
                SeededGenerator(seed: c.seed, purpose: purpose, number: iteration * c.batch + place)
            }
            var grain = Grained(deviation: c.grain, random: random("grain"))
            var poolRandom = random("image pools")
            var augmentation = Augmentation(policies: c.augmentation, random: random("augmentation"))
            var pair = CycleGANModel.Pair(x: image.x, y: image.y)
            pair.pooled = { [self] in pools.exchange($0, place: place, &poolRandom) }
            pair.grained = { grain.apply($0, $1) }
            pair.augment = { augmentation.apply($0, $1) }
            return pair
        }
        let (losses, made) = model.step(
            pairs, learningRate: rate, hasIdentity: iteration % c.identityEvery == 0, group: group)
        iteration += 1
        average?.update(model.g, step: iteration)
        if c.alarm, let warning = alarm.check(statistics(images, made)) { remark(warning) }
        return (losses, rate)
    }

    /// What the alarm looks at, means over the whole batch.
    private func statistics(
        _ images: [(x: Tensor, y: Tensor)], _ made: [CycleGANModel.Images]
    ) -> (correlation: Double, spread: Double) {
        let own = zip(images, made).map { CollapseAlarm.statistics($0.x, $1.fakeY) }
        let sums = group.sums(own.map { [$0.correlation, $0.spread] }), batch = Double(configuration.batch)
        return (sums[0] / batch, sums[1] / batch)
    }

    /// Says it now and in the report.
    func remark(_ text: String) {
        remarks.append("iteration \(iteration): \(text)")
        notice(text)
    }
}
