import Foundation
import Ranks

/// Ranks that are threads of this process: what they ask of one another passes through memory.
final class ThreadRanks: RankGroup, @unchecked Sendable {
    let rank: Int
    private let exchange: Exchange
    var count: Int { exchange.count }

    private init(_ rank: Int, _ exchange: Exchange) { (self.rank, self.exchange) = (rank, exchange) }

    /// Runs `body` on a thread for each rank; returns when all have ended, with what they gave or threw.
    static func run<Value>(
        _ count: Int, _ body: @escaping @Sendable (any RankGroup) throws -> Value
    ) -> [Result<Value, any Error>] {
        let exchange = Exchange(count)
        let results = Results<Value>(count), done = DispatchSemaphore(value: 0)
        for rank in 0..<count {
            let thread = Thread {
                let result = Result { try body(ThreadRanks(rank, exchange)) }
                results.lock.withLock { results.values[rank] = result }
                done.signal()
            }
            thread.stackSize = 16 << 20
            thread.start()
        }
        for _ in 0..<count { done.wait() }
        return results.values.map { $0! }
    }

    private final class Results<Value>: @unchecked Sendable {
        let lock = NSLock()
        var values: [Result<Value, any Error>?]
        init(_ count: Int) { values = Array(repeating: nil, count: count) }
    }

    /// Each hands one thing in and gets all of them.
    private final class Exchange: @unchecked Sendable {
        let count: Int
        private let condition = NSCondition()
        private var given: [Any?]
        private var taken: [Any] = []
        private var round = 0

        init(_ count: Int) { (self.count, given) = (count, Array(repeating: nil, count: count)) }

        func swap<Value>(_ value: Value, _ rank: Int) -> [Value] {
            condition.lock()
            defer { condition.unlock() }
            given[rank] = value
            let own = round
            if given.allSatisfy({ $0 != nil }) {
                taken = given.map { $0! }
                given = Array(repeating: nil, count: count)
                round += 1
                condition.broadcast()
            }
            while round == own { condition.wait() }
            return taken.map { $0 as! Value }
        }
    }

    private struct Done: PendingSum { func wait() {} }

    func startSum(_ branches: [UnsafeMutableBufferPointer<Float>], batch: Int) -> any PendingSum {
        precondition(branches[0].count % count == 0)
        let ranges = self.branches(ofBatch: batch)
        precondition(ranges.count == branches.count)
        let all = exchange.swap(Dictionary(uniqueKeysWithValues: zip(ranges, branches.map { Array($0) })), rank)
        let sum = PairwiseSum.over(0..<batch, branches: all.reduce(into: [:]) { $0.merge($1) { a, _ in a } }) {
            sum, other in
            for i in sum.indices { sum[i] += other[i] }
        }
        _ = branches[0].update(from: sum)
        return Done()
    }

    func gathered(_ values: [Double]) -> [[Double]] { exchange.swap(values, rank) }
    func broadcast(_ bytes: [UInt8]) -> [UInt8] { exchange.swap(bytes, rank)[0] }
    func collected(_ values: [Float]) -> [[Float]] {
        let all = exchange.swap(values, rank)
        return rank == 0 ? all : []
    }
}
