import Glibc

@testable import DirectoryWatching

/// File operations on byte paths.
enum Shell {
    static func write(_ path: BytePath, _ bytes: [UInt8], flags: CInt = O_WRONLY | O_CREAT | O_TRUNC) throws {
        let descriptor = try FileCalls.open(path, flags: flags, mode: 0o644)
        defer { close(descriptor) }
        try write(descriptor, bytes)
    }

    static func write(_ descriptor: CInt, _ bytes: [UInt8]) throws {
        guard bytes.withUnsafeBytes({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
            throw WatchError(call: "write", code: errno)
        }
    }

    static func makeDirectories(_ path: BytePath) throws {
        var made = BytePath("/")
        for name in path.components {
            made = made.appending(name)
            let result = made.withCString { mkdir($0, 0o755) }
            if result != 0, errno != EEXIST { throw WatchError(call: "mkdir", code: errno, path: made) }
        }
    }

    static func bindSocket(_ path: BytePath) throws {
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.bytes) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw WatchError(call: "bind", code: errno) }
    }

    static func removeTree(_ path: BytePath) {
        if let directory = try? Descriptor.directory(at: AT_FDCWD, path.bytes), let names = try? names(in: directory.raw) {
            for name in names { removeTree(path.appending(name)) }
        }
        _ = path.withCString { Glibc.remove($0) }
    }

    /// Sets whose files the calling thread, and threads that it starts, may use. A GNU call that is not imported.
    static func setFileSystemUser(_ user: uid_t) {
        typealias Call = @convention(c) (uid_t) -> CInt
        _ = unsafeBitCast(dlsym(nil, "setfsuid"), to: Call.self)(user)
    }
}
