import Networks
import Tensors
import Weights

/// The generators of a model's file, or of a training checkpoint, which has both directions.
package enum TrainedGenerators {
    /// Throws `WeightsError` naming what does not fit.
    /// - Returns: photo to picture (its moving average where one is kept), and back where the file has it.
    package static func read(
        _ path: String, in context: ComputeContext = .default
    ) throws -> (generator: ResNetGenerator, back: ResNetGenerator?) {
        let file = try WeightsFile.read(path)
        guard file.tensors.keys.contains(where: { $0.hasPrefix("G.model.") }) else {
            return (try ResNetGenerator(file, in: context), nil)
        }
        let description = try GeneratorDescription(file)
        let shapes = Dictionary(uniqueKeysWithValues: description.tensorShapes.map { ($0.key, $0.shape) })
        func generator(_ prefix: String) throws -> ResNetGenerator {
            try ResNetGenerator(description, in: context) { try file.floats(prefix + $0, shape: shapes[$0]!) }
        }
        let isAveraged = file.tensors.keys.contains { $0.hasPrefix("ema.model.") }
        return (try generator(isAveraged ? "ema." : "G."), try generator("F."))
    }
}
