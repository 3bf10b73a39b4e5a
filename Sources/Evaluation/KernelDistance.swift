import COpenBLAS
import Tensors

/// The unbiased squared maximum mean discrepancy with the cubic kernel (x.y / d + 1)^3 over all images: with Inception
/// features the Kernel Inception Distance (Binkowski et al. 2018). It can be below 0 where the sides hardly differ.
package enum KernelDistance {
    /// With an interval by bootstrap over the images of both sides. Throws `EvaluationError` with fewer than two images
    /// on a side.
    package static func between(
        _ a: FeatureTable, _ b: FeatureTable, sets: Int = 1000, seed: UInt64 = 1,
        in context: ComputeContext = .default
    ) throws -> Estimate {
        try FeatureTable.check(a, b)
        return Estimate(
            values(
                a, b, Bootstrap(images: a.count, sets: sets, seed: seed, purpose: "left"),
                Bootstrap(images: b.count, sets: sets, seed: seed, purpose: "right"), in: context))
    }

    /// What one model's distance from a reference is above another's, paired: both made their pictures from the same
    /// photos, in the same order, and each drawn set has the same photos and the same reference images for both. Below
    /// 0 with its whole interval: `candidate` is nearer to the reference.
    package static func difference(
        candidate: FeatureTable, current: FeatureTable, reference: FeatureTable, sets: Int = 1000, seed: UInt64 = 1,
        in context: ComputeContext = .default
    ) throws -> (candidate: Estimate, current: Estimate, difference: Estimate) {
        try FeatureTable.check(candidate, reference)
        try FeatureTable.check(current, reference)
        guard candidate.count == current.count else {
            throw EvaluationError(
                "\(candidate.count) pictures of one model cannot be paired with \(current.count) of another")
        }
        let photos = Bootstrap(images: current.count, sets: sets, seed: seed, purpose: "left")
        let references = Bootstrap(images: reference.count, sets: sets, seed: seed, purpose: "right")
        let right = squares(reference, references, context)
        let (new, old) = (
            values(candidate, reference, photos, references, right, in: context),
            values(current, reference, photos, references, right, in: context)
        )
        return (Estimate(new), Estimate(old), Estimate(zip(new, old).map { $0 - $1 }))
    }

    /// One value for each set.
    static func values(
        _ a: FeatureTable, _ b: FeatureTable, _ left: Bootstrap, _ right: Bootstrap, _ known: [Double]? = nil,
        in context: ComputeContext = .default
    ) -> [Double] {
        let aa = squares(a, left, context), bb = known ?? squares(b, right, context)
        let ab = sums(a, b, left, right, excludesSame: false, context)
        let pairs = Double(a.count) * Double(b.count)
        return (0..<left.sets).map { aa[$0] + bb[$0] - 2 * ab[$0] / pairs }
    }

    /// The mean kernel of pairs of different images of one side, for each set.
    private static func squares(
        _ table: FeatureTable, _ bootstrap: Bootstrap, _ context: ComputeContext
    ) -> [Double] {
        let sums = sums(table, table, bootstrap, bootstrap, excludesSame: true, context), n = Double(table.count)
        return (0..<bootstrap.sets).map { set in
            let same = (0..<table.count).reduce(0.0) { sum, i in
                let w = bootstrap.counts[i * bootstrap.sets + set]
                return sum + w * w
            }
            return sums[set] / (n * n - same)
        }
    }

    /// The sum of the kernel over pairs of images, each counted as often as it was drawn, for each set. Blocks of the
    /// kernel's matrix are made one after the other: 10,000 images need no more memory for it than 1,000.
    private static func sums(
        _ a: FeatureTable, _ b: FeatureTable, _ left: Bootstrap, _ right: Bootstrap, excludesSame: Bool,
        _ context: ComputeContext
    ) -> [Double] {
        let (d, sets) = (a.dimensions, left.sets), (high, wide) = (64, 512)
        let bands = (a.count + high - 1) / high
        let parts = UnsafeMutableBufferPointer<Double>.allocate(capacity: bands * sets)
        defer { parts.deallocate() }
        parts.initialize(repeating: 0)
        let scale = 1 / Double(d)
        context.threads.forEach(bands) { band in
            let rows = band * high..<min(a.count, (band + 1) * high)
            let scratch = UnsafeMutableBufferPointer<Double>.allocate(
                capacity: high * d + wide * d + high * wide + high * sets)
            defer { scratch.deallocate() }
            let x = scratch.baseAddress!, y = x + high * d, kernel = y + wide * d, weighted = kernel + high * wide
            a.copy(rows, to: x)
            weighted.update(repeating: 0, count: rows.count * sets)
            for first in stride(from: 0, to: b.count, by: wide) {
                let columns = first..<min(b.count, first + wide)
                b.copy(columns, to: y)
                cblas_dgemm(
                    CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows.count), Int32(columns.count), Int32(d), scale,
                    x, Int32(d), y,
                    Int32(d), 0, kernel, Int32(columns.count))
                for i in 0..<rows.count * columns.count {
                    kernel[i] = (kernel[i] + 1) * (kernel[i] + 1) * (kernel[i] + 1)
                }
                if excludesSame {
                    for row in rows.clamped(to: columns) {
                        kernel[(row - rows.lowerBound) * columns.count + row - columns.lowerBound] = 0
                    }
                }
                right.counts.withUnsafeBufferPointer { counts in
                    cblas_dgemm(
                        CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(rows.count), Int32(sets), Int32(columns.count),
                        1, kernel,
                        Int32(columns.count), counts.baseAddress! + columns.lowerBound * sets, Int32(sets), 1, weighted,
                        Int32(sets))
                }
            }
            for (i, row) in rows.enumerated() {
                for set in 0..<sets {
                    parts[band * sets + set] += left.counts[row * sets + set] * weighted[i * sets + set]
                }
            }
        }
        return (0..<sets).map { set in (0..<bands).reduce(0) { $0 + parts[$1 * sets + set] } }
    }
}
