// One instruction set's kernels; included by a file that defines CTK_TABLE, CTK_NAME, CTK_MR and CTK_MR8.
#include "CTensorKernels.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float v8 __attribute__((vector_size(32), aligned(4)));
typedef double d8 __attribute__((vector_size(64), aligned(8)));
typedef int i8 __attribute__((vector_size(32), aligned(4)));

INLINE v8 load8(const float *p) { return *(const v8 *)p; }
INLINE void store8(float *p, v8 v) { *(v8 *)p = v; }
INLINE v8 splat8(float x) { return (v8){x, x, x, x, x, x, x, x}; }
/// Lane-wise a where the mask is set, else b.
INLINE v8 select8(i8 mask, v8 a, v8 b) { return (v8)(((i8)a & mask) | ((i8)b & ~mask)); }
/// The first n < 8 floats, zeros behind them.
INLINE v8 load_n(const float *p, ptrdiff_t n) {
    float t[8] = {0};
    for (ptrdiff_t i = 0; i < n; i++) t[i] = p[i];
    return load8(t);
}
INLINE void store_n(float *p, v8 v, ptrdiff_t n) {
    float t[8];
    store8(t, v);
    for (ptrdiff_t i = 0; i < n; i++) p[i] = t[i];
}
INLINE v8 activate8(v8 v, v8 slope) { return select8(v > 0.0f, v, v * slope); }

#include "gemm.inc.h"
#include "padding.inc.h"
#include "winograd.inc.h"
#include "normalize.inc.h"

const struct ctk_kernels CTK_TABLE = {
    .name = CTK_NAME,
    .pack_b = pack_b,
    .gemm = gemm,
    .gemm_transposed = gemm_transposed,
    .winograd_input = winograd_input,
    .winograd_output = winograd_output,
    .winograd_output_adjoint = winograd_output_adjoint,
    .winograd_weights = winograd_weights,
    .winograd_weights_adjoint = winograd_weights_adjoint,
    .statistics = statistics,
    .normalize = normalize,
    .normalize_gradient_sums = normalize_gradient_sums,
    .normalize_gradient = normalize_gradient,
    .padded_row = padded_row,
    .sum_taps = sum_taps,
    .tanh = tanh_all,
    .add = add,
    .adam = adam,
};
