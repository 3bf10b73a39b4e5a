import Glibc
import LinuxFiles
import Synchronization

/// A complete, durable file under a temporary name in the directory where it will be published: the rename that
/// publishes it can then never cross a file system, and nobody ever sees half a picture under a final name.
///
/// The name begins with a dot and ends in `.tmp`, which inbox watchers pass over, and carries the process's run, so
/// that leftovers of a run that died can be told from files at work.
package struct TemporaryFile: Sendable {
    package static let prefix = ".cyclegan-styled-"
    package static let suffix = ".tmp"

    /// Differs from run to run: time and process.
    package static let run: String = {
        let (seconds, nanoseconds) = KernelClock.timeOfDay.quotientAndRemainder(dividingBy: 1_000_000_000)
        return String(UInt64(seconds) << 20 ^ UInt64(nanoseconds), radix: 36) + "-" + String(getpid(), radix: 36)
    }()
    private static let counter = Atomic<UInt64>(0)

    package let path: BytePath
    package let identity: FileIdentity

    package static func newPath(in directory: BytePath) -> BytePath {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        return directory.appending("\(prefix)\(run)-\(String(number, radix: 36))\(suffix)")
    }

    package static func isTemporary(_ name: [UInt8]) -> Bool {
        name.starts(with: prefix.utf8) && name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    package static func isOfThisRun(_ name: [UInt8]) -> Bool { name.starts(with: "\(prefix)\(run)-".utf8) }

    /// Writes a file through `fill` and synchronises it. Missing directories are made; nothing is left behind where it
    /// fails.
    /// - Parameter name: where the file is to be found by its name after a death; else it gets one of this run.
    package static func write(
        in directory: BytePath, name: [UInt8]? = nil, modified: Int64? = nil, mark: SourceMark? = nil,
        fill: (borrowing Descriptor) throws -> Void
    ) throws -> TemporaryFile {
        for made in try Files.makeDirectory(directory) { try Files.synchronizeDirectory(made.parent) }
        let path = name.map(directory.appending) ?? newPath(in: directory)
        let file = try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, trying: "create")
        do {
            try FailurePoint.reached(.temporaryMade)
            try fill(file)
            mark?.write(to: file)
            if let modified { try file.setModificationTime(modified) }
            try file.synchronize()
            return TemporaryFile(path: path, identity: try file.identity())
        } catch {
            try? Files.unlinkIfPresent(path)
            throw error
        }
    }

    package static func write(
        _ bytes: [UInt8], in directory: BytePath, name: [UInt8]? = nil, modified: Int64? = nil, mark: SourceMark? = nil
    ) throws -> TemporaryFile {
        try write(in: directory, name: name, modified: modified, mark: mark) { try $0.write(bytes) }
    }

    /// A copy of an open file.
    package static func copy(
        of source: borrowing Descriptor, in directory: BytePath, name: [UInt8]? = nil, modified: Int64? = nil,
        mark: SourceMark? = nil
    ) throws -> TemporaryFile {
        try write(in: directory, name: name, modified: modified, mark: mark) { copy in
            try source.forEachPart { try copy.write($0) }
        }
    }

    /// Gives the file the first free name of `name` in its directory, never replacing anything, and makes it durable.
    package func publish(as name: OutputName, suffix: String = "") throws -> BytePath {
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

    /// Gives the file the first name of `name`, or removes it where that is taken.
    /// - Returns: nil where it is taken.
    package func publishUnlessTaken(as name: OutputName) throws -> BytePath? {
        let target = path.parent.appending(name.candidate(0))
        do { try Files.renameWithoutReplacing(path, to: target) } catch {
            discard()
            if (error as? SystemError)?.code == EEXIST { return nil }
            throw error
        }
        try Files.synchronizeDirectory(path.parent)
        return target
    }

    /// Gives the file the name of `target`, in the same directory, in place of what is there.
    package func replace(_ target: BytePath) throws {
        try Files.rename(path, to: target)
        try Files.synchronizeDirectory(path.parent)
    }

    package func discard() { try? Files.unlinkIfPresent(path) }

    /// Removes what earlier runs left below `directory`.
    /// - Returns: how many files that were.
    package static func sweep(_ directory: BytePath, keeping isWanted: (BytePath, stat) -> Bool = { _, _ in false })
        -> Int
    {
        var removed = 0
        Files.walk(directory) { path, status in
            let name = path.name
            guard Files.isRegular(status), isTemporary(name), !isOfThisRun(name), !isWanted(path, status) else {
                return
            }
            if (try? Files.unlink(path)) != nil { removed += 1 }
        }
        return removed
    }
}
