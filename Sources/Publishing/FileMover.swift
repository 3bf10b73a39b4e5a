import Glibc
import LinuxFiles

/// Moves whole files between directories that may lie on different mounts: under the unit's sandbox every
/// ReadWritePaths= is a mount of its own, so that a rename can fail with EXDEV on one and the same file system.
package enum FileMover {
    /// Moves `source`, if it is still the file `expected`, into `directory` under the first free name of `name`.
    ///
    /// A source that cannot be taken out of its directory is not copied either. Where it turns out only after the
    /// copying, `noteCopy` has learnt of the copy, and the next call with it as `copy` does no more than remove the
    /// source.
    ///
    /// - Parameters:
    ///   - copy: where an earlier call has copied the file to, before it could not remove the source.
    ///   - reusing: says whether a file that already stands under a candidate name is this very content, copied there
    ///     by a run that died before it could note that. Asked only for files of the same size.
    ///   - noteCopy: called when the file was copied, before the source is removed.
    /// - Returns: where it is now; nil where `source` is gone or is another file by now (which is left alone).
    /// - Throws: `SystemError`; that of the source's directory where it cannot be removed from there.
    package static func move(
        _ source: BytePath, expected: FileIdentity, into directory: BytePath, as name: OutputName,
        copy: BytePath? = nil,
        reusing: ((BytePath) -> Bool)? = nil, noteCopy: (BytePath) throws -> Void = { _ in }
    ) throws -> BytePath? {
        guard let current = try Files.identity(of: source), current.isSameContent(as: expected) else { return nil }
        try source.parent.checkWritable()
        for made in try Files.makeDirectory(directory) { try Files.synchronizeDirectory(made.parent) }
        if let copy, try Files.identity(of: copy)?.size == expected.size {
            try remove(source, expected: expected)
            return copy
        }
        var number = 0
        while true {
            let target = directory.appending(name.candidate(number))
            do {
                try Files.renameWithoutReplacing(source, to: target)
                guard let moved = try Files.identity(of: target), moved.isSameFile(as: expected) else {
                    // Another file had taken the name between the look and the rename: it goes back.
                    try putBack(target, to: source)
                    return nil
                }
                try Files.synchronizeDirectory(directory)
                try Files.synchronizeDirectory(source.parent)
                return target
            } catch let error as SystemError where error.code == EEXIST {
                if let reusing, let taken = try Files.identity(of: target), taken.size == expected.size, reusing(target)
                {
                    try remove(source, expected: expected)
                    return target
                }
                number += 1
            } catch let error as SystemError where error.code == EXDEV {
                return try copyAndRemove(
                    source, expected: expected, into: directory, as: name, reusing: reusing, noteCopy: noteCopy)
            }
        }
    }

    private static func copyAndRemove(
        _ source: BytePath, expected: FileIdentity, into directory: BytePath, as name: OutputName,
        reusing: ((BytePath) -> Bool)?,
        noteCopy: (BytePath) throws -> Void
    ) throws -> BytePath? {
        var number = 0
        while let taken = try Files.identity(of: directory.appending(name.candidate(number))) {
            let target = directory.appending(name.candidate(number))
            if let reusing, taken.size == expected.size, reusing(target) {
                try noteCopy(target)
                try remove(source, expected: expected)
                return target
            }
            number += 1
        }
        let file = try Descriptor.forReading(source)
        guard try file.identity().isSameContent(as: expected) else { return nil }
        let copy = try TemporaryFile.copy(of: file, in: directory, modified: expected.modified)
        do {
            guard try file.identity().isSameContent(as: expected) else {
                copy.discard()
                return nil
            }
            let target = try copy.publish(as: name)
            try FailurePoint.reached(.originalCopied)
            try noteCopy(target)
            try remove(source, expected: expected)
            return target
        } catch {
            copy.discard()
            throw error
        }
    }

    /// Gives a file its place back, under another name if yet another file has come there.
    private static func putBack(_ path: BytePath, to place: BytePath) throws {
        let name = OutputName(keeping: place.name)
        var number = 0
        while true {
            do {
                return try Files.renameWithoutReplacing(path, to: place.parent.appending(name.candidate(number)))
            } catch let error as SystemError where error.code == EEXIST { number += 1 }
        }
    }

    /// Removes `path` if it is still the file `expected`, also where others may put another file there meanwhile: it is
    /// put aside first, and looked at there, so that nothing is removed that somebody has dropped a moment ago.
    /// - Parameter aside: a name in the same directory that nothing else has. What a service that died has left there
    ///   is dealt with too.
    /// - Returns: whether it was.
    package static func remove(_ path: BytePath, expected: FileIdentity, throughNameOfItsOwn aside: BytePath) throws
        -> Bool
    {
        func isRemoved() throws -> Bool {
            guard let found = try Files.identity(of: aside) else { return false }
            if found.isSameContent(as: expected) {
                try Files.unlinkIfPresent(aside)
                try Files.synchronizeDirectory(path.parent)
                return true
            }
            try putBack(aside, to: path)
            return false
        }
        if try isRemoved() { return true }
        guard let current = try Files.identity(of: path), current.isSameContent(as: expected) else { return false }
        do { try Files.renameWithoutReplacing(path, to: aside) } catch let error as SystemError where error.isMissing {
            return false
        }
        return try isRemoved()
    }

    /// Removes `path` if it is still the file `expected`.
    /// - Returns: whether it was.
    @discardableResult
    package static func remove(_ path: BytePath, expected: FileIdentity) throws -> Bool {
        guard let current = try Files.identity(of: path), current.isSameContent(as: expected) else { return false }
        try Files.unlinkIfPresent(path)
        try Files.synchronizeDirectory(path.parent)
        return true
    }
}
