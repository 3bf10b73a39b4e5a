import Glibc

/// A system call that failed: what was tried, on which path, and the kernel's answer.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The error number.
    package let code: CInt
    /// A verb for `cannot ... PATH`, such as `open`.
    package let operation: String
    package let path: BytePath?

    package init(_ code: CInt = errno, _ operation: String, _ path: BytePath? = nil) {
        self.code = code
        self.operation = operation
        self.path = path
    }

    /// The error number in words.
    package var reason: String { Self.reason(code) }

    /// An error number in words.
    package static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }

    package var description: String {
        path.map { "cannot \(operation) \($0): \(reason)" } ?? "cannot \(operation): \(reason)"
    }

    /// No room, or no permission to make any: writing pauses until that changes.
    package var isOutputBlocked: Bool { [ENOSPC, EDQUOT, EROFS].contains(code) }

    /// The file is not there (any more).
    package var isMissing: Bool { code == ENOENT || code == ENOTDIR }
}

/// Runs a call that reports failure as -1 and `errno`, again and again while a signal interrupts it.
/// - Throws: `SystemError`.
@discardableResult
package func retrying<Value: SignedInteger>(
    _ operation: String, _ path: BytePath? = nil, _ call: () -> Value
) throws -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        let code = errno
        if code != EINTR { throw SystemError(code, operation, path) }
    }
}

/// The same for a call on a path, which gets it as a C string.
@discardableResult
package func retrying<Value: SignedInteger>(
    _ operation: String, _ path: BytePath, _ call: (UnsafePointer<CChar>) -> Value
) throws -> Value {
    // In this order: freeing the string may come between the call and its `errno` otherwise.
    try path.withCString { name in try retrying(operation, path) { call(name) } }
}
