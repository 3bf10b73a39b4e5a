// Matrix products with a packed right-hand side: the micro-kernel holds MR x 16 of C in registers.

static void pack_b(ptrdiff_t k, ptrdiff_t n, const float *b, ptrdiff_t ldb, int transposed, float *packed) {
    for (ptrdiff_t j = 0; j < n; j += CTK_PANEL) {
        ptrdiff_t columns = n - j < CTK_PANEL ? n - j : CTK_PANEL;
        ptrdiff_t width = columns <= 8 ? 8 : CTK_PANEL;
        if (!transposed && columns == width) {
            for (ptrdiff_t p = 0; p < k; p++, packed += width)
                memcpy(packed, b + p * ldb + j, (size_t)width * sizeof(float));
            continue;
        }
        for (ptrdiff_t p = 0; p < k; p++) {
            for (ptrdiff_t i = 0; i < width; i++)
                packed[i] = i < columns ? (transposed ? b[(j + i) * ldb + p] : b[p * ldb + j + i]) : 0;
            packed += width;
        }
    }
}

#define UNROLL _Pragma("clang loop unroll(full)")

/// MR rows x (8 * NV) columns, of which `columns` are wanted. `mr` and `nv` are constants after inlining; every loop over
/// the accumulators is unrolled, or they would not stay in registers.
INLINE void micro_kernel(const int mr, const int nv, ptrdiff_t segments, ptrdiff_t segment_k, const float *const *a,
                         ptrdiff_t offset, ptrdiff_t a_stride, const float *b, float *c, ptrdiff_t ldc, ptrdiff_t columns,
                         const float *bias, int accumulate) {
    v8 acc[CTK_MR8 > CTK_MR ? CTK_MR8 : CTK_MR][2];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nv; j++) acc[i][j] = splat8(0);
    for (ptrdiff_t s = 0; s < segments; s++) {
        const float *as = a[s] + offset;
        for (ptrdiff_t p = 0; p < segment_k; p++, as++, b += 8 * nv) {
            v8 b0 = load8(b), b1 = nv > 1 ? load8(b + 8) : b0;
            UNROLL for (int i = 0; i < mr; i++) {
                v8 x = splat8(as[i * a_stride]);
                acc[i][0] += x * b0;
                if (nv > 1) acc[i][1] += x * b1;
            }
        }
    }
    if (columns == 8 * nv) {
        UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nv; j++) {
            v8 v = acc[i][j];
            if (bias) v += load8(bias + 8 * j);
            if (accumulate) v += load8(c + i * ldc + 8 * j);
            store8(c + i * ldc + 8 * j, v);
        }
    } else {
        float t[CTK_MR8 > CTK_MR ? CTK_MR8 : CTK_MR][16];
        UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nv; j++) store8(t[i] + 8 * j, acc[i][j]);
        for (int i = 0; i < mr; i++)
            for (ptrdiff_t j = 0; j < columns; j++)
                c[i * ldc + j] = t[i][j] + (bias ? bias[j] : 0) + (accumulate ? c[i * ldc + j] : 0);
    }
}

#define CTK_ROWS(MR, NV)                                                                                              \
    case MR:                                                                                                          \
        micro_kernel(MR, NV, segments, segment_k, a, g * a_group + r * a_stride, a_stride, packed,                    \
                     c + g * c_group + r * ldc + j, ldc, columns, bias ? bias + j : NULL, accumulate);                \
        break;

/// Calls for the part `i` of `n` of the `floats` at p, into the L2 cache.
INLINE void prefetch_part(const float *p, ptrdiff_t floats, ptrdiff_t i, ptrdiff_t n) {
    ptrdiff_t lines = floats / 16;
    for (ptrdiff_t l = lines * i / n; l < lines * (i + 1) / n; l++) __builtin_prefetch(p + 16 * l, 0, 2);
}

static void gemm(ptrdiff_t groups, ptrdiff_t a_group, ptrdiff_t c_group, ptrdiff_t rows, ptrdiff_t n,
                 ptrdiff_t segments, ptrdiff_t segment_k, const float *const *a, ptrdiff_t a_stride,
                 const float *packed, float *c, ptrdiff_t ldc, const float *bias, int accumulate, const float *next_a) {
    ptrdiff_t k = segments * segment_k;
    ptrdiff_t panels = (n + CTK_PANEL - 1) / CTK_PANEL, tiles = groups * ((rows + CTK_MR - 1) / CTK_MR);
    for (ptrdiff_t j = 0; j < n; j += CTK_PANEL) {
        ptrdiff_t columns = n - j < CTK_PANEL ? n - j : CTK_PANEL, tile = 0;
        int narrow = columns <= 8;
        for (ptrdiff_t g = 0; g < groups; g++) {
            for (ptrdiff_t r = 0; r < rows; tile++) {
                ptrdiff_t left = rows - r;
                int mr;
                if (next_a) {
                    // What is needed next comes from afar: a little of it is called for with each piece of work.
                    prefetch_part(packed + k * CTK_PANEL, k * CTK_PANEL, tile, tiles);
                    prefetch_part(next_a, rows * k, j / CTK_PANEL * tiles + tile, panels * tiles);
                }
                if (narrow) {
                    mr = left >= CTK_MR8 ? CTK_MR8 : left >= 4 ? 4 : 1;
                    switch (mr) {
                        CTK_ROWS(1, 1) CTK_ROWS(4, 1)
#if CTK_MR8 > 4
                        CTK_ROWS(CTK_MR8, 1)
#endif
                    }
                } else {
                    mr = left < CTK_MR ? (int)left : CTK_MR;
                    switch (mr) {
                        CTK_ROWS(1, 2) CTK_ROWS(2, 2) CTK_ROWS(3, 2)
#if CTK_MR > 3
                        CTK_ROWS(4, 2) CTK_ROWS(5, 2) CTK_ROWS(6, 2)
#endif
                    }
                }
                r += mr;
            }
        }
        packed += k * (narrow ? 8 : CTK_PANEL);
    }
}
