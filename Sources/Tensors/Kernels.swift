import CTensorKernels

/// The table of SIMD kernels in use.
public enum Kernels {
    /// The table that operations call. Set it only while nothing computes: tests run every table the machine has.
    nonisolated(unsafe) public static var current: UnsafePointer<ctk_kernels> = ctk_default()

    /// The name of the table in use: `avx2` or `portable`.
    public static var name: String { String(cString: current.pointee.name) }

    /// The names of the tables that this machine can run, best first.
    public static var available: [String] {
        (0...).lazy.map { ctk_available($0) }.prefix { $0 != nil }.map { String(cString: $0!.pointee.name) }
    }

    /// Runs `body` with the named table, then goes back to the one before.
    public static func with<R>(_ name: String, _ body: () throws -> R) rethrows -> R {
        guard let table = ctk_named(name) else { preconditionFailure("no kernels named \(name) on this machine") }
        let before = current
        current = table
        defer { current = before }
        return try body()
    }
}
