import Foundation
import Glibc

/// A web server on 127.0.0.1 for one file, which can misbehave in the ways that real ones do.
final class LoopbackServer: @unchecked Sendable {
    enum Behaviour {
        /// Honours ranges; each connection ends after so many bytes of the body.
        case ranges(cutAfter: Int)
        /// Sends the whole file whatever is asked for.
        case noRanges
        case status(Int)
        /// Answers every range with this header.
        case wrongRange(String)
        /// Says nothing about the length and sends this much more than there is.
        case tooLong(Int)
    }

    let content: [UInt8]
    let port: UInt16
    private let listener: CInt
    private let lock = NSLock()
    private var behaviours: [Behaviour]
    private var seen: [String] = []

    /// Each request gets the next behaviour; the last one stays.
    init(content: [UInt8], _ behaviours: [Behaviour]) {
        self.content = content
        self.behaviours = behaviours
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                precondition(bind(descriptor, generic, length) == 0 && listen(descriptor, 8) == 0)
                precondition(getsockname(descriptor, generic, &length) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                answer(client)
                close(client)
            }
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// The Range headers of all requests, empty where there was none.
    var ranges: [String] {
        lock.withLock { seen }
    }

    private func answer(_ client: CInt) {
        var request = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !request.contains("\r\n\r\n") {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            request += String(decoding: buffer[..<count], as: UTF8.self)
        }
        let range =
            request.split(separator: "\r\n").first { $0.lowercased().hasPrefix("range:") }.map { $0.dropFirst(7) } ?? ""
        let wanted = range.trimmingCharacters(in: .whitespaces)
        let behaviour = lock.withLock {
            seen.append(wanted)
            return behaviours.count > 1 ? behaviours.removeFirst() : behaviours[0]
        }
        let start = Int(wanted.dropFirst("bytes=".count).dropLast()) ?? 0
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: \(content.count)\r\n"
        let part = "HTTP/1.1 206 Partial Content\r\nContent-Length: \(content.count - start)\r\n"
        switch behaviour {
        case .ranges(let cut):
            let head =
                wanted.isEmpty
                ? whole : part + "Content-Range: bytes \(start)-\(content.count - 1)/\(content.count)\r\n"
            write(client, head, Array(content[start...].prefix(cut)))
        case .noRanges: write(client, whole, content)
        case .status(let status):
            write(client, "HTTP/1.1 \(status) Sorry\r\nContent-Length: 5\r\n", Array("sorry".utf8))
        case .wrongRange(let text): write(client, part + "Content-Range: \(text)\r\n", Array(content[start...]))
        case .tooLong(let more): write(client, "HTTP/1.1 200 OK\r\n", content + [UInt8](repeating: 0, count: more))
        }
    }

    private func write(_ client: CInt, _ head: String, _ body: [UInt8]) {
        let bytes = Array((head + "Connection: close\r\n\r\n").utf8) + body
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(client, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            done += count
        }
    }
}
