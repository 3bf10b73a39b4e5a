/// Processes that train one model together, each on its part of every batch, told apart by their ranks. All of them
/// call the same functions in the same order; what cannot be done ends all of them, so that none throws.
package protocol RankGroup: AnyObject, Sendable {
    /// 0 ..< count. Rank 0 alone writes files and speaks.
    var rank: Int { get }
    var count: Int { get }

    /// Begins to add up what belongs to the images of a batch, element by element and in the order of `PairwiseSum`,
    /// while the caller goes on; every rank gets the same bits.
    /// - Parameters:
    ///   - branches: the sums of this rank's `branches(ofBatch:)`; of one size at all ranks, a multiple of `count`.
    ///     Nobody touches them until the sum was waited for; the first is then the sum over the batch.
    ///   - batch: images of all ranks.
    func startSum(_ branches: [UnsafeMutableBufferPointer<Float>], batch: Int) -> any PendingSum

    /// What each rank gives, in the ranks' order.
    /// - Parameter values: as many at every rank.
    func gathered(_ values: [Double]) -> [[Double]]

    /// Rank 0's bytes; what the others give is not looked at.
    func broadcast(_ bytes: [UInt8]) -> [UInt8]

    /// At rank 0: what each rank gives, in the ranks' order, of any length. Nothing at the others.
    func collected(_ values: [Float]) -> [[Float]]
}

/// A sum over the ranks that is on its way.
package protocol PendingSum {
    /// Returns when the sum is there.
    func wait()
}

extension RankGroup {
    /// Of this rank, of `total` things numbered from 0: consecutive ones, as many as of every other rank.
    /// - Parameter total: a multiple of `count`.
    package func part(of total: Int) -> Range<Int> {
        let size = total / count
        return rank * size..<(rank + 1) * size
    }

    /// The branches of a batch's sum that a rank adds up alone.
    package func branches(ofBatch batch: Int, rank: Int? = nil) -> [Range<Int>] {
        let size = batch / count, first = (rank ?? self.rank) * size
        return PairwiseSum.branches(within: first..<first + size, of: 0..<batch)
    }

    /// The sums over a batch of what each image gives, in the order of `PairwiseSum`.
    /// - Parameter own: of this rank's images.
    package func sums(_ own: [[Double]]) -> [Double] {
        let size = own[0].count
        let all =
            count == 1
            ? own
            : gathered(Array(own.joined())).flatMap { values in
                own.indices.map { Array(values[$0 * size..<($0 + 1) * size]) }
            }
        return PairwiseSum.over(all.indices) {
            all[$0]
        } adding: { sum, other in
            for i in sum.indices { sum[i] += other[i] }
        }
    }

    /// Whether it is so at every rank.
    package func all(_ isSo: Bool) -> Bool {
        count == 1 ? isSo : gathered([isSo ? 1 : 0]).allSatisfy { $0[0] == 1 }
    }
}

/// A process that trains alone.
package final class OneProcess: RankGroup {
    package init() {}

    private struct Done: PendingSum { func wait() {} }

    package var rank: Int { 0 }
    package var count: Int { 1 }
    package func startSum(_ branches: [UnsafeMutableBufferPointer<Float>], batch: Int) -> any PendingSum { Done() }
    package func gathered(_ values: [Double]) -> [[Double]] { [values] }
    package func broadcast(_ bytes: [UInt8]) -> [UInt8] { bytes }
    package func collected(_ values: [Float]) -> [[Float]] { [values] }
}
