import CInotify
import Glibc

/// A file descriptor that closes itself.
struct Descriptor: ~Copyable {
    let raw: CInt

    init(_ raw: CInt) { self.raw = raw }

    deinit { close(raw) }

    /// Opens a directory for listing, refusing a symbolic link in the last component unless asked to follow it.
    static func directory(at parent: CInt, _ name: [UInt8], follow: Bool = false) throws -> Descriptor {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW)
        return try open(at: parent, name, flags: flags)
    }

    /// Opens a file for reading so that neither a pipe nor a device nor a link can catch us.
    static func file(at parent: CInt, _ name: [UInt8]) throws -> Descriptor {
        try open(at: parent, name, flags: O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY)
    }

    private static func open(at parent: CInt, _ name: [UInt8], flags: CInt) throws -> Descriptor {
        let result = withName(name) { CInotify_openAt(parent, $0, flags, 0) }
        guard result >= 0 else { throw WatchError(call: "open", code: -result, path: BytePath(bytes: name)) }
        return Descriptor(result)
    }

    func status() throws -> stat {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw WatchError(call: "fstat", code: errno) }
        return status
    }
}

/// The names in an open directory, without `.` and `..`, in byte order.
func names(in directory: CInt) throws -> [[UInt8]] {
    // closedir closes what fdopendir was given. Opening `.` anew would need the right to enter the directory.
    let copy = dup(directory)
    guard copy >= 0 else { throw WatchError(call: "dup", code: errno) }
    guard let stream = fdopendir(copy) else {
        let code = errno
        close(copy)
        throw WatchError(call: "fdopendir", code: code)
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    var error: CInt = 0
    while let name = CInotify_nextEntry(stream, &error) {
        let bytes = UnsafeRawBufferPointer(start: name, count: strlen(name))
        if bytes.elementsEqual([dot]) || bytes.elementsEqual([dot, dot]) { continue }
        names.append(Array(bytes))
    }
    guard error == 0 else { throw WatchError(call: "readdir", code: -error) }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
}

private let dot = UInt8(ascii: ".")

/// Looks at a name in an open directory without following links.
func status(at directory: CInt, _ name: [UInt8]) throws -> stat {
    var status = stat()
    let result = withName(name) { CInotify_statAt(directory, $0, &status) }
    guard result == 0 else { throw WatchError(call: "stat", code: -result, path: BytePath(bytes: name)) }
    return status
}

/// Monotonic nanoseconds: unmoved by a change of the clock.
func monotonicNow() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

extension Duration {
    var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow
            ? Int64.max / 4 : min(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, Int64.max / 4)
    }
}

/// An eventfd: lets one thread wake another from poll(2).
final class Wakeup: Sendable {
    let descriptor: CInt

    init() throws {
        descriptor = CInotify_openWakeup()
        guard descriptor >= 0 else { throw WatchError(call: "eventfd", code: -descriptor) }
    }

    deinit { close(descriptor) }

    func signal() {
        var one: UInt64 = 1
        _ = withUnsafeBytes(of: &one) { write(descriptor, $0.baseAddress, 8) }
    }

    func clear() {
        var count: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &count) { read(descriptor, $0.baseAddress, 8) }
    }
}

/// A joinable thread of its own: watching blocks in poll(2), which has no place on the cooperative pool.
final class WorkerThread: @unchecked Sendable {
    private let handle: pthread_t

    init(name: String, _ body: @escaping @Sendable () -> Void) throws {
        final class Start {
            let name: String
            let body: @Sendable () -> Void
            init(_ name: String, _ body: @escaping @Sendable () -> Void) {
                self.name = name
                self.body = body
            }
        }
        let start = Unmanaged.passRetained(Start(name, body))
        var handle = pthread_t()
        let result = pthread_create(&handle, nil, { argument in
            let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
            CInotify_nameThread(start.name)
            start.body()
            return nil
        }, start.toOpaque())
        guard result == 0 else {
            start.release()
            throw WatchError(call: "pthread_create", code: result)
        }
        self.handle = handle
    }

    func join() {
        pthread_join(handle, nil)
    }
}
