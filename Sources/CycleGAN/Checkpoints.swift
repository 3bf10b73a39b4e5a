import Foundation

/// The checkpoint files of a run's directory.
struct Checkpoints {
    let folder: String
    private static let suffix = ".safetensors"

    init(_ directory: String) { folder = directory + "/checkpoints" }

    func path(_ iteration: Int) -> String {
        let number = String(iteration)
        return "\(folder)/\(String(repeating: "0", count: max(0, 8 - number.count)))\(number)\(Self.suffix)"
    }

    /// Paths, the latest iteration first.
    func newestFirst() throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw TrainingError("\(folder) cannot be read: \(error.localizedDescription)")
        }
        let numbers = names.compactMap { $0.hasSuffix(Self.suffix) ? Int($0.dropLast(Self.suffix.count)) : nil }
        return numbers.sorted(by: >).map(path)
    }

    func prepare() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    /// Removes all but the last `count`, and what a killed process left half written.
    func prune(keeping count: Int) {
        for path in ((try? newestFirst()) ?? []).dropFirst(count) { try? FileManager.default.removeItem(atPath: path) }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasSuffix(".tmp") {
            try? FileManager.default.removeItem(atPath: folder + "/" + name)
        }
    }
}
