import FoundationEssentials

/// What a generator's state dict cannot say, carried in a `.pth` file: the safetensors header's metadata, as JSON in an
/// entry of the zip file that PyTorch does not look at (with `weights_only` or without).
enum PyTorchDescription {
    /// Below the archive's top directory. `extra/` is where PyTorch itself keeps what its users add to a file.
    static let entryName = "extra/cyclegan-generator.json"
    /// A dozen short texts; a longer one is not ours.
    private static let maxBytes = 1 << 20

    static func encode(_ metadata: [String: String]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(metadata))
    }

    /// Empty where the archive has no such entry: another program wrote it.
    static func read(_ archive: ZipArchive, root: some StringProtocol, in file: ReadOnlyFile) throws -> [String: String]
    {
        let name = root + entryName
        guard archive.names.contains(name) else { return [:] }
        let entry = try archive.entry(name)
        guard entry.size <= maxBytes,
            let metadata = try? JSONDecoder().decode(
                [String: String].self, from: Data(try file.bytes(at: entry.offset, count: entry.size)))
        else { throw WeightsError(path: file.path, "has a damaged entry \(quoted(name)); export the model again") }
        return metadata
    }
}
