import Foundation
import FoundationNetworking
import Weights

/// Downloads weights: goes on where an earlier download ended, and keeps only what has the right SHA-256.
package struct WeightsFetcher: Sendable {
    /// Attempts in a row that bring nothing before it gives up.
    package var attempts: Int
    /// Seconds without a byte after which a connection counts as lost.
    package var timeout: Double
    /// Seconds before the second attempt; each later one waits as long again.
    package var pause: Double

    package init(attempts: Int = 5, timeout: Double = 60, pause: Double = 2) {
        self.attempts = attempts
        self.timeout = timeout
        self.pause = pause
    }

    /// Puts the file at `path`, which either does not exist or is the file already. Until it is complete and checked,
    /// it is `path.part`, which stays when the download fails or the task is cancelled. `progress` gets bytes, on
    /// another thread. Throws `WeightsError`, or `CancellationError`.
    package func fetch(
        _ remote: RemoteWeights, to path: String, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) async throws {
        if let present = try PartialFile.sha256(ofFile: path) {
            guard present == remote.sha256 else {
                throw WeightsError(
                    path: path, "exists and is not \(remote.fileName) (its SHA-256 differs); move it away first")
            }
            return progress(remote.byteCount, remote.byteCount)
        }
        let file = try PartialFile(destination: path)
        defer { file.unlock() }
        try await fill(file, remote, progress)
        let found = try file.sha256()
        guard found == remote.sha256 else {
            file.remove()
            throw WeightsError(
                path: remote.url.absoluteString,
                "was downloaded whole but has the SHA-256 \(found), expected \(remote.sha256); it was removed: try "
                    + "again, "
                    + "or get the file elsewhere and use `weights import`")
        }
        try file.publish()
    }

    private func fill(
        _ file: PartialFile, _ remote: RemoteWeights,
        _ progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) async throws {
        var failures = 0
        while true {
            var start = try file.size
            if start > remote.byteCount {
                try file.truncate()
                start = 0
            }
            if start == remote.byteCount { return }
            var reason = "the connection ended early"
            do {
                try await Transfer(remote, into: file, from: start, progress: progress).run(timeout: timeout)
            } catch let error as URLError {
                try Task.checkCancellation()
                reason = error.localizedDescription
            }
            let end = try file.size
            if end == remote.byteCount { return }
            failures = end > start ? 1 : failures + 1
            guard failures < attempts else {
                throw WeightsError(
                    path: remote.url.absoluteString,
                    "cannot be downloaded: \(reason). \(end) of \(remote.byteCount) bytes are kept; run this again to "
                        + "go on, "
                        + "or get the file on another machine and use `weights import`")
            }
            try await Task.sleep(for: .seconds(pause * Double(failures)))
        }
    }
}
