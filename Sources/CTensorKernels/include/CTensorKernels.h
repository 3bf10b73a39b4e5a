/// SIMD kernels of the numerical core. One source (`*.inc.h`), written with vector extensions, is compiled once for
/// each instruction set; a table of functions is picked at run time. All tensors are float32, NHWC; all strides and
/// counts are in floats unless said otherwise. Nothing here allocates, and nothing here is threaded.
#ifndef CTENSORKERNELS_H
#define CTENSORKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// How pixels outside the image are read.
enum ctk_padding {
    CTK_PADDING_ZERO = 0,
    /// Mirrored without repeating the edge (PyTorch's ReflectionPad2d).
    CTK_PADDING_REFLECT = 1,
    /// The edge pixel repeated.
    CTK_PADDING_EDGE = 2,
};

/// Normalisation and activation applied to a pixel while it is read: v = act((x - mean[c]) * scale[c]), where
/// act(v) = v > 0 ? v : slope * v. A null `mean` leaves the pixel as it is (no normalisation, no activation).
struct ctk_read {
    const float *mean;
    const float *scale;
    float slope;
};

/// One image (or a band of its rows) to be read with padding.
/// Row y of the image stands at `data + (y - first_row) * row_stride`.
struct ctk_image {
    const float *data;
    ptrdiff_t height, width, channels;
    ptrdiff_t row_stride;
    ptrdiff_t first_row;
};

/// A window: which of a kernel's taps are summed in each of its cells, and where a weight stands.
struct ctk_window {
    ptrdiff_t cells;
    /// For each cell: how many of the kernel's taps are summed in it (none: zero), and their numbers one after the
    /// other. A number that stands more than once weighs as often.
    const int *tap_counts, *taps;
    /// Of each sum.
    float scale;
    /// Of the weight of (input, output, tap): input * input_stride + output * output_stride + tap.
    ptrdiff_t input_stride, output_stride;
    /// Taps of the kernel, at most 64.
    ptrdiff_t kernel_taps;
};

/// Which pixels are the units of a tile: unit (i, j) is pixel (y + i * step, x + j * step).
struct ctk_units {
    ptrdiff_t step, y, x;
};

/// Where input channel i's row of weights stands: in row `first` + i of a matrix of `rows` rows (which only a packed
/// one needs to know). Null data: left out.
struct ctk_matrix {
    float *data;
    ptrdiff_t rows, first;
};

/// A product C = sum over segments s of A_s B_s, plus a bias. Row r of A_s is the `segment_columns` floats at a[s] + r
/// * a_stride: overlapping rows make a convolution of it.
struct ctk_gemm {
    /// Rows of each A_s and of C; columns of B and C; segments, and columns of each A_s.
    ptrdiff_t rows, columns, segments, segment_columns;
    const float *const *a;
    ptrdiff_t a_stride;
    /// Packed, of segments * segment_columns rows.
    const float *b;
    float *c;
    ptrdiff_t c_stride;
    /// A value a column; null: none.
    const float *bias;
    /// The same for so many A and C, a_group and c_group floats apart, with the same B.
    ptrdiff_t groups, a_group, c_group;
    /// Null, or the rows * segments * segment_columns floats that the next product will read, whose B stands behind
    /// this one: both are prefetched into the L2 cache meanwhile.
    const float *next_a;
};

/// A product C (m x n) = A^T B of A (k x m) and B (k x n), all in panels of 16 columns: each panel of A and B has
/// `panel_rows` rows of 16 floats, each of C m rows. Columns behind the last may hold anything, in A and B before and
/// in C after.
struct ctk_gemm_transposed {
    ptrdiff_t m, n, k;
    const float *a, *b;
    ptrdiff_t panel_rows;
    float *c;
    /// Not 0: C itself is added.
    int accumulates;
};

/// Tiles [first, first + count) of a grid with `columns` tiles a row, for windows of `window` x `window` cells: tile
/// (ty, tx) makes the 7 - window units from (7 - window) ty on, and of columns alike.
struct ctk_tiles {
    ptrdiff_t window;
    struct ctk_units units;
    ptrdiff_t columns, first, count;
};

/// An image that tiles are written to; its pixels stand one behind the other in a row.
struct ctk_target {
    float *data;
    ptrdiff_t height, width, channels;
    ptrdiff_t row_stride;
};

/// Input channels of a layer, and those of its output channels that a kernel does: [first, last), `first` a multiple of
/// 16.
struct ctk_channels {
    ptrdiff_t inputs, outputs, first, last;
};

/// What Adam's step needs beside the numbers themselves. `rate` is the learning rate divided by the first bias
/// correction, `second_correction` the square root of the second.
struct ctk_adam {
    float rate, beta1, beta2, epsilon, second_correction;
};

/// Width of a packed panel of B: 16 columns; a last panel of at most 8 columns is 8 wide.
enum { CTK_PANEL = 16 };

/// Floats that `pack_b` writes for a K x N matrix.
size_t ctk_packed_size(ptrdiff_t k, ptrdiff_t n);

struct ctk_kernels {
    const char *name;

    /// Packs row-major B (k x n) into panels of columns, zero-padded.
    void (*pack_b)(ptrdiff_t k, ptrdiff_t n, const float *b, float *packed);

    void (*gemm)(const struct ctk_gemm *product);

    void (*gemm_transposed)(const struct ctk_gemm_transposed *product);

    // Winograd's F(4x4,3x3) for windows of 3x3 cells, F(3x3,4x4) for 4x4: tiles of 6x6 units, 7 - window outputs a
    // side. Where one of the 36 elements of a tile has a null pointer, it is not written.

    /// Input side: each tile reads the 6x6 units from where its own begin. v[xi] is a matrix (count x channels), in
    /// rows where `panel_rows` is 0, else in panels of 16 channels as `gemm_transposed` takes them.
    void (*winograd_input)(const struct ctk_tiles *tiles, const struct ctk_image *image, enum ctk_padding padding,
                           const struct ctk_read *read, float *const *v, ptrdiff_t panel_rows);

    /// Output side: 36 products m[xi] (count x channels) to the tiles' units of y, clipped at the borders, plus bias if
    /// not null. With `sums` not null adds each channel's statistics: sums[0..<c] += sum, sums[c..<2c] += sum of
    /// squares (see `statistics`), a set of sums for each `group` of tiles. No m is null.
    void (*winograd_output)(const struct ctk_tiles *tiles, const float *const *m, const struct ctk_target *y,
                            const float *bias, double *sums, ptrdiff_t group);

    /// Adjoint of `winograd_output`: units of dy to the 36 dm = A dy A^T (those beyond the border are zero), in panels
    /// of 16 channels as `gemm_transposed` takes them.
    void (*winograd_output_adjoint)(const struct ctk_tiles *tiles, const struct ctk_image *dy, float *const *dm,
                                    ptrdiff_t panel_rows);

    /// Weights to the matrices u = G w G^T (inputs x outputs), row-major or, if `packed`, as `pack_b` would have them.
    /// The window has 9 or 16 cells, of a kernel of 9 or 16 taps.
    void (*winograd_weights)(const float *w, const struct ctk_window *window, const struct ctk_channels *channels,
                             int packed, const struct ctk_matrix *u);

    /// Adjoint of `winograd_weights`: adds G^T du G, of the matrices du[xi] (inputs x outputs in panels of 16 columns;
    /// null: zeros), to the weights' gradient.
    void (*winograd_weights_adjoint)(const float *const *du, const struct ctk_window *window,
                                     const struct ctk_channels *channels, float *dw);

    /// Adds statistics of `rows` pixels of c channels to sums (sum, then sum of squares, in double). Deviations are
    /// taken from means of short chunks, so that a large mean does not drown a small variance.
    void (*statistics)(ptrdiff_t rows, ptrdiff_t c, const float *x, ptrdiff_t stride, double *sums);

    /// y = act((x - mean) * scale) (+ residual if not null), for `rows` pixels of c channels, all contiguous.
    void (*normalize)(ptrdiff_t rows, ptrdiff_t c, const float *x, const struct ctk_read *read, const float *residual,
                      float *y);

    /// For the gradient of `normalize` without residual: with g = dy * act'(xhat), adds each channel's sum of g and sum
    /// of g * xhat to sums[0..<c] and sums[c..<2c].
    void (*normalize_gradient_sums)(ptrdiff_t rows, ptrdiff_t c, const float *x, const struct ctk_read *read,
                                    const float *dy, double *sums);

    /// dx = scale * (g - mean of g - xhat * mean of g * xhat), with means[0..<c] and means[c..<2c].
    void (*normalize_gradient)(ptrdiff_t rows, ptrdiff_t c, const float *x, const struct ctk_read *read,
                               const float *dy, const float *means, float *dx);

    /// Writes pixels [x0, x1) of row y to dst; coordinates outside the image are resolved by the padding.
    void (*padded_row)(const struct ctk_image *image, enum ctk_padding padding, ptrdiff_t y, ptrdiff_t x0, ptrdiff_t x1,
                       const struct ctk_read *read, float *dst);

    /// out[x][o] = bias[o] + sum over k < taps of p[(x + k) * p_stride + k * outputs + o], for `width` pixels: the last
    /// step of a convolution with few output channels, whose products p were made a column of taps at a time.
    /// Up to three floats past the last pixel of p and of out are touched.
    void (*sum_taps)(ptrdiff_t width, ptrdiff_t taps, ptrdiff_t outputs, const float *p, ptrdiff_t p_stride,
                     const float *bias, float *out);

    /// y[i] = tanh(x[i]), to about 2e-7 relative.
    void (*tanh)(ptrdiff_t n, const float *x, float *y);

    /// y[i] += factor * x[i].
    void (*add)(ptrdiff_t n, float factor, const float *x, float *y);

    /// One step of Adam (Kingma and Ba 2015, algorithm 1) on n parameters with their moments m and v.
    void (*adam)(ptrdiff_t n, const struct ctk_adam *step, const float *gradient, float *m, float *v, float *parameter);
};

/// The best table for this processor; `CYCLEGAN_STYLED_KERNELS=portable|avx2` forces one.
const struct ctk_kernels *ctk_default(void);

/// The table of that name, or null where this machine cannot run it.
const struct ctk_kernels *ctk_named(const char *name);

/// The i-th table that this machine can run, best first, or null past the last.
const struct ctk_kernels *ctk_available(size_t i);

/// Packs output channels [first, first + count), at most 16, as one panel of `gemm`'s right-hand side, rows (cell,
/// input).
void ctk_pack_window(const float *w, const struct ctk_window *window, ptrdiff_t ci, ptrdiff_t first, ptrdiff_t count,
                     float *panel);

/// Adds dense[cell][input][output] to the weights of output channels [first, first + count), at most 16: the adjoint of
/// packing.
void ctk_add_window(const float *dense, const struct ctk_window *window, ptrdiff_t ci, ptrdiff_t co, ptrdiff_t first,
                    ptrdiff_t count, float *w);

#endif
