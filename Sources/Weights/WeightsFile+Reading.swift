extension WeightsFile {
    /// A PyTorch checkpoint or a safetensors file: the content decides, not the name. Throws `WeightsError`.
    public static func read(_ path: String) throws -> WeightsFile {
        let file = try ReadOnlyFile(path)
        // PyTorch's containers begin with a zip signature or with a pickle's protocol and a long number; safetensors with a length
        // in eight bytes, whose upper ones are 0 in any file that fits a memory.
        let first = try file.bytes(at: 0, count: min(8, file.size))
        return first.count == 8 && first[5...].allSatisfy { $0 == 0 } ? try Safetensors.read(path) : try PyTorchCheckpoint.read(path)
    }
}
