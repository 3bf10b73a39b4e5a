import Glibc
import LinuxFiles
import Photos

/// A photo to translate, and the name that decides where its picture lies and which shard it belongs to.
struct PhotoSource: Equatable {
    /// `-` for standard input.
    var path: BytePath
    /// Relative, without `.` and `..`: below a folder or a list's base, or as it was given. Two photos have two names.
    var name: BytePath
    /// Whether the picture's directories are those of `name`; else it lies in the output directory itself.
    var isMirrored = false

    var isStandardInput: Bool { path == "-" }

    /// Of the picture, below the output directory.
    var subdirectory: BytePath { isMirrored ? name.parent : .empty }

    /// For its picture's.
    var fileName: [UInt8] { isStandardInput ? Array("stdin".utf8) : name.lastComponent.bytes }

    /// For people.
    var label: String { isStandardInput ? "standard input" : path.description }

    /// The whole file, which may be a pipe.
    /// - Throws: `PhotoError`
    func bytes(limits: DecodingLimits) throws -> [UInt8] {
        func failure(_ what: String) -> PhotoError {
            PhotoError(kind: .io(errno), reason: "\(what): \(String(cString: strerror(errno)))")
        }
        let descriptor = isStandardInput ? dup(STDIN_FILENO) : path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("it cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("it cannot be examined") }
        if status.st_mode & S_IFMT == S_IFDIR {
            throw PhotoError(kind: .io(EISDIR), reason: "it is a directory; --recursive takes the photos in it")
        }
        if isStandardInput, isatty(descriptor) == 1 {
            throw PhotoError(kind: .io(ENOTTY), reason: "it is a terminal; lead a photo into it")
        }
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        var bytes: [UInt8] = []
        if isRegular {
            if Int(status.st_size) > limits.maxFileBytes {
                throw Self.tooLarge("the file has \(status.st_size) bytes", limits)
            }
            bytes.reserveCapacity(Int(status.st_size) + 1)
        }
        var part = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("it cannot be read") }
            if count == 0 { return bytes }
            bytes += part[..<count]
            if bytes.count > limits.maxFileBytes {
                throw Self.tooLarge("there are more than \(limits.maxFileBytes) bytes", limits)
            }
        }
    }

    private static func tooLarge(_ what: String, _ limits: DecodingLimits) -> PhotoError {
        PhotoError(kind: .overLimit(.fileBytes), reason: "\(what), more than \(limits.maxFileBytes)")
    }

    /// What the file's first bytes announce; nil where it cannot be read, is a pipe, or holds something else.
    var format: PhotoFormat? {
        guard !isStandardInput else { return nil }
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return count <= 0 ? nil : bytes[..<count].withUnsafeBytes { PhotoFormat.sniff($0) }
    }
}
