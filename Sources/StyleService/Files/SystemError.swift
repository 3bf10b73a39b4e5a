import Glibc

/// A system call that failed: what was tried, on which path, and the kernel's answer.
public struct SystemError: Error, Sendable, CustomStringConvertible {
    public let code: CInt
    public let operation: String
    public let path: BytePath?

    public init(_ code: CInt = errno, _ operation: String, _ path: BytePath? = nil) {
        self.code = code
        self.operation = operation
        self.path = path
    }

    public var description: String {
        let reason = String(cString: strerror(code))
        return path.map { "cannot \(operation) \($0): \(reason)" } ?? "cannot \(operation): \(reason)"
    }

    /// No room, or no permission to make any: writing pauses until that changes.
    public var isOutputBlocked: Bool { [ENOSPC, EDQUOT, EROFS].contains(code) }

    /// The file is not there (any more).
    public var isMissing: Bool { code == ENOENT || code == ENOTDIR }
}

/// Runs a call that reports failure as -1 and repeats it when a signal interrupted it.
@discardableResult
func retrying<Value: SignedInteger>(_ operation: String, _ path: BytePath? = nil, _ call: () -> Value) throws -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        let code = errno
        if code != EINTR { throw SystemError(code, operation, path) }
    }
}
