import CInotify
import Foundation
import Glibc
import Synchronization

/// The UNIX socket over which people ask the service. Its mode decides who may: the service's user and group, and root. (Under
/// PrivateUsers= the kernel shows other users as 65534, so that their numbers tell nothing.)
public enum ControlSocket {
    static let name = "control.sock"
    static let longestRequest = 1 << 16

    /// Where the service listens: in the directory that systemd made for it, else in its state directory.
    static func path(state: BytePath) -> BytePath {
        if let directory = getenv("RUNTIME_DIRECTORY").map({ String(cString: $0) })?.split(separator: ":").first {
            return BytePath(String(directory)).appending(name)
        }
        return state.appending(name)
    }

    /// Where a client looks, in this order.
    public static func candidates(state: BytePath) -> [BytePath] {
        let paths = [path(state: state), BytePath("/run/cyclegan-styled").appending(name), state.appending(name)]
        return paths.enumerated().filter { index, path in !paths[..<index].contains(path) }.map(\.element)
    }

    /// The same for the state directory that a configuration names; whoever may ask the service need not be able to read that.
    public static func candidates(configuration: String? = nil) -> [BytePath] {
        candidates(state: ((try? Configuration.load(configuration)) ?? Configuration()).state)
    }

    static func address(_ path: BytePath) throws -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.bytes.count < capacity else { throw SystemError(ENAMETOOLONG, "use as a socket", path) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.bytes) }
        return address
    }

    static func newSocket() throws -> CInt {
        try retrying("make a socket") { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) }
    }

    /// Bounds every wait for the other side.
    static func setTimeout(_ descriptor: CInt, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// Reads to the end of a line; nil where the other side says too much, nothing, or takes too long.
    static func readLine(_ descriptor: CInt, limit: Int) -> [UInt8]? {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while line.count <= limit {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return line.isEmpty ? nil : line }
            if let end = buffer[..<count].firstIndex(of: UInt8(ascii: "\n")) { return line + buffer[..<end] }
            line += buffer[..<count]
        }
        return nil
    }

    static func send(_ bytes: some Collection<UInt8>, to descriptor: CInt) -> Bool {
        ContiguousArray(bytes).withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = Glibc.send(descriptor, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// Asks the service one thing.
    /// - Parameter timeout: seconds to wait for the service; a reload waits for watchers to start.
    /// - Throws: `ServiceUnreachable`.
    public static func ask(_ request: ControlRequest, at candidates: [BytePath], timeout: Int = 60) throws -> ControlReply {
        var failures: [String] = []
        for path in candidates {
            do {
                let descriptor = try newSocket()
                defer { close(descriptor) }
                setTimeout(descriptor, seconds: timeout)
                var address = try address(path)
                try retrying("reach the service at", path) {
                    withUnsafePointer(to: &address) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
                    }
                }
                let line = try ControlJSON.encoder().encode(request)
                guard send(line + [UInt8(ascii: "\n")], to: descriptor), let answer = readLine(descriptor, limit: 64 << 20) else {
                    throw ServiceUnreachable("the service at \(path) did not answer")
                }
                return try ControlJSON.decoder().decode(ControlReply.self, from: Data(answer))
            } catch { failures.append("\(error)") }
        }
        throw ServiceUnreachable(
            failures.joined(separator: "; ") + ". Is the service running (systemctl status cyclegan-styled), "
                + "and may you ask it (root, and members of the group cyclegan-styled)?")
    }
}

/// No service answered.
public struct ServiceUnreachable: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Listens on the control socket; every connection is answered on a thread of its own.
final class ControlServer: Sendable {
    private static let mostConnections = 16
    private let path: BytePath
    private let descriptor: CInt
    private let answer: @Sendable (ControlRequest, pid_t) -> ControlReply
    private let connections = Atomic<Int>(0)
    private let isStopping = Atomic<Bool>(false)

    /// A socket that an earlier run left is replaced: whoever holds the state directory's lock is the only service there.
    ///
    /// - Parameter answer: gets the request and the process that asks, 0 for one outside this namespace.
    init(_ path: BytePath, answer: @escaping @Sendable (ControlRequest, pid_t) -> ControlReply) throws {
        self.path = path
        self.answer = answer
        var address = try ControlSocket.address(path)
        try Files.makeDirectory(path.parent)
        try Files.unlinkIfPresent(path)
        descriptor = try ControlSocket.newSocket()
        do {
            try retrying("listen at", path) { [descriptor] in
                withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
                }
            }
            try retrying("set the mode of", path) { path.withCString { chmod($0, 0o660) } }
            try retrying("listen at", path) { [descriptor] in listen(descriptor, 16) }
        } catch {
            close(descriptor)
            throw error
        }
    }

    func start() {
        startThread("control") {
            while !self.isStopping.load(ordering: .acquiring) {
                let connection = accept(self.descriptor, nil, nil)
                guard connection >= 0 else {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    if errno == EMFILE || errno == ENFILE || errno == ENOMEM { sleep(1); continue }
                    break
                }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                if self.connections.add(1, ordering: .relaxed).newValue > Self.mostConnections {
                    self.connections.subtract(1, ordering: .relaxed)
                    close(connection)
                    continue
                }
                startThread("control answer") {
                    self.serve(connection)
                    close(connection)
                    self.connections.subtract(1, ordering: .relaxed)
                }
            }
        }
    }

    private func serve(_ connection: CInt) {
        ControlSocket.setTimeout(connection, seconds: 10)
        guard let line = ControlSocket.readLine(connection, limit: ControlSocket.longestRequest) else { return }
        let reply: ControlReply
        do { reply = answer(try ControlJSON.decoder().decode(ControlRequest.self, from: Data(line)), CInotify_peerProcess(connection)) } catch {
            reply = .failure("not a request that this service understands")
        }
        guard let bytes = try? ControlJSON.encoder().encode(reply) else { return }
        _ = ControlSocket.send(bytes + [UInt8(ascii: "\n")], to: connection)
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        // Wakes the thread that waits in accept.
        shutdown(descriptor, Int32(SHUT_RDWR))
        try? Files.unlinkIfPresent(path)
    }
}
