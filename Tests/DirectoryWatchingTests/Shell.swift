import CLinux
import Glibc
import LinuxFiles

@testable import DirectoryWatching

/// File operations on byte paths.
enum Shell {
    static func write(_ path: BytePath, _ bytes: [UInt8], flags: CInt = O_WRONLY | O_CREAT | O_TRUNC) throws {
        try Descriptor.open(path, flags: flags, mode: 0o644).write(bytes)
    }

    /// A file without a name (O_TMPFILE, a macro that is not imported). It vanishes if it is never given one.
    static func openUnnamed(in directory: BytePath) throws -> Descriptor {
        try Descriptor.open(directory, flags: 0o20000000 | O_DIRECTORY | O_RDWR, mode: 0o640)
    }

    /// renameat2 with both names swapped.
    static func exchange(_ first: BytePath, _ second: BytePath) throws {
        try retrying("exchange", second) { second in
            first.withCString { CLinux_rename($0, second, CLinux_renameExchange) }
        }
    }

    static func makeDirectories(_ path: BytePath) throws {
        try Files.makeDirectory(path)
    }

    static func bindSocket(_ path: BytePath) throws {
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.bytes) }
        try retrying("bind a socket to", path) {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }

    static func removeTree(_ path: BytePath) {
        if let names = try? Descriptor.directory(path).names() {
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
