import CycleGAN
import Evaluation
import Foundation
import Networks
import Photos
import Tensors
import Weights

/// The paper's four variants trained with the same data, seeds, order and budget, one after the other, and compared on
/// images that none of them was trained on. Seed by seed, so that there is a whole table early.
///
/// Everything that is done is in the directory: each run's checkpoints (`Trainer`), its evaluation, the iterations that
/// minutes were turned into. It can be ended at any moment; what goes on later gives the same bits.
package final class Ablation {
    package private(set) var plan: AblationPlan
    package let directory: String
    private let context: ComputeContext
    private let notice: @Sendable (String) -> Void

    package struct Progress: Sendable {
        package var variant: Variant
        package var seed: Int
        /// Runs before this one, and all.
        package var runsDone, runs: Int
        /// Of a training; nil while a model is evaluated, where `done` and `total` count images.
        package var training: Trainer.Progress?
        package var done, total: Int
    }

    /// A plan in a directory, new or gone on with; then the directory's seeds count. Throws `TrainingError` where
    /// another plan is there.
    package init(
        _ plan: AblationPlan?, directory: String, in context: ComputeContext = .default,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        let found = try AblationPlan.read(directory)
        guard let known = found ?? plan else {
            throw TrainingError("\(directory) holds no ablation; name --photos, --paintings and a budget to begin one")
        }
        if let found, let plan, found.withoutSeeds != plan.withoutSeeds {
            throw TrainingError(
                "\(directory) holds an ablation with other settings (\(AblationPlan.fileName)); go on with it without "
                    + "naming any, or name another directory")
        }
        (self.plan, self.directory, self.context, self.notice) = (known, directory, context, notice)
        try known.validate()
        if found == nil { try known.write(directory) }
    }

    /// Adds seeds to those of the directory, whose runs stay as they are. Throws `TrainingError` for fewer than there
    /// are.
    package func raise(seeds: Int) throws {
        guard seeds != plan.seeds else { return }
        guard seeds > plan.seeds else {
            throw TrainingError("\(directory) has \(plan.seeds) seeds; there can be more later, not fewer")
        }
        var raised = plan
        raised.seeds = seeds
        try raised.validate()
        try raised.write(directory)
        plan = raised
    }

    private func runDirectory(_ variant: Variant, _ seed: Int) -> String {
        "\(directory)/\(variant.rawValue)-seed\(seed)"
    }

    /// Trains and evaluates what is not done yet, and writes the reports after each run. False where `progress`
    /// answered false.
    package func run(_ progress: @escaping (Progress) -> Bool) throws -> Bool {
        let split = try HeldOutSplit.make(plan, in: directory)
        let iterations = try iterationsOfARun(split, progress)
        guard let iterations else { return false }
        var done = 0
        let runs = plan.seeds * Variant.allCases.count
        for seed in 1...plan.seeds {
            for variant in Variant.allCases {
                let place = runDirectory(variant, seed)
                func tell(_ training: Trainer.Progress?, _ count: Int, _ total: Int) -> Bool {
                    progress(
                        Progress(
                            variant: variant, seed: seed, runsDone: done, runs: runs, training: training, done: count,
                            total: total))
                }
                if !FileManager.default.fileExists(atPath: place + "/" + Trainer.modelName) {
                    guard try train(variant, seed, split, iterations, { tell($0, $0.iteration, iterations) }) else {
                        return false
                    }
                }
                if result(variant, seed) == nil {
                    guard try evaluate(variant, seed, split, iterations, { tell(nil, $0, $1) }) else { return false }
                }
                done += 1
                try writeReports(split)
            }
        }
        return true
    }

    /// The budget in iterations, which the slowest variant's first steps say where minutes are given; nil where it was
    /// stopped.
    private func iterationsOfARun(_ split: HeldOutSplit, _ progress: (Progress) -> Bool) throws -> Int? {
        if let iterations = plan.iterations { return iterations }
        if let measured = plan.measuredIterations { return measured }
        let place = directory + "/measuring"
        try? FileManager.default.removeItem(atPath: place)
        let configuration = try plan.configuration(
            .hybrid, seed: 1, photos: split.trainingPhotos, paintings: split.trainingPaintings, iterations: nil)
        let trainer = try Trainer(configuration, directory: place, in: context, notice: notice)
        var goesOn = true
        _ = try trainer.train { step in
            goesOn = progress(
                Progress(
                    variant: .hybrid, seed: 1, runsDone: 0, runs: plan.seeds * 4, training: step, done: step.iteration,
                    total: 0))
            return goesOn && trainer.total == nil
        }
        try? FileManager.default.removeItem(atPath: place)
        guard goesOn, let total = trainer.total else { return nil }
        plan.measuredIterations = total
        try plan.write(directory)
        return total
    }

    private func train(
        _ variant: Variant, _ seed: Int, _ split: HeldOutSplit, _ iterations: Int, _ report: (Trainer.Progress) -> Bool
    ) throws -> Bool {
        let place = runDirectory(variant, seed)
        let trainer: Trainer
        if FileManager.default.fileExists(atPath: place + "/" + TrainingConfiguration.fileName) {
            trainer = try Trainer.resuming(place, in: context, notice: notice)
        } else {
            let configuration = try plan.configuration(
                variant, seed: seed, photos: split.trainingPhotos, paintings: split.trainingPaintings,
                iterations: iterations)
            trainer = try Trainer(configuration, directory: place, in: context, notice: notice)
        }
        context.buffers.trim()
        guard case .finished = try trainer.train(report) else { return false }
        return true
    }

    private func result(_ variant: Variant, _ seed: Int) -> AblationResult? {
        FileManager.default.contents(atPath: runDirectory(variant, seed) + "/" + AblationResult.fileName)
            .flatMap { try? JSONDecoder().decode(AblationResult.self, from: $0) }
    }

    private func evaluate(
        _ variant: Variant, _ seed: Int, _ split: HeldOutSplit, _ iterations: Int,
        _ report: @escaping (Int, Int) -> Bool
    ) throws -> Bool {
        let place = runDirectory(variant, seed)
        let network = try FeatureNetwork(
            plan.features, dimensions: plan.dimensions.flatMap(InceptionV3Layers.Tap.init(rawValue:)),
            mode: .pytorchFID,
            in: context)
        let content = try plan.contentWeights.map { try ContentDistance(WeightsFile.read($0), in: context) }
        let side = try plan.configuration(variant, seed: seed, photos: "-", paintings: "-", iterations: iterations)
            .cropSize
        let evaluator = Evaluator(features: network.extractor, content: content, framing: .square(side))
        evaluator.unreadable = { [notice] in notice($0) }
        let photos = try ImageFolder(split.photos), paintings = try ImageFolder(split.paintings),
            total = photos.count + paintings.count
        do {
            let (generator, back) = try generators(place)
            evaluator.progress = { done, _ in report(done, total) }
            let made = try evaluator.pictures(of: photos, PictureMaker(generator, back: back, .network))
            evaluator.progress = { done, _ in report(photos.count + done, total) }
            let reference = try evaluator.features(of: StoredPixels(paintings), split.paintings)
            let distances = try evaluator.distances(made.side.features, reference.features)
            func mean(_ values: [Double]) -> Double? {
                values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
            }
            let result = AblationResult(
                variant: variant.rawValue, seed: seed, iterations: iterations, distance: network.frechetName,
                dimensions: network.extractor.dimensions, frechet: distances.frechet,
                frechetAtInfinity: distances.frechetAtInfinity,
                kernel: distances.kernel, content: mean(made.content), reconstruction: mean(made.reconstruction),
                photos: made.side.images,
                paintings: reference.images)
            try write(try Self.encoder.encode(result), "\(variant.rawValue)-seed\(seed)/\(AblationResult.fileName)")
        } catch is EvaluationStopped { return false }
        return true
    }

    /// Both directions of a run: from its last checkpoint, or, where that is gone, the model alone.
    private func generators(_ place: String) throws -> (ResNetGenerator, ResNetGenerator?) {
        let folder = place + "/checkpoints"
        let last = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasSuffix(".safetensors") && !$0.hasPrefix(".")
        }.max()
        let model = try TrainedGenerators.read(place + "/" + Trainer.modelName, in: context).generator
        return (model, try last.flatMap { try TrainedGenerators.read(folder + "/" + $0, in: context).back })
    }

    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return encoder
    }()

    /// What there is so far.
    package var table: AblationTable {
        AblationTable((1...plan.seeds).flatMap { seed in Variant.allCases.compactMap { result($0, seed) } })
    }

    // MARK: Reports

    private func writeReports(_ split: HeldOutSplit) throws {
        let table = table
        try write(Data(table.csv.utf8), "results.csv")
        try write(Data(table.markdown.utf8), "table1.md")
        var page = AblationPage(table: table, plan: plan)
        let hybrid = runDirectory(.hybrid, 1), original = runDirectory(.original, 1)
        if [hybrid, original].allSatisfy({ FileManager.default.fileExists(atPath: $0 + "/" + Trainer.modelName) }) {
            let sheet = try figure2(split, original, hybrid)
            page.figure2 = try PhotoEncoder.encode(
                sheet, options: EncodingOptions(format: .jpeg, quality: 88, subsampling: .yuv444))
            page.figure3 = try Figures.losses(hybrid)
            try write(Data(try PhotoEncoder.encode(sheet, options: EncodingOptions(format: .png))), "figure2.png")
            try write(Data(page.figure3!.utf8), "figure3.svg")
        }
        try write(Data(page.html.utf8), "report.html")
    }

    private static let figureRows = 6

    private func figure2(_ split: HeldOutSplit, _ original: String, _ hybrid: String) throws -> Photo {
        let models = try [original, hybrid].map {
            PictureMaker(try TrainedGenerators.read($0 + "/" + Trainer.modelName, in: context).generator, .network)
        }
        let side =
            max(256, try plan.configuration(.hybrid, seed: 1, photos: "-", paintings: "-", iterations: 1).loadSize) / 4
            * 4
        var photos: [Photo] = []
        if plan.figurePhotos.isEmpty {
            let folder = try ImageFolder(split.photos)
            for index in folder.names.indices where photos.count < Self.figureRows {
                if let photo = try? folder.photo(index) { photos.append(photo) }
            }
        }
        for path in plan.figurePhotos {
            do { photos.append(try PhotoDecoder.decode(contentsOf: path)) } catch {
                throw TrainingError("\(path): \(error)")
            }
        }
        return Figures.sheet(
            try photos.map { photo in
                let scale = Double(side) / Double(max(photo.width, photo.height))
                func scaled(_ length: Int) -> Int { max(1, min(side, Int((Double(length) * scale).rounded()))) }
                let small = try photo.resized(
                    toWidth: scaled(photo.width), height: scaled(photo.height), filter: .bicubic)
                return [small] + (try models.map { try $0.made(of: small, .whole).picture })
            }, side: side)
    }

    private func write(_ data: Data, _ name: String) throws {
        do { try data.write(to: URL(fileURLWithPath: directory + "/" + name), options: .atomic) } catch {
            throw TrainingError("\(directory)/\(name) cannot be written: \(error.localizedDescription)")
        }
    }
}
