import Glibc
import Synchronization

/// Memory for floats, taken from a pool and given back when the last reference goes. The contents are undefined at
/// first.
/// Safe to share: the place does not change while the buffer lives; who may write there is the taker's to say.
package final class Buffer: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    /// Floats that it holds.
    package let count: Int
    private let owner: Owner

    private enum Owner {
        /// Goes back there when the buffer ends.
        case pool(BufferPool, bytes: Int)
        case part(of: Buffer)
    }

    fileprivate init(pointer: UnsafeMutablePointer<Float>, count: Int, bytes: Int, pool: BufferPool) {
        self.pointer = pointer
        self.count = count
        owner = .pool(pool, bytes: bytes)
    }

    private init(part range: Range<Int>, of whole: Buffer) {
        precondition(range.upperBound <= whole.count)
        pointer = whole.pointer + range.lowerBound
        count = range.count
        owner = .part(of: whole)
    }

    /// A part of this buffer, which stays taken as long as the part is.
    package func part(_ range: Range<Int>) -> Buffer { Buffer(part: range, of: self) }

    deinit {
        if case .pool(let pool, let bytes) = owner { pool.giveBack(pointer, bytes: bytes) }
    }
}

/// Keeps freed buffers for the next taker, so that after warm-up a forward pass and a training step allocate nothing
/// from the system.
package final class BufferPool: Sendable {
    private struct State {
        /// By size in bytes.
        var free: [Int: [FreeMemory]] = [:]
        var statistics = Statistics()
    }

    /// What the pool has done so far.
    package struct Statistics: Sendable {
        /// Buffers asked from the system since the start.
        package var systemAllocations = 0
        /// Bytes held from the system, in use or free.
        package var bytesHeld = 0
        package var peakBytesHeld = 0
    }

    /// Memory that nobody uses.
    /// Safe to share: the pool owns it and hands it to one taker at a time.
    private struct FreeMemory: @unchecked Sendable { let pointer: UnsafeMutableRawPointer }

    private let state = Mutex(State())

    init() {}

    deinit { trim() }

    package var statistics: Statistics { state.withLock { $0.statistics } }

    /// Lets `peakBytesHeld` begin anew.
    package func resetPeak() { state.withLock { $0.statistics.peakBytesHeld = $0.statistics.bytesHeld } }

    /// A buffer of at least `count` floats, aligned to 64 bytes.
    package func take(_ count: Int) -> Buffer {
        // Sizes are rounded a little, so that bands of nearly one size share buffers.
        let grain = count > 1 << 20 ? 1 << 16 : 1 << 10
        let bytes = max(1, (count * 4 + grain - 1) / grain) * grain
        let raw = state.withLock { $0.free[bytes]?.popLast() }?.pointer ?? allocate(bytes)
        return Buffer(
            pointer: raw.bindMemory(to: Float.self, capacity: bytes / 4), count: count, bytes: bytes, pool: self)
    }

    /// A buffer with a copy of `count` values.
    func copy(_ values: UnsafePointer<Float>, count: Int) -> Buffer {
        let buffer = take(count)
        buffer.pointer.update(from: values, count: count)
        return buffer
    }

    /// Gives free buffers back to the system, largest first, until no more than `bytes` of them are kept.
    package func trim(above bytes: Int = 0) {
        let surplus = state.withLock { state -> [FreeMemory] in
            var surplus: [FreeMemory] = []
            var kept = state.free.reduce(0) { $0 + $1.key * $1.value.count }
            for size in state.free.keys.sorted(by: >) {
                while kept > bytes, let memory = state.free[size]!.popLast() {
                    surplus.append(memory)
                    state.statistics.bytesHeld -= size
                    kept -= size
                }
            }
            return surplus
        }
        for memory in surplus { Glibc.free(memory.pointer) }
    }

    private func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        var raw: UnsafeMutableRawPointer?
        let failed = posix_memalign(&raw, bytes >= 1 << 21 ? 1 << 21 : 64, bytes)
        guard failed == 0, let raw else { fatalError("out of memory: \(bytes) bytes for a tensor") }
        // Large pages: the transforms walk many pages at once.
        if bytes >= 1 << 22 { madvise(raw, bytes, MADV_HUGEPAGE) }
        state.withLock { state in
            state.statistics.systemAllocations += 1
            state.statistics.bytesHeld += bytes
            state.statistics.peakBytesHeld = max(state.statistics.peakBytesHeld, state.statistics.bytesHeld)
        }
        return raw
    }

    fileprivate func giveBack(_ pointer: UnsafeMutablePointer<Float>, bytes: Int) {
        let memory = FreeMemory(pointer: UnsafeMutableRawPointer(pointer))
        state.withLock { $0.free[bytes, default: []].append(memory) }
    }
}
