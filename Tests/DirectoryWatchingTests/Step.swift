import DirectoryWatching
import Glibc
import LinuxFiles

/// One line of a situation.
struct Step: Sendable {
    let run: @Sendable (Stage) async throws -> Void

    /// Opens, writes, closes.
    static func write(_ path: BytePath, _ bytes: [UInt8]) -> Step {
        Step { try Shell.write($0.path(path), bytes) }
    }

    static func append(_ path: BytePath, _ bytes: [UInt8]) -> Step {
        Step { try Shell.write($0.path(path), bytes, flags: O_WRONLY | O_APPEND) }
    }

    /// Writes and leaves the file open.
    static func writeUnclosed(_ path: BytePath, _ bytes: [UInt8]) -> Step {
        Step { stage in
            let file = try Descriptor.open(stage.path(path), flags: O_WRONLY | O_CREAT)
            try file.write(bytes)
            stage.keep(dup(file.raw))
        }
    }

    /// Writes in pieces with pauses longer than the settle time, reopening the file for each piece or not.
    static func writeSlowly(_ path: BytePath, _ bytes: [UInt8], pieces: Int, reopening: Bool) -> Step {
        Step { stage in
            var file = try Descriptor.open(stage.path(path), flags: O_WRONLY | O_CREAT)
            for piece in 0..<pieces {
                if piece > 0 {
                    try await stage.pass(stage.options.settle * 1.7)
                    if reopening { file = try Descriptor.open(stage.path(path), flags: O_WRONLY | O_APPEND) }
                }
                try file.write(bytes[bytes.count * piece / pieces..<bytes.count * (piece + 1) / pieces])
            }
        }
    }

    /// O_TMPFILE, write, linkat.
    static func writeUnnamed(_ path: BytePath, _ bytes: [UInt8]) -> Step {
        Step { stage in
            let file = try Shell.openUnnamed(in: stage.inbox)
            try file.write(bytes)
            try retrying("link", stage.path(path)) {
                linkat(AT_FDCWD, "/proc/self/fd/\(file.raw)", AT_FDCWD, $0, AT_SYMLINK_FOLLOW)
            }
        }
    }

    /// Reserves the file's size, waits, then fills it through a mapping.
    static func writeMapped(_ path: BytePath, _ bytes: [UInt8]) -> Step {
        Step { stage in
            let file = try Descriptor.open(stage.path(path), flags: O_RDWR | O_CREAT)
            try file.truncate(to: bytes.count)
            guard let memory = mmap(nil, bytes.count, PROT_READ | PROT_WRITE, MAP_SHARED, file.raw, 0),
                memory != MAP_FAILED
            else {
                throw SystemError(errno, "map", file.path)
            }
            try await stage.pass(stage.options.settle * 2)
            bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            msync(memory, bytes.count, MS_SYNC)
            munmap(memory, bytes.count)
        }
    }

    static func makeDirectory(_ path: BytePath) -> Step {
        Step { try Shell.makeDirectories($0.path(path)) }
    }

    static func rename(_ from: BytePath, _ to: BytePath) -> Step {
        Step { try Files.rename($0.path(from), to: $0.path(to)) }
    }

    static func exchange(_ from: BytePath, _ to: BytePath) -> Step {
        Step { try Shell.exchange($0.path(from), $0.path(to)) }
    }

    static func link(_ from: BytePath, _ to: BytePath) -> Step {
        call("link") { stage in
            stage.path(from).withCString { from in stage.path(to).withCString { Glibc.link(from, $0) } }
        }
    }

    static func symbolicLink(to target: BytePath, at path: BytePath) -> Step {
        call("symlink") { stage in
            target.withCString { target in stage.path(path).withCString { symlink(target, $0) } }
        }
    }

    static func fifo(_ path: BytePath) -> Step {
        call("mkfifo") { $0.path(path).withCString { mkfifo($0, 0o644) } }
    }

    static func socket(_ path: BytePath) -> Step {
        Step { try Shell.bindSocket($0.path(path)) }
    }

    /// The null device's numbers.
    static func device(_ path: BytePath) -> Step {
        call("mknod") { $0.path(path).withCString { mknod($0, S_IFCHR | 0o644, 0x103) } }
    }

    static func remove(_ path: BytePath) -> Step {
        call("unlink") { $0.path(path).withCString { unlink($0) } }
    }

    static func removeTree(_ path: BytePath) -> Step {
        Step { Shell.removeTree($0.path(path)) }
    }

    static func chmod(_ path: BytePath, _ mode: mode_t) -> Step {
        call("chmod") { $0.path(path).withCString { Glibc.chmod($0, mode) } }
    }

    /// Sets the modification time, in seconds since 1970, or to now.
    static func touch(_ path: BytePath, seconds: Int? = nil) -> Step {
        call("utimensat") { stage in
            let time = timespec(tv_sec: seconds ?? 0, tv_nsec: seconds == nil ? (1 << 30) - 1 : 0)
            return stage.path(path).withCString { utimensat(AT_FDCWD, $0, [time, time], 0) }
        }
    }

    /// A file system in memory on a directory (root only).
    static func mount(_ path: BytePath) -> Step {
        Step { stage in
            let place = stage.path(path)
            try retrying("mount on", place) { Glibc.mount("tmpfs", $0, "tmpfs", 0, "size=1m,mode=0755") }
            stage.keep(mount: place)
        }
    }

    /// A second place for a directory (root only).
    static func bind(_ from: BytePath, _ to: BytePath) -> Step {
        Step { stage in
            let (source, place) = (stage.path(from), stage.path(to))
            try retrying("mount on", place) { place in
                source.withCString { Glibc.mount($0, place, nil, UInt(MS_BIND), nil) }
            }
            stage.keep(mount: place)
        }
    }

    /// Makes a file longer or shorter by its name, of which the kernel tells nothing that is asked for.
    static func truncate(_ path: BytePath, to size: Int) -> Step {
        call("truncate") { $0.path(path).withCString { Glibc.truncate($0, off_t(size)) } }
    }

    static func unmount(_ path: BytePath, lazily: Bool = false) -> Step {
        call("umount") { stage in
            stage.path(path).withCString { umount2($0, lazily ? CInt(MNT_DETACH) : 0) }
        }
    }

    static func pause(settleTimes factor: Double) -> Step {
        Step { try await $0.pass($0.options.settle * factor) }
    }

    static let start = Step { try $0.start() }
    static let rescan = Step { $0.watcher.rescan() }

    /// Proves that all that was done so far has been seen.
    static let sync = Step { try await $0.watcher.sync(timeout: .seconds(20)) }

    static func reexamine(_ path: BytePath) -> Step { Step { $0.watcher.reexamine(path) } }
    static func forget(_ path: BytePath) -> Step { Step { $0.watcher.forget($0.path(path)) } }

    /// The watcher tells exactly this next, in any order.
    static func tells(_ told: Told...) -> Step {
        Step { try await $0.expect(told) }
    }

    static func tells(each told: [Told]) -> Step {
        Step { try await $0.expect(told) }
    }

    /// The watcher has nothing to tell.
    static let silence = Step { try await $0.expectNothing(for: $0.options.settle * 2.5) }

    /// What is known about one file.
    static func stands(_ path: BytePath, _ test: @escaping @Sendable (FileStanding) -> Bool) -> Step {
        Step { stage in
            let standing = stage.watcher.standing(of: stage.path(path))
            guard test(standing) else { throw StageFailure("\(path) stands: \(standing)") }
        }
    }

    /// Several steps in a row as one.
    static func all(_ steps: [Step]) -> Step {
        Step { stage in
            for step in steps { try await step.run(stage) }
        }
    }

    private static func call(_ name: String, _ body: @escaping @Sendable (Stage) -> CInt) -> Step {
        Step { stage in
            try retrying(name) { body(stage) }
        }
    }
}
