import CMPI
import Glibc
import Ranks
import Synchronization
import Threads

/// The ranks that mpirun started. A thread of its own makes every call of MPI, one operation after the other: Open MPI
/// moves data only while somebody calls it, and the computing threads have other things to do.
///
/// That thread looks after an operation every tenth of a millisecond while the caller computes, so that it takes
/// nobody's processor, and without a pause once the caller waits.
package final class MPIRanks: RankGroup {
    package let rank: Int
    package let count: Int
    private let jobs: Monitor<[Job]>
    private let thread: WorkerThread
    private let status: Abort

    /// The exit status with which all processes are to end, once one asked for that.
    private final class Abort: Sendable { let status = Atomic<Int>(-1) }

    /// An operation, or a few in a row, and whether somebody waits for it.
    private final class Job: PendingSum, Sendable {
        let isAwaited = Atomic<Bool>(false)
        let isDone = Monitor(false)
        let body: @Sendable (Worker) -> Void

        init(_ body: @escaping @Sendable (Worker) -> Void) { self.body = body }

        func wait() {
            isAwaited.store(true, ordering: .relaxed)
            isDone.wait { $0 }
        }
    }

    /// Loads MPI; returns when all ranks are there.
    /// - Throws: `MPIError`, or `SystemError` where no thread can be started.
    package init() throws {
        let jobs = Monitor<[Job]>([]), status = Abort(),
            started = Monitor<(problem: String?, rank: Int, count: Int)?>(nil)
        thread = try WorkerThread("ranks") {
            if let problem = CMPI_begin() { return started.change { $0 = (String(cString: problem), 0, 1) } }
            started.change { $0 = (nil, Int(CMPI_rank()), Int(CMPI_count())) }
            let worker = Worker(count: Int(CMPI_count()), rank: Int(CMPI_rank()), abort: status)
            while !worker.isAtEnd {
                var job: Job?
                jobs.wait {
                    !$0.isEmpty
                } then: {
                    job = $0.removeFirst()
                }
                worker.job = job!
                job!.body(worker)
                job!.isDone.change { $0 = true }
            }
        }
        var found: (problem: String?, rank: Int, count: Int)?
        started.wait {
            $0 != nil
        } then: {
            found = $0
        }
        if let problem = found!.problem { throw MPIError(description: problem) }
        (rank, count, self.jobs, self.status) = (found!.rank, found!.count, jobs, status)
    }

    private func start(_ body: @escaping @Sendable (Worker) -> Void) -> Job {
        let job = Job(body)
        jobs.change { $0.append(job) }
        return job
    }

    // MARK: Operations

    package func startSum(_ branches: [UnsafeMutableBufferPointer<Float>], batch: Int) -> any PendingSum {
        precondition(branches[0].count % count == 0)
        let own = Floats(pointers: branches.map { $0.baseAddress! }, count: branches[0].count)
        return start { [ranges = (0..<count).map { self.branches(ofBatch: batch, rank: $0) }] in
            $0.sum(own, ranges, batch: batch)
        }
    }

    package func gathered(_ values: [Double]) -> [[Double]] { result { $0.gathered(values) } }
    package func broadcast(_ bytes: [UInt8]) -> [UInt8] { result { $0.broadcast(bytes) } }
    package func collected(_ values: [Float]) -> [[Float]] { result { $0.collected(values) } }

    /// Of an operation that is waited for at once.
    private func result<Value: Sendable>(_ body: @escaping @Sendable (Worker) -> Value) -> Value {
        let result = Monitor<Value?>(nil)
        start { worker in
            let value = body(worker)
            result.change { $0 = value }
        }.wait()
        return result.read { $0! }
    }

    /// This process has done its part; returns when every rank has.
    package func end() {
        start { worker in
            CMPI_end()
            worker.isAtEnd = true
        }.wait()
        thread.join()
    }

    /// Ends all processes of the run, whatever they are at; does not return.
    package func abort(status: Int32) -> Never {
        self.status.status.store(Int(status), ordering: .sequentiallyConsistent)
        // An operation under way looks for it; where there is none, this is the next.
        _ = start { _ in CMPI_abort(status) }
        while true { sleep(1) }
    }

    /// What a sum is made of.
    /// Safe to share: whoever starts a sum leaves its values alone until it is done.
    private struct Floats: @unchecked Sendable { let pointers: [UnsafeMutablePointer<Float>], count: Int }

    // MARK: The thread

    /// What the thread knows; nobody else calls MPI.
    private final class Worker {
        let count, rank: Int
        let abort: Abort
        var isAtEnd = false
        var job: Job?
        /// What comes from other ranks while gradients are added up.
        private var scratch = UnsafeMutableBufferPointer<Float>.allocate(capacity: 0)
        /// Bytes in one operation.
        private static let most = 1 << 28

        init(count: Int, rank: Int, abort: Abort) { (self.count, self.rank, self.abort) = (count, rank, abort) }

        deinit { scratch.deallocate() }

        /// Every rank adds up one part of the values, in the one order, and spreads it: where each rank has one branch,
        /// 2 (n - 1) / n of the values go out of each rank, and as many come in, the least that there can be.
        /// - Parameter ranges: the branches of each rank.
        func sum(_ own: Floats, _ ranges: [[Range<Int>]], batch: Int) {
            let size = own.count / count, most = ranges.map(\.count).max()!
            if scratch.count < most * own.count {
                scratch.deallocate()
                scratch = .allocate(capacity: most * own.count)
            }
            var parts: [Range<Int>: UnsafeMutablePointer<Float>] = [:]
            for k in 0..<most {
                let received = scratch.baseAddress! + k * own.count
                // Who has fewer branches than others sends what nobody looks at.
                CMPI_startExchange(own.pointers[min(k, own.pointers.count - 1)], received, Int32(size))
                finish()
                for (rank, ranges) in ranges.enumerated() where k < ranges.count {
                    parts[ranges[k]] = received + rank * size
                }
            }
            let total = PairwiseSum.over(0..<batch, branches: parts) { sum, other in
                for i in 0..<size { sum[i] += other[i] }
            }
            (own.pointers[0] + rank * size).update(from: total, count: size)
            CMPI_startSpread(own.pointers[0], Int32(size))
            finish()
        }

        func gathered(_ values: [Double]) -> [[Double]] {
            var all = [Double](repeating: 0, count: values.count * count)
            values.withUnsafeBufferPointer { own in
                all.withUnsafeMutableBufferPointer { all in
                    CMPI_startGathering(own.baseAddress, all.baseAddress, Int32(own.count))
                    finish()
                }
            }
            return (0..<count).map { Array(all[$0 * values.count..<($0 + 1) * values.count]) }
        }

        func broadcast(_ own: [UInt8]) -> [UInt8] {
            let length = Int(gathered([Double(own.count)])[0][0])
            var bytes = rank == 0 ? own : [UInt8](repeating: 0, count: length)
            bytes.withUnsafeMutableBytes { bytes in
                for start in stride(from: 0, to: length, by: Self.most) {
                    CMPI_startBroadcast(bytes.baseAddress! + start, Int32(min(Self.most, length - start)))
                    finish()
                }
            }
            return bytes
        }

        func collected(_ values: [Float]) -> [[Float]] {
            let counts = gathered([Double(values.count)]).map { Int32($0[0]) }
            let places = counts.indices.map { counts[..<$0].reduce(0, +) }
            var all = [Float](repeating: 0, count: rank == 0 ? Int(counts.reduce(0, +)) : 0)
            values.withUnsafeBufferPointer { own in
                all.withUnsafeMutableBufferPointer { all in
                    // Counts and places are looked at until it has ended.
                    counts.withUnsafeBufferPointer { counts in
                        places.withUnsafeBufferPointer { places in
                            CMPI_startCollecting(
                                own.baseAddress, Int32(own.count), all.baseAddress, counts.baseAddress,
                                places.baseAddress)
                            finish()
                        }
                    }
                }
            }
            return rank == 0 ? zip(counts, places).map { Array(all[Int($1)..<Int($1 + $0)]) } : []
        }

        /// Returns when the operation under way has ended.
        private func finish() {
            var looks = 0
            while CMPI_isDone() == 0 {
                let status = abort.status.load(ordering: .relaxed)
                if status >= 0 { CMPI_abort(Int32(status)) }
                looks += 1
                // Each look takes what has come so far; some in a row empty the buffers.
                if looks % 8 != 0 { continue }
                // Who waits has nothing else to do, for a while: other ranks may need a long time still.
                if job!.isAwaited.load(ordering: .relaxed), looks < 20_000 { sched_yield() } else { usleep(100) }
            }
        }
    }
}
