extension WeightsFile {
    /// A PyTorch checkpoint or a safetensors file: the content decides, not the name. Throws `WeightsError`.
    package static func read(_ path: String) throws -> WeightsFile {
        let file = try ReadOnlyFile(path)
        let first = try file.bytes(at: 0, count: min(8, file.size))
        // Safetensors begin with a length in eight bytes, whose upper ones are 0 in any file that fits a memory. A
        // zip's may be 0 too; as a length its signature would be more than any header has.
        let isSafetensors = first.count == 8 && first[5...].allSatisfy { $0 == 0 } && first[..<4] != [0x50, 0x4B, 3, 4]
        return isSafetensors ? try Safetensors.read(path) : try PyTorchCheckpoint.read(path)
    }
}
