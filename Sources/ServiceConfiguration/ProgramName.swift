/// The name that a program was called by.
package enum ProgramName {
    /// Whether it is the command line's, and not the service's.
    /// - Parameter path: the first word of the command line.
    package static func isCommandLine(_ path: String) -> Bool { path.split(separator: "/").last == "cyclegan-style" }
}
