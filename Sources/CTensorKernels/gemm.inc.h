// Matrix products with their right-hand side, or both sides, in panels of 16 columns: the micro-kernel holds MR x 16 of
// C in registers.

static void pack_b(ptrdiff_t k, ptrdiff_t n, const float *b, float *packed) {
    for (ptrdiff_t j = 0; j < n; j += CTK_PANEL) {
        ptrdiff_t columns = n - j < CTK_PANEL ? n - j : CTK_PANEL;
        ptrdiff_t width = columns <= 8 ? 8 : CTK_PANEL;
        for (ptrdiff_t p = 0; p < k; p++, packed += width)
            for (ptrdiff_t i = 0; i < width; i++) packed[i] = i < columns ? b[p * n + j + i] : 0;
    }
}

/// Rows that a micro-kernel has at most.
enum { MOST_ROWS = CTK_MR8 > CTK_MR ? CTK_MR8 : CTK_MR };

#define UNROLL _Pragma("clang loop unroll(full)")

/// Hides how a pointer came about: the compiler would compute each row's address anew from the first's.
#define OPAQUE(p) __asm__("" : "+r"(p))

/// Adds the products of column p of A by the row of B at `b`. `rows` points to every third row, the others stand
/// `a_stride` apart behind it; a row's elements are `a_step` apart.
INLINE void step(const int mr, const int nv, const float *const *rows, ptrdiff_t p, ptrdiff_t a_stride,
                 const ptrdiff_t a_step, const float *b, v8 acc[][2]) {
    v8 b0 = load8(b), b1 = nv > 1 ? load8(b + 8) : b0;
    UNROLL for (int i = 0; i < mr; i++) {
        v8 x = splat8(rows[i / 3][i % 3 * a_stride + p * a_step]);
        acc[i][0] += x * b0;
        if (nv > 1) acc[i][1] += x * b1;
    }
}

/// MR rows x (8 * NV) columns, of which `columns` are wanted. `mr`, `nv` and `a_step` are constants after inlining;
/// every loop over the accumulators is unrolled, or they would not stay in registers.
INLINE void micro_kernel(const int mr, const int nv, ptrdiff_t segments, ptrdiff_t segment_k, const float *const *a,
                         ptrdiff_t offset, ptrdiff_t a_stride, const ptrdiff_t a_step, const float *b, float *c,
                         ptrdiff_t ldc, ptrdiff_t columns, const float *bias, int accumulate) {
    v8 acc[MOST_ROWS][2];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nv; j++) acc[i][j] = splat8(0);
    for (ptrdiff_t s = 0; s < segments; s++) {
        const float *rows[(MOST_ROWS + 2) / 3];
        UNROLL for (int i = 0; i < mr; i += 3) {
            rows[i / 3] = a[s] + offset + i * a_stride;
            OPAQUE(rows[i / 3]);
        }
        ptrdiff_t p = segment_k;
        for (; p >= 4; p -= 4) {
            UNROLL for (int q = 0; q < 4; q++) step(mr, nv, rows, q, a_stride, a_step, b + q * 8 * nv, acc);
            UNROLL for (int i = 0; i < mr; i += 3) rows[i / 3] += 4 * a_step;
            b += 4 * 8 * nv;
        }
        for (; p > 0; p--) {
            step(mr, nv, rows, 0, a_stride, a_step, b, acc);
            UNROLL for (int i = 0; i < mr; i += 3) rows[i / 3] += a_step;
            b += 8 * nv;
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
        float t[MOST_ROWS][16];
        UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nv; j++) store8(t[i] + 8 * j, acc[i][j]);
        for (int i = 0; i < mr; i++)
            for (ptrdiff_t j = 0; j < columns; j++)
                c[i * ldc + j] = t[i][j] + (bias ? bias[j] : 0) + (accumulate ? c[i * ldc + j] : 0);
    }
}

#define CTK_ROWS(MR, NV)                                                                                               \
    case MR:                                                                                                           \
        micro_kernel(MR, NV, segments, segment_k, a, g *a_group + r * a_stride, a_stride, 1, packed,                   \
                     c + g * c_group + r * ldc + j, ldc, columns, bias ? bias + j : NULL, 0);                          \
        break;

/// What the next product reads, prefetched into the L2 cache a few lines at a time.
struct prefetcher {
    const float *next, *end;
    ptrdiff_t step;
};
INLINE struct prefetcher prefetcher(const float *p, ptrdiff_t floats, ptrdiff_t times) {
    if (times < 1) times = 1;
    return (struct prefetcher){p, p + floats, (floats / 16 + times - 1) / times * 16};
}
INLINE void prefetch_some(struct prefetcher *f) {
    const float *stop = f->next + f->step < f->end ? f->next + f->step : f->end;
    for (; f->next < stop; f->next += 16) __builtin_prefetch(f->next, 0, 2);
}

static void gemm(const struct ctk_gemm *product) {
    // In registers: the compiler cannot know that what is written is not the product itself.
    ptrdiff_t groups = product->groups, a_group = product->a_group, c_group = product->c_group;
    ptrdiff_t rows = product->rows, n = product->columns;
    ptrdiff_t segments = product->segments, segment_k = product->segment_columns, k = segments * segment_k;
    const float *const *a = product->a;
    ptrdiff_t a_stride = product->a_stride, ldc = product->c_stride;
    const float *packed = product->b, *bias = product->bias, *next_a = product->next_a;
    float *c = product->c;
    ptrdiff_t panels = (n + CTK_PANEL - 1) / CTK_PANEL, tiles = groups * ((rows + CTK_MR - 1) / CTK_MR);
    struct prefetcher of_a = prefetcher(next_a, next_a ? rows * k : 0, panels * tiles);
    for (ptrdiff_t j = 0; j < n; j += CTK_PANEL) {
        ptrdiff_t columns = n - j < CTK_PANEL ? n - j : CTK_PANEL;
        int narrow = columns <= 8;
        ptrdiff_t width = narrow ? 8 : CTK_PANEL;
        struct prefetcher of_b = prefetcher(packed + k * width, next_a ? k * CTK_PANEL : 0, tiles);
        for (ptrdiff_t g = 0; g < groups; g++) {
            for (ptrdiff_t r = 0; r < rows;) {
                ptrdiff_t left = rows - r;
                int mr;
                // What is needed next comes from afar: a little of it is fetched with each piece of work.
                prefetch_some(&of_b);
                prefetch_some(&of_a);
                if (narrow) {
                    mr = left >= CTK_MR8 ? CTK_MR8 : left >= 4 ? 4 : 1;
                    switch (mr) {
                        CTK_ROWS(1, 1)
                        CTK_ROWS(4, 1)
#if CTK_MR8 > 4
                        CTK_ROWS(CTK_MR8, 1)
#endif
                    }
                } else {
                    mr = left < CTK_MR ? (int)left : CTK_MR;
                    switch (mr) {
                        CTK_ROWS(1, 2)
                        CTK_ROWS(2, 2)
                        CTK_ROWS(3, 2)
#if CTK_MR > 3
                        CTK_ROWS(4, 2) CTK_ROWS(5, 2) CTK_ROWS(6, 2)
#endif
                    }
                }
                r += mr;
            }
        }
        packed += k * width;
    }
}

#define CTK_TRANSPOSED_ROWS(MR)                                                                                        \
    case MR:                                                                                                           \
        micro_kernel(MR, 2, 1, depth, &left, r, 1, CTK_PANEL, right, c + (i + r) * CTK_PANEL, CTK_PANEL, CTK_PANEL,    \
                     NULL, accumulate || p > 0);                                                                       \
        break;

/// Rows of A and B multiplied at a time: a panel of each stays in the L1 cache.
enum { DEPTH = 192 };

static void gemm_transposed(const struct ctk_gemm_transposed *product) {
    ptrdiff_t m = product->m, n = product->n, k = product->k, panel_rows = product->panel_rows;
    const float *a = product->a, *b = product->b;
    float *c = product->c;
    int accumulate = product->accumulates;
    for (ptrdiff_t j = 0; j < n; j += CTK_PANEL, b += panel_rows * CTK_PANEL, c += m * CTK_PANEL)
        for (ptrdiff_t p = 0; p < k; p += DEPTH) {
            ptrdiff_t depth = k - p < DEPTH ? k - p : DEPTH;
            const float *right = b + p * CTK_PANEL;
            for (ptrdiff_t i = 0; i < m; i += CTK_PANEL) {
                const float *left = a + i * panel_rows + p * CTK_PANEL;
                ptrdiff_t rows = m - i < CTK_PANEL ? m - i : CTK_PANEL;
                for (ptrdiff_t r = 0; r < rows; r += CTK_MR) {
                    switch (rows - r < CTK_MR ? rows - r : CTK_MR) {
                        CTK_TRANSPOSED_ROWS(1)
                        CTK_TRANSPOSED_ROWS(2)
                        CTK_TRANSPOSED_ROWS(3)
#if CTK_MR > 3
                        CTK_TRANSPOSED_ROWS(4) CTK_TRANSPOSED_ROWS(5) CTK_TRANSPOSED_ROWS(6)
#endif
                    }
                }
            }
        }
}
