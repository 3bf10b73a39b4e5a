import CLinux
import Glibc
import LinuxFiles
import Synchronization

/// A child process that is paused, resumed and stopped from outside. It takes its role itself (`BackgroundRole`).
///
/// It is paused with SIGSTOP: that works at once and whatever the child is doing, at the price of its memory, which it
/// keeps. The kernel ends the child when the *thread* that started it ends: start it from one that lives as long as the
/// service.
package final class BackgroundProcess: Sendable {
    package enum End: Sendable, Equatable, CustomStringConvertible {
        case exited(CInt)
        case killed(CInt)

        package var description: String {
            switch self {
            case .exited(let code): "ended with status \(code)"
            case .killed(let number): "was ended by signal \(number) (\(String(cString: strsignal(number))))"
            }
        }
    }

    private struct State {
        var end: End?
        var isPaused = false
    }

    package let process: pid_t
    private let state = Mutex(State())

    /// - Parameters:
    ///   - program: an absolute path.
    ///   - arguments: without the program's name.
    ///   - output: a file that gets what the child writes to standard output and standard error, at its end.
    ///   - environment: `NAME=VALUE`; nil for this process's.
    /// - Throws: `SystemError`
    package init(program: BytePath, arguments: [String], output: BytePath, environment: [String]? = nil) throws {
        let null = try Descriptor.open("/dev/null", flags: O_RDONLY)
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW
        let log = try Descriptor.open(output, flags: flags, mode: 0o640, trying: "create")
        var process: pid_t = 0
        let words = [String(decoding: program.bytes, as: UTF8.self)] + arguments
        let error = Self.withCStrings(words) { words in
            program.withCString { path in
                guard let environment else { return CLinux_spawn(&process, path, words, environ, null.raw, log.raw) }
                return Self.withCStrings(environment) { CLinux_spawn(&process, path, words, $0, null.raw, log.raw) }
            }
        }
        if error != 0 { throw SystemError(error, "start", program) }
        self.process = process
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = strings.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    }

    // MARK: What it does

    package var isPaused: Bool { state.withLock { $0.isPaused } }

    /// How it ended; nil while it lives.
    package func end() -> End? { state.withLock { collect(&$0, waiting: false) } }

    /// Waits for its end, `seconds` at most; nil where it lives on.
    package func waitForEnd(seconds: Double) -> End? {
        let clock = ContinuousClock(), deadline = clock.now + .seconds(seconds)
        while true {
            if let end = end() { return end }
            if clock.now >= deadline { return nil }
            usleep(20_000)
        }
    }

    package func pause(_ isPaused: Bool) {
        state.withLock { state in
            guard collect(&state, waiting: false) == nil, state.isPaused != isPaused else { return }
            kill(process, isPaused ? SIGSTOP : SIGCONT)
            state.isPaused = isPaused
        }
    }

    /// Asks it to end (SIGTERM), also where it is paused, and ends it (SIGKILL) where it is not gone in time.
    @discardableResult
    package func stop(within seconds: Double) -> End {
        send(SIGTERM)
        if let end = waitForEnd(seconds: seconds) { return end }
        send(SIGKILL)
        return state.withLock { collect(&$0, waiting: true)! }
    }

    /// Asks it to end, and returns at once.
    package func askToStop() { send(SIGTERM) }

    private func send(_ number: CInt) {
        state.withLock { state in
            guard collect(&state, waiting: false) == nil else { return }
            kill(process, number)
            // A stopped process takes no signal but SIGKILL until it goes on.
            if state.isPaused { kill(process, SIGCONT) }
            state.isPaused = false
        }
    }

    /// Under the lock: once it was waited for, its number may be another process's.
    private func collect(_ state: inout State, waiting: Bool) -> End? {
        if let end = state.end { return end }
        var status: CInt = 0
        var result: pid_t
        repeat { result = waitpid(process, &status, waiting ? 0 : WNOHANG) } while result < 0 && errno == EINTR
        if result == 0 { return nil }
        // The macros of wait(2); where somebody else has waited for it, nothing more can be known.
        let number = status & 0x7f
        state.end = result < 0 ? .exited(-1) : number == 0 ? .exited(status >> 8 & 0xff) : .killed(number)
        return state.end
    }
}
