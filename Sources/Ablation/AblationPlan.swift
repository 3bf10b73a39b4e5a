import CycleGAN
import Evaluation
import Foundation

/// What an ablation does; kept as `ablation.json` in its directory, so that it can be gone on with.
package struct AblationPlan: Codable, Equatable, Sendable {
    package static let fileName = "ablation.json"

    /// Folders, by absolute paths.
    package var photos, paintings: String
    /// The part of each folder that is not trained on, but evaluated on.
    package var heldOut = 0.1
    /// Seeds 1, 2, ...: each variant is trained with each.
    package var seeds = 3
    /// Iterations of every run, ...
    package var iterations: Int?
    /// ... or minutes of the slowest variant's, turned into iterations once.
    package var minutes: Double?
    /// Other keys of the training configuration, the same for every run.
    package var settings: [String: String] = [:]
    /// Weights of the network that FID or, with VGG16's, a distance of that name is taken on; and VGG16's for content.
    package var features: String
    package var contentWeights: String?
    package var dimensions: Int?
    /// Photos of figure 2; where there are none, the first that are held out.
    package var figurePhotos: [String] = []
    /// What `minutes` were turned into.
    var measuredIterations: Int?

    package init(photos: String, paintings: String, features: String) {
        (self.photos, self.paintings, self.features) = (photos, paintings, features)
    }

    /// Without what was found out on the way and the number of seeds, to which more can be added.
    var withoutSeeds: AblationPlan {
        var plan = self
        (plan.measuredIterations, plan.seeds) = (nil, 0)
        return plan
    }

    /// Keys that differ between the runs or that the ablation itself sets.
    package static let ownKeys: Set = [
        "photos", "paintings", "variant", "seed", "iterations", "epochs", "minutes", "init", "from",
    ]

    /// Throws `TrainingError` naming what is wrong.
    package func validate() throws {
        guard (iterations == nil) != (minutes == nil) else { throw TrainingError("set either iterations or minutes") }
        guard (1...100).contains(seeds) else { throw TrainingError("seeds is from 1 to 100") }
        guard heldOut > 0, heldOut <= 0.5 else { throw TrainingError("held-out is above 0 and at most a half (50%)") }
        if let key = settings.keys.filter(Self.ownKeys.contains).min() {
            throw TrainingError("\(key) is set by the ablation itself")
        }
        try configuration(.hybrid, seed: 1, photos: photos, paintings: paintings, iterations: 1).validate()
    }

    func configuration(
        _ variant: Variant, seed: Int, photos: String, paintings: String, iterations: Int?
    ) throws -> TrainingConfiguration {
        var c = TrainingConfiguration()
        for (key, text) in settings.sorted(by: { $0.key < $1.key }) { try c.set(key, text) }
        (c.photos, c.paintings, c.variant, c.seed) = (photos, paintings, variant, UInt64(seed))
        (c.iterations, c.minutes) = (iterations, iterations == nil ? minutes : nil)
        if !variant.hasSemanticLoss { c.featureWeights = nil }
        return c
    }

    /// Reads the plan of a directory; nil where there is none.
    package static func read(_ directory: String) throws -> AblationPlan? {
        let path = directory + "/" + fileName
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do { return try JSONDecoder().decode(AblationPlan.self, from: data) } catch {
            throw TrainingError("\(path) is not an ablation's plan; move it away to begin anew")
        }
    }

    func write(_ directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try encoder.encode(self).write(to: URL(fileURLWithPath: directory + "/" + Self.fileName), options: .atomic)
        } catch { throw TrainingError("\(directory) cannot be written: \(error.localizedDescription)") }
    }
}
