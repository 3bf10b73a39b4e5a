import Crypto
import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif
import Weights

/// A file on a server, with the hash that says it is the right one.
public struct RemoteFile: Sendable {
    public var url: URL
    public var sha256: String

    public init(url: URL, sha256: String) { (self.url, self.sha256) = (url, sha256) }

    /// torchvision's VGG16.
    public static let vgg16 = RemoteFile(
        url: URL(string: "https://download.pytorch.org/models/vgg16-397923af.pth")!,
        sha256: "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0")
}

/// Downloads a file beside its final name and puts it in place once its hash is right. What an interrupted download left is
/// kept, and the next one asks only for the rest.
public enum Download {
    public static let partSuffix = ".part"

    /// - Parameters:
    ///   - target: the file to make.
    ///   - progress: bytes so far, and in all where the server says so.
    /// - Throws: `WeightsError` in one line with the remedy.
    public static func fetch(
        _ file: RemoteFile, to target: String, progress: @escaping @Sendable (Int, Int?) -> Void = { _, _ in }
    ) throws {
        let part = target + partSuffix
        var hash = SHA256(), done = try read(part, into: &hash)
        if done == 0 { FileManager.default.createFile(atPath: part, contents: nil) }
        guard let handle = FileHandle(forWritingAtPath: part) else { throw WeightsError(path: part, "cannot be written") }
        defer { try? handle.close() }
        var request = URLRequest(url: file.url, timeoutInterval: 60)
        request.cachePolicy = .reloadIgnoringLocalCacheData
        // Compressed, a part of the file would not be a part of the bytes.
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        if done > 0 { request.setValue("bytes=\(done)-", forHTTPHeaderField: "Range") }
        try handle.seekToEnd()
        let receiver = Receiver(handle: handle, done: done, hash: hash, progress: progress)
        try receiver.run(request, file.url)
        (done, hash) = receiver.result
        let found = hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        guard found == file.sha256 else {
            try? FileManager.default.removeItem(atPath: part)
            throw WeightsError(
                path: file.url.absoluteString,
                "the \(done) bytes have the SHA-256 \(found), expected \(file.sha256); the download was thrown away, try again")
        }
        try handle.synchronize()
        guard rename(part, target) == 0 else {
            throw WeightsError(path: target, "cannot be put in place: \(String(cString: strerror(errno)))")
        }
    }

    /// Hashes what is there already; the number of bytes.
    private static func read(_ path: String, into hash: inout SHA256) throws -> Int {
        guard let handle = FileHandle(forReadingAtPath: path) else { return 0 }
        defer { try? handle.close() }
        var count = 0
        while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
            hash.update(data: data)
            count += data.count
        }
        return count
    }
}

/// Writes what a server sends as it comes.
private final class Receiver: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let handle: FileHandle
    private let progress: @Sendable (Int, Int?) -> Void
    private let finished = DispatchSemaphore(value: 0)
    // Used on the session's queue, and after `finished` by the caller.
    private var done: Int
    private var digest: SHA256
    private var total: Int?
    private var failure: String?

    init(handle: FileHandle, done: Int, hash: SHA256, progress: @escaping @Sendable (Int, Int?) -> Void) {
        (self.handle, self.done, self.progress) = (handle, done, progress)
        digest = hash
    }

    var result: (Int, SHA256) { (done, digest) }

    func run(_ request: URLRequest, _ url: URL) throws {
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)
        session.dataTask(with: request).resume()
        finished.wait()
        session.finishTasksAndInvalidate()
        if let failure { throw WeightsError(path: url.absoluteString, failure) }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        switch status {
        case 206: total = response.expectedContentLength >= 0 ? done + Int(response.expectedContentLength) : nil
        case 200:
            // The server sends the whole file: begin anew.
            do {
                try handle.truncate(atOffset: 0)
                (done, digest) = (0, SHA256())
            } catch { failure = "the partial file cannot be emptied: \(error.localizedDescription)" }
            total = response.expectedContentLength >= 0 ? Int(response.expectedContentLength) : nil
        case 416:
            // Nothing is left to send; the hash decides.
            total = done
        default: failure = "the server answered \(status); try again later, or import the file with 'weights import FILE'"
        }
        completionHandler(failure == nil && status != 416 ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        do { try handle.write(contentsOf: data) } catch {
            failure = "the download cannot be written: \(error.localizedDescription); what is there is kept, the next fetch goes on from it"
            return dataTask.cancel()
        }
        digest.update(data: data)
        done += data.count
        progress(done, total)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if failure == nil, let error, total != done {
            failure = "the download broke off after \(done) bytes: \(error.localizedDescription); fetch again, it goes on from there"
        } else if failure == nil, let total, done < total {
            failure = "the download broke off after \(done) of \(total) bytes; fetch again, it goes on from there"
        }
        finished.signal()
    }
}
