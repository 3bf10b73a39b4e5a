import Foundation
import XCTest

/// systemd's own opinion of calendar events.
enum SystemdAnalyze {
    static func path() throws -> String {
        let path = "/usr/bin/systemd-analyze"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw XCTSkip("systemd-analyze is not installed: nothing to hold calendar events against")
        }
        return path
    }

    /// The next five elapses of each expression, in seconds since 1970; nil where systemd refuses an expression.
    static func elapses(of expressions: [String], base: Int, machineZone: String = "UTC") throws -> [[Int]?] {
        let reader = DateFormatter()
        reader.locale = Locale(identifier: "en_US_POSIX")
        reader.timeZone = TimeZone(secondsFromGMT: 0)
        reader.dateFormat = "EEE yyyy-MM-dd HH:mm:ss 'UTC'"
        let start = reader.string(from: Date(timeIntervalSince1970: Double(base)))
        let options = ["calendar", "--iterations=5", "--base-time=\(start.dropFirst(4))", "--"]
        func elapses(_ block: some StringProtocol) -> [Int] {
            block.split(separator: "\n").compactMap { line in
                let labels = ["Next elapse:", "Iter. #", "(in UTC):"]
                guard line.hasSuffix("UTC"), labels.contains(where: line.contains) else { return nil }
                let date = line[line.index(after: line.firstIndex(of: ":")!)...].trimmingCharacters(in: .whitespaces)
                return reader.date(from: date).map { Int($0.timeIntervalSince1970) }
            }
        }
        // All in one call, with an empty line between them, where none is refused.
        if let text = try run(options + expressions, machineZone) {
            let blocks = text.components(separatedBy: "\n\n")
            if blocks.count == expressions.count { return blocks.map(elapses) }
        }
        return try expressions.map { try run(options + [$0], machineZone).map(elapses) }
    }

    /// What it prints; nil where it refuses an expression.
    private static func run(_ arguments: [String], _ machineZone: String) throws -> String? {
        let process = Process(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: try path())
        process.arguments = arguments
        process.environment = ["TZ": machineZone, "LC_ALL": "C"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? text : nil
    }
}
