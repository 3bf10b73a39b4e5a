import Glibc

// Runs files, and what becomes of them when they are cut short or damaged, through the decoders and encoders under
// AddressSanitizer and UndefinedBehaviorSanitizer. Usage: sanitize FILE-OR-FOLDER...

private func contents(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    return [UInt8](unsafeUninitializedCapacity: size) { target, count in
        count = max(pread(descriptor, target.baseAddress, size, 0), 0)
    }
}

private func files(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [path] }
    defer { closedir(folder) }
    var found: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if !name.hasPrefix(".") { found += files(in: "\(path)/\(name)") }
    }
    return found.sorted()
}

@main
enum Sanitize {
    /// Bytes of damaged variants for each file: large files get fewer.
    private static let effort = 1 << 19, mostVariants = 40

    static func main() {
        let limits = DecodingLimits(maxPixels: 4 << 20)
        var fileCount = 0, inputCount = 0
        for path in CommandLine.arguments.dropFirst().flatMap(files) {
            guard let bytes = contents(of: path), bytes.withUnsafeBytes({ PhotoFormat.sniff($0) }) != nil else {
                continue
            }
            exercise(bytes, limits: limits)
            let variants = min(max(effort / bytes.count, 2), mostVariants)
            var random = UInt64(bytes.count) | 1
            for variant in 0..<variants {
                exercise(Array(bytes.prefix(bytes.count * variant / variants)), limits: limits)
                var damaged = bytes
                for _ in 0...variant % 4 {
                    // A linear congruential generator: the same damage in every run.
                    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    damaged[Int(random >> 33) % damaged.count] = UInt8(truncatingIfNeeded: random >> 24)
                }
                exercise(damaged, limits: limits)
            }
            fileCount += 1
            inputCount += 1 + 2 * variants
        }
        print("\(fileCount) files, \(inputCount) inputs: nothing found")
        exit(fileCount > 0 ? 0 : 1)
    }
}
