import Foundation

/// A value that threads share, with waiting for it to change. Nothing in it runs on Swift's cooperative pool: a translation takes
/// seconds, and the pool's threads must never wait that long.
final class Monitor<State>: @unchecked Sendable {
    private let condition = NSCondition()
    private var state: State

    init(_ state: State) { self.state = state }

    func read<Result>(_ body: (State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body(state)
    }

    /// Changes the value and wakes everyone who waits.
    @discardableResult
    func change<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&state)
    }

    /// Waits until `isMet`, then changes the value.
    @discardableResult
    func wait<Result>(for isMet: (State) -> Bool, then body: (inout State) -> Result) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        while !isMet(state) { condition.wait() }
        return body(&state)
    }

    /// Waits until `isMet`; false where the time had passed before.
    @discardableResult
    func wait(until deadline: Date = .distantFuture, for isMet: (State) -> Bool) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while !isMet(state) {
            if deadline == .distantFuture { condition.wait() } else if !condition.wait(until: deadline) { return isMet(state) }
        }
        return true
    }
}

/// Starts a thread with room on its stack for decoders.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.name = name
    thread.stackSize = 4 << 20
    thread.start()
}
