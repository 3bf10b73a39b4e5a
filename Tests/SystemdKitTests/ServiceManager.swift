import Glibc

/// A service manager as far as sd_notify(3) sees one: a datagram socket that NOTIFY_SOCKET names.
final class ServiceManager {
    let path: String
    private let descriptor: CInt

    init() throws {
        path = "/tmp/notify.\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(result == 0, "cannot bind \(path)")
        setenv("NOTIFY_SOCKET", path, 1)
    }

    deinit {
        close(descriptor)
        unlink(path)
        unsetenv("NOTIFY_SOCKET")
    }

    /// The next message's lines, nil if none comes in time. A passed descriptor is closed, which is the answer to
    /// BARRIER.
    func message(within milliseconds: CInt = 2000) -> [String]? {
        var source = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&source, 1, milliseconds) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        var control = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var header = msghdr()
                    header.msg_iov = vector
                    header.msg_iovlen = 1
                    header.msg_control = control.baseAddress
                    header.msg_controllen = control.count
                    let count = recvmsg(descriptor, &header, 0)
                    // One control message: a header of length, level and type, then the descriptor.
                    if header.msg_controllen >= 20 { close(control.load(fromByteOffset: 16, as: CInt.self)) }
                    return count
                }
            }
        }
        guard count > 0 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
