import Foundation
import Glibc
import LinuxFiles
import ServiceConfiguration

/// The UNIX socket over which people ask the service. Its mode decides who may: the service's user and group, and root.
/// (Under PrivateUsers= the kernel shows other users as 65534, so that their numbers tell nothing.)
package enum ControlSocket {
    package static let name = "control.sock"
    package static let longestRequest = 1 << 16

    /// Where the service listens: in the directory that systemd made for it, else in its state directory.
    package static func path(state: BytePath) -> BytePath {
        if let directory = getenv("RUNTIME_DIRECTORY").map({ String(cString: $0) })?.split(separator: ":").first {
            return BytePath(String(directory)).appending(name)
        }
        return state.appending(name)
    }

    /// Where a client looks, in this order.
    package static func candidates(state: BytePath) -> [BytePath] {
        let paths = [path(state: state), BytePath("/run/cyclegan-styled").appending(name), state.appending(name)]
        return paths.enumerated().filter { index, path in !paths[..<index].contains(path) }.map(\.element)
    }

    /// The same for the state directory that a configuration names; whoever may ask the service need not be able to
    /// read that.
    package static func candidates(configuration: String? = nil) -> [BytePath] {
        candidates(state: ((try? Configuration.load(configuration)) ?? Configuration()).state)
    }

    package static func address(_ path: BytePath) throws -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.bytes.count < capacity else { throw SystemError(ENAMETOOLONG, "use as a socket", path) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.bytes) }
        return address
    }

    package static func newSocket(_ path: BytePath) throws -> Descriptor {
        Descriptor(
            owning: try retrying("make a socket") {
                socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            }, path)
    }

    /// Bounds every wait for the other side.
    package static func setTimeout(_ descriptor: CInt, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// Reads to the end of a line; nil where the other side says too much, nothing, or takes too long.
    package static func readLine(_ descriptor: CInt, limit: Int) -> [UInt8]? {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while line.count <= limit {
            let count = (try? retrying("read") { recv(descriptor, &buffer, buffer.count, 0) }) ?? 0
            guard count > 0 else { return line.isEmpty ? nil : line }
            if let end = buffer[..<count].firstIndex(of: UInt8(ascii: "\n")) { return line + buffer[..<end] }
            line += buffer[..<count]
        }
        return nil
    }

    package static func send(_ bytes: some Collection<UInt8>, to descriptor: CInt) -> Bool {
        ContiguousArray(bytes).withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = try? retrying("write") {
                    Glibc.send(descriptor, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard let count, count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// Asks the service one thing.
    /// - Parameter timeout: seconds to wait for the service; a reload waits for watchers to start.
    /// - Throws: `ServiceUnreachable`.
    package static func ask(_ request: ControlRequest, at candidates: [BytePath], timeout: Int = 60) throws
        -> ControlReply
    {
        var failures: [String] = []
        for path in candidates {
            do {
                let socket = try newSocket(path)
                setTimeout(socket.raw, seconds: timeout)
                var address = try address(path)
                try retrying("reach the service at", path) {
                    withUnsafePointer(to: &address) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            connect(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                        }
                    }
                }
                let line = try ControlJSON.encoder().encode(request)
                guard send(line + [UInt8(ascii: "\n")], to: socket.raw),
                    let answer = readLine(socket.raw, limit: 64 << 20)
                else {
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
package struct ServiceUnreachable: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
