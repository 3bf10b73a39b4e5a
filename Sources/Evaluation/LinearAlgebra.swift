import COpenBLAS
import Tensors

/// What the distances need of LAPACK, in double precision. Matrices are row after row.
enum LinearAlgebra {
    /// Lets OpenBLAS use all threads while `body` runs; elsewhere it runs inside ours.
    static func onAllThreads<R>(of context: ComputeContext, _ body: () -> R) -> R {
        openblas_set_num_threads(Int32(context.threads.count))
        defer { openblas_set_num_threads(1) }
        return body()
    }

    /// The sum of the singular values of a rows x columns matrix.
    static func nuclearNorm(_ matrix: [Double], rows: Int, columns: Int) -> Double {
        precondition(matrix.count == rows * columns)
        guard !matrix.isEmpty else { return 0 }
        // By columns it is the transposed matrix, which has the same singular values.
        var a = matrix, m = Int32(columns), n = Int32(rows), lda = m, info = Int32(0), lwork = Int32(-1)
        var s = [Double](repeating: 0, count: min(rows, columns)), work = [0.0]
        // The singular vectors, which are not asked for.
        var u = 0.0, vt = 0.0, ldu = Int32(1), ldvt = Int32(1)
        var integers = [Int32](repeating: 0, count: 8 * min(rows, columns))
        for _ in 0..<2 {
            dgesdd_("N", &m, &n, &a, &lda, &s, &u, &ldu, &vt, &ldvt, &work, &lwork, &integers, &info, 1)
            precondition(
                info == 0, "the singular values of a \(rows)x\(columns) matrix were not found (LAPACK says \(info))")
            if lwork < 0 {
                lwork = Int32(work[0])
                work = [Double](repeating: 0, count: max(1, Int(lwork)))
            }
        }
        return s.reduce(0, +)
    }

    /// The upper triangular R of a QR factorisation of the first `rows` rows of `matrix` (rows >= columns): it takes
    /// the place of the first `columns` rows, and what lies below its diagonal is set to 0.
    static func reduceToTriangle(_ matrix: inout [Double], rows: Int, columns: Int) {
        precondition(rows >= columns && matrix.count >= rows * columns)
        // By columns it is the transposed matrix, whose LQ factorisation has L = R transposed.
        var m = Int32(columns), n = Int32(rows), lda = m, info = Int32(0), lwork = Int32(-1)
        var tau = [Double](repeating: 0, count: columns), work = [0.0]
        for _ in 0..<2 {
            dgelqf_(&m, &n, &matrix, &lda, &tau, &work, &lwork, &info)
            precondition(info == 0, "a \(rows)x\(columns) matrix was not factorised (LAPACK says \(info))")
            if lwork < 0 {
                lwork = Int32(work[0])
                work = [Double](repeating: 0, count: max(1, Int(lwork)))
            }
        }
        for i in 1..<max(1, columns) { for j in 0..<i { matrix[i * columns + j] = 0 } }
    }

    /// a (m x k) times the transposed b (n x k).
    static func productWithTransposed(_ a: [Double], _ b: [Double], m: Int, n: Int, k: Int) -> [Double] {
        var c = [Double](repeating: 0, count: m * n)
        guard m > 0, n > 0 else { return c }
        cblas_dgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(m), Int32(n), Int32(k), 1, a, Int32(k), b, Int32(k), 0, &c,
            Int32(n))
        return c
    }
}
