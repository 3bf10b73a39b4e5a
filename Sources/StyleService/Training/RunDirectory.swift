import Digests
import Foundation
import LinuxFiles
import Retraining

/// A run's directory, as the service sees it.
struct RunDirectory: Sendable {
    let path: BytePath

    static let logName = "log.txt", parentName = "parent.safetensors", parentStateName = "parent.training.safetensors"
    /// What stays of a run that has ended.
    private static let kept = [
        RetrainingPlan.fileName, GateReport.decisionName, GateReport.sheetName, GateReport.pageName, logName,
    ]

    init(_ path: BytePath) { self.path = path }

    /// A name that is free.
    static func new(_ style: String, in runs: BytePath, now: Date = Date()) throws -> RunDirectory {
        let time: String = now.formatted(.iso8601.dateSeparator(.omitted).timeSeparator(.omitted))
        let digits = time.replacing("Z", with: "")
        var number = 1
        while true {
            let path = runs.appending("\(style)-\(digits)" + (number == 1 ? "" : "-\(number)"))
            if try Files.statusIfPresent(of: path) == nil { return RunDirectory(path) }
            number += 1
        }
    }

    var log: BytePath { path.appending(Self.logName) }
    var parent: BytePath { path.appending(Self.parentName) }
    var parentState: BytePath { path.appending(Self.parentStateName) }
    var report: BytePath { path.appending(GateReport.pageName) }

    /// What a run has reached for good: another text whenever its process has come further.
    var reached: String {
        let checkpoints = (try? Files.names(in: path.appending("training").appending("checkpoints"))) ?? []
        let last = checkpoints.max { $0.lexicographicallyPrecedes($1) } ?? []
        let hasModel = (try? Files.statusIfPresent(of: RetrainingRun.model(of: path))) ?? nil != nil
        return String(decoding: last, as: UTF8.self) + (hasModel ? " model" : "")
    }

    /// The last line that its process wrote.
    var lastLine: String? {
        guard let bytes = try? Files.read(log, limit: 64 << 20) else { return nil }
        let line = String(decoding: bytes.suffix(4096), as: UTF8.self).split(separator: "\n").last
        return line.map { $0.replacingOccurrences(of: "cyclegan-style: ", with: "") }
    }

    /// Removes what was needed to make the model, and leaves what tells of it.
    func clear() throws {
        for name in (try? Files.names(in: path)) ?? [] {
            guard !Self.kept.contains(String(decoding: name, as: UTF8.self)) else { continue }
            try Self.remove(path.appending(name))
        }
    }

    func remove() throws { try Self.remove(path) }

    private static func remove(_ path: BytePath) throws {
        guard try Files.statusIfPresent(of: path) != nil else { return }
        try FileManager.default.removeItem(atPath: String(decoding: path.bytes, as: UTF8.self))
    }
}
