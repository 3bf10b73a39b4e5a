import Glibc
import Synchronization

/// A complete, durable file under a temporary name in the directory where it will be published: the rename that publishes it can
/// then never cross a file system, and nobody ever sees half a picture under a final name.
///
/// The name begins with a dot and ends in `.tmp`, which inbox watchers pass over, and carries the process's run, so that leftovers
/// of a run that died can be told from files at work.
public struct TemporaryFile: Sendable {
    static let prefix = ".cyclegan-styled-"
    static let suffix = ".tmp"

    /// Differs from run to run: time and process.
    static let run: String = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return String(UInt64(now.tv_sec) << 20 ^ UInt64(now.tv_nsec), radix: 36) + "-" + String(getpid(), radix: 36)
    }()
    private static let counter = Atomic<UInt64>(0)

    let path: BytePath
    let identity: FileIdentity

    static func newPath(in directory: BytePath) -> BytePath {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        return directory.appending("\(prefix)\(run)-\(String(number, radix: 36))\(suffix)")
    }

    static func isTemporary(_ name: [UInt8]) -> Bool {
        name.starts(with: prefix.utf8) && name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    static func isOfThisRun(_ name: [UInt8]) -> Bool { name.starts(with: "\(prefix)\(run)-".utf8) }

    /// Writes a file through `fill` and synchronises it. Missing directories are made; nothing is left behind where it fails.
    static func write(in directory: BytePath, modified: Int64? = nil, mark: SourceMark? = nil, fill: (CInt, BytePath) throws -> Void) throws -> TemporaryFile {
        for made in try Files.makeDirectory(directory) { try Files.synchronizeDirectory(made.parent) }
        let path = newPath(in: directory)
        let descriptor = try retrying("create a file in", directory) {
            path.withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666) }
        }
        do {
            defer { close(descriptor) }
            try FailurePoint.reached(.temporaryMade)
            try fill(descriptor, path)
            mark?.write(to: descriptor)
            if let modified { try Files.setModificationTime(descriptor, modified, path) }
            try retrying("synchronise", path) { fsync(descriptor) }
            return TemporaryFile(path: path, identity: FileIdentity(try Files.status(of: descriptor, path)))
        } catch {
            try? Files.unlinkIfPresent(path)
            throw error
        }
    }

    public static func write(_ bytes: [UInt8], in directory: BytePath) throws -> TemporaryFile {
        try write(bytes, in: directory, modified: nil, mark: nil)
    }

    static func write(_ bytes: [UInt8], in directory: BytePath, modified: Int64?, mark: SourceMark?) throws -> TemporaryFile {
        try write(in: directory, modified: modified, mark: mark) { try Files.write(bytes, to: $0, $1) }
    }

    /// A copy of an open file, made by the kernel where it can.
    static func copy(
        of source: CInt, _ sourcePath: BytePath, in directory: BytePath, modified: Int64? = nil, mark: SourceMark? = nil
    ) throws -> TemporaryFile {
        try write(in: directory, modified: modified, mark: mark) { descriptor, path in
            var left = Int(try Files.status(of: source, sourcePath).st_size)
            var buffer = [UInt8](repeating: 0, count: min(max(left, 1), 1 << 20))
            var position: off_t = 0
            while left > 0 {
                let count = try retrying("read", sourcePath) { pread(source, &buffer, buffer.count, position) }
                if count == 0 { break }
                try Files.write(buffer[..<count], to: descriptor, path)
                position += off_t(count)
                left -= count
            }
        }
    }

    /// Gives the file the first free name of `name` in its directory, never replacing anything, and makes it durable.
    public func publish(as name: OutputName, suffix: String = "") throws -> BytePath {
        let directory = path.parent
        var number = 0
        while true {
            let target = directory.appending(name.candidate(number, suffix: suffix))
            do {
                try Files.renameWithoutReplacing(path, to: target)
                try Files.synchronizeDirectory(directory)
                return target
            } catch let error as SystemError where error.code == EEXIST {
                number += 1
            }
        }
    }

    /// Gives the file the name of `target`, in the same directory, in place of what is there.
    public func replace(_ target: BytePath) throws {
        try retrying("rename to", target) { path.withCString { from in target.withCString { rename(from, $0) } } }
        try Files.synchronizeDirectory(path.parent)
    }

    public func discard() { try? Files.unlinkIfPresent(path) }

    /// Removes what earlier runs left below `directory`.
    /// - Returns: how many files that were.
    static func sweep(_ directory: BytePath, keeping isWanted: (BytePath) -> Bool = { _ in false }) -> Int {
        var removed = 0
        Files.walk(directory) { path, status in
            let name = path.name
            guard Files.isRegular(status), isTemporary(name), !isOfThisRun(name), !isWanted(path) else { return }
            if (try? Files.unlink(path)) != nil { removed += 1 }
        }
        return removed
    }
}
