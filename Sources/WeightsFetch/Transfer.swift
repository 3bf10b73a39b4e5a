import Foundation
import FoundationNetworking
import Weights

/// One request for the rest of a file, written to the partial file as it arrives.
/// Safe to share: all state is touched on the session's serial delegate queue only, and read once the transfer has
/// ended.
final class Transfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let remote: RemoteWeights
    private let file: PartialFile
    private let progress: @Sendable (_ done: Int, _ total: Int) -> Void
    private var position: Int
    /// What ended the transfer, where it was us and not the connection.
    private var refusal: (any Error)?
    private var continuation: CheckedContinuation<Void, any Error>?

    init(
        _ remote: RemoteWeights, into file: PartialFile, from position: Int,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) {
        self.remote = remote
        self.file = file
        self.position = position
        self.progress = progress
    }

    /// Returns when the server has sent all that it will; throws `URLError` where the connection failed.
    func run(timeout: Double) async throws {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = timeout
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = 1
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: queue)
        defer { session.invalidateAndCancel() }
        var request = URLRequest(url: remote.url)
        // A compressed answer would have another size than the file.
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        if position > 0 { request.setValue("bytes=\(position)-", forHTTPHeaderField: "Range") }
        let task = session.dataTask(with: request)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                self.continuation = continuation
                task.resume()
            }
        } onCancel: {
            task.cancel()
        }
    }

    private func refuse(_ reason: String) {
        refusal = WeightsError(path: remote.url.absoluteString, reason)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        do {
            try begin(response)
        } catch {
            refusal = error
        }
        completionHandler(refusal == nil ? .allow : .cancel)
    }

    private func begin(_ response: URLResponse) throws {
        guard let response = response as? HTTPURLResponse else { return refuse("did not answer in HTTP") }
        switch response.statusCode {
        case 200:
            // The server knows no ranges, or has no rest to give: from the start again.
            try file.truncate()
            position = 0
            if response.expectedContentLength >= 0, response.expectedContentLength != Int64(remote.byteCount) {
                refuse("has \(response.expectedContentLength) bytes, expected \(remote.byteCount): it is another file")
            }
        case 206:
            let range = response.value(forHTTPHeaderField: "Content-Range") ?? ""
            guard range == "bytes \(position)-\(remote.byteCount - 1)/\(remote.byteCount)" else {
                try file.truncate()
                return refuse(
                    "answered with the range \"\(range)\" of \(remote.byteCount) bytes; run this again to start anew")
            }
        case 416:
            try file.truncate()
            refuse("has fewer bytes than were downloaded already; run this again to start anew")
        default:
            refuse("answered with the status \(response.statusCode)")
        }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        guard refusal == nil else { return }
        guard position + data.count <= remote.byteCount else {
            refuse("sends more than the expected \(remote.byteCount) bytes: it is another file")
            return dataTask.cancel()
        }
        do {
            try file.append(data, at: position)
            position += data.count
            progress(position, remote.byteCount)
        } catch {
            refusal = error
            dataTask.cancel()
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let outcome = refusal ?? error
        if let outcome { continuation?.resume(throwing: outcome) } else { continuation?.resume() }
        continuation = nil
    }
}
