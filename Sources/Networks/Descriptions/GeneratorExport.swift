import Weights

/// Writes a generator where other programs can use it.
package enum GeneratorExport {
    /// A `.pth` file with the state dict, which `torch.load(FILE, weights_only=True)` and the original project load,
    /// and the description, which they pass over and `GeneratorImport` takes back. The tensors must be those of
    /// `description`, in any order. Written atomically.
    /// - Parameter metadata: what else the model's file says about itself.
    package static func writePyTorch(
        _ path: String, description: GeneratorDescription, metadata: [String: String] = [:],
        tensors: [(name: String, shape: [Int], values: [Float])]
    ) throws {
        let shapes = Dictionary(tensors.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
        let differences = description.differences(from: shapes)
        guard differences.isEmpty, shapes.count == tensors.count else {
            throw WeightsError(
                path: path,
                "cannot be written: the tensors are not \(description.summary): " + differences.joined(separator: "; "))
        }
        try PyTorchCheckpoint.write(path, tensors: tensors, metadata: metadata.merging(description.metadata) { $1 })
    }
}
