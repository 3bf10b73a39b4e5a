import CTensorKernels
import Glibc

/// A table of SIMD kernels that this machine can run.
/// Safe to share: a table is a constant of the library.
package struct Kernels: @unchecked Sendable {
    private let pointer: UnsafePointer<ctk_kernels>

    /// The best ones, or those that the environment's `CYCLEGAN_STYLED_KERNELS` names.
    package static let chosen = Kernels(ctk_default())

    private init(_ pointer: UnsafePointer<ctk_kernels>) { self.pointer = pointer }

    /// Those with a name; nil where this machine has none.
    package init?(named name: String) {
        guard let pointer = ctk_named(name) else { return nil }
        self.init(pointer)
    }

    /// `avx2` or `portable`.
    package var name: String { String(cString: pointer.pointee.name) }

    var table: ctk_kernels { pointer.pointee }

    /// The names of the tables that this machine can run, best first.
    package static var available: [String] {
        (0...).lazy.map { ctk_available($0) }.prefix { $0 != nil }.map { String(cString: $0!.pointee.name) }
    }

    /// What is wrong with the environment's `CYCLEGAN_STYLED_KERNELS`, a name that this machine has no kernels of; nil
    /// where nothing is.
    package static var wrongChoice: String? {
        guard let chosen = getenv("CYCLEGAN_STYLED_KERNELS").map({ String(cString: $0) }), !chosen.isEmpty,
            !available.contains(chosen)
        else { return nil }
        return
            "CYCLEGAN_STYLED_KERNELS is \"\(chosen)\"; this machine can run \(available.joined(separator: " and ")): "
            + "choose one of them or unset it"
    }
}

extension ctk_gemm {
    /// A product of packed weights `b`; without segments, which `multiply` puts in.
    init(
        rows: Int, columns: Int, segmentColumns: Int, aStride: Int, b: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>, stride: Int, bias: UnsafePointer<Float>? = nil
    ) {
        self.init(
            rows: rows, columns: columns, segments: 0, segment_columns: segmentColumns, a: nil, a_stride: aStride, b: b,
            c: c, c_stride: stride, bias: bias, groups: 1, a_group: 0, c_group: 0, next_a: nil)
    }
}

extension ctk_kernels {
    /// The product with these left sides, a segment each.
    func multiply(_ segments: [UnsafePointer<Float>?], _ product: ctk_gemm) {
        var product = product
        product.segments = segments.count
        segments.withUnsafeBufferPointer {
            product.a = $0.baseAddress
            gemm(&product)
        }
    }
}

extension ctk_tiles {
    /// Tiles [first, first + count) of a grid of a plan.
    init(_ plan: WinogradPlan, _ units: ctk_units, columns: Int, first: Int, count: Int) {
        self.init(window: plan.cells, units: units, columns: columns, first: first, count: count)
    }
}
