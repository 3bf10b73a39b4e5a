// Winograd's minimal filtering (Lavin and Gray 2015, section 4.1), eight channels at a time. F(4x4,3x3) and F(3x3,4x4) take
// tiles of six pixels a side and the interpolation points 0, a, -a, b, -b with a = 1/sqrt(2) and b = sqrt(2): against the
// customary 0, 1, -1, 2, -2 they cost no multiplication more and halve the rounding error. F(6x6,3x3) takes tiles of eight and
// the points 0, 1, -1, 1/2, -1/2, 2, -2.

#define POINT_A 0.70710678118654752f
#define POINT_B 1.41421356237309505f

/// One application of B^T to six values; the same for both.
INLINE void bt6(const v8 d[6], v8 o[6]) {
    v8 p = d[4] - 2.0f * d[2], q = POINT_A * (d[3] - 2.0f * d[1]);
    v8 r = d[4] - 0.5f * d[2], s = POINT_B * (d[3] - 0.5f * d[1]);
    o[0] = d[0] - 2.5f * d[2] + d[4];
    o[1] = p + q;
    o[2] = p - q;
    o[3] = r + s;
    o[4] = r - s;
    o[5] = d[1] - 2.5f * d[3] + d[5];
}

/// One application of A^T to six values: four outputs, or three.
INLINE void at6(const int outputs, const v8 m[6], v8 o[4]) {
    v8 p = m[1] + m[2], q = POINT_A * (m[1] - m[2]), r = m[3] + m[4], s = POINT_B * (m[3] - m[4]);
    o[0] = m[0] + p + r;
    o[1] = q + s;
    o[2] = 0.5f * p + 2.0f * r;
    if (outputs == 4) o[3] = 0.5f * q + 2.0f * s;
    o[outputs - 1] += m[5];
}

/// One application of A to four values or three: the adjoint of `at6`.
INLINE void a6(const int outputs, const v8 y[4], v8 o[6]) {
    v8 y3 = outputs == 4 ? y[3] : splat8(0);
    v8 p = y[0] + 0.5f * y[2], q = POINT_A * (y[1] + 0.5f * y3);
    v8 r = y[0] + 2.0f * y[2], s = POINT_B * (y[1] + 2.0f * y3);
    o[0] = y[0];
    o[1] = p + q;
    o[2] = p - q;
    o[3] = r + s;
    o[4] = r - s;
    o[5] = y[outputs - 1];
}

/// One application of B^T to eight values.
INLINE void bt8(const v8 d[8], v8 o[8]) {
    v8 p = d[6] - 4.25f * d[4] + d[2], q = d[5] - 4.25f * d[3] + d[1];
    v8 r = d[6] - 5.0f * d[4] + 4.0f * d[2], s = 0.5f * d[5] - 2.5f * d[3] + 2.0f * d[1];
    v8 t = d[6] - 1.25f * d[4] + 0.25f * d[2], u = 2.0f * d[5] - 2.5f * d[3] + 0.5f * d[1];
    o[0] = d[0] - d[6] + 5.25f * (d[4] - d[2]);
    o[1] = p + q;
    o[2] = p - q;
    o[3] = r + s;
    o[4] = r - s;
    o[5] = t + u;
    o[6] = t - u;
    o[7] = d[7] - d[1] + 5.25f * (d[3] - d[5]);
}

/// One application of A^T to eight values: six outputs.
INLINE void at8(const v8 m[8], v8 o[6]) {
    v8 p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4], t = m[5] + m[6], u = m[5] - m[6];
    o[0] = m[0] + p + r + t;
    o[1] = q + 0.5f * s + 2.0f * u;
    o[2] = p + 0.25f * r + 4.0f * t;
    o[3] = q + 0.125f * s + 8.0f * u;
    o[4] = p + 0.0625f * r + 16.0f * t;
    o[5] = m[7] + q + 0.03125f * s + 32.0f * u;
}

/// One application of G to three taps: eight values.
INLINE void g8(const v8 g[3], v8 o[8]) {
    v8 p = (g[0] + g[2]) * (-2.0f / 9), q = g[1] * (-2.0f / 9);
    v8 r = (4.0f * g[0] + g[2]) * (8.0f / 45), s = g[1] * (16.0f / 45);
    v8 t = (g[0] + 4.0f * g[2]) * (1.0f / 90), u = g[1] * (1.0f / 45);
    o[0] = g[0];
    o[1] = p + q;
    o[2] = p - q;
    o[3] = r + s;
    o[4] = r - s;
    o[5] = t + u;
    o[6] = t - u;
    o[7] = g[2];
}

INLINE void bt(const int side, const v8 *d, v8 *o) {
    if (side == 8) bt8(d, o);
    else bt6(d, o);
}

INLINE void at(const int side, const int outputs, const v8 *m, v8 *o) {
    if (side == 8) at8(m, o);
    else at6(outputs, m, o);
}

/// Transforms side x side pixels (channels c..c+lanes) of one tile.
INLINE void input_tile(const int side, const float *const *px, ptrdiff_t c, ptrdiff_t lanes, const struct ctk_read *read, v8 slope,
                       float *v, ptrdiff_t v_stride) {
    v8 t[8][8];
    v8 mean = slope, scale = slope;
    if (read) {
        mean = lanes == 8 ? load8(read->mean + c) : load_n(read->mean + c, lanes);
        scale = lanes == 8 ? load8(read->scale + c) : load_n(read->scale + c, lanes);
    }
    for (int x = 0; x < side; x++) {
        v8 d[8], o[8];
        for (int y = 0; y < side; y++) {
            const float *p = px[side * y + x];
            if (!p) { d[y] = splat8(0); continue; }
            v8 q = lanes == 8 ? load8(p + c) : load_n(p + c, lanes);
            d[y] = read ? activate8((q - mean) * scale, slope) : q;
        }
        bt(side, d, o);
        for (int y = 0; y < side; y++) t[y][x] = o[y];
    }
    for (int y = 0; y < side; y++) {
        v8 o[8];
        bt(side, t[y], o);
        for (int x = 0; x < side; x++) {
            float *q = v + (side * y + x) * v_stride + c;
            if (lanes == 8) store8(q, o[x]);
            else store_n(q, o[x], lanes);
        }
    }
}

INLINE void input_tiles(const int side, ptrdiff_t outputs, const struct ctk_image *image, enum ctk_padding padding,
                        ptrdiff_t pad, const struct ctk_read *r, ptrdiff_t tiles_x, ptrdiff_t first, ptrdiff_t count,
                        float *v, ptrdiff_t v_stride) {
    ptrdiff_t channels = image->channels, h = image->height, w = image->width;
    v8 slope = splat8(r ? r->slope : 0);
    for (ptrdiff_t i = 0; i < count; i++, v += channels) {
        ptrdiff_t ty = (first + i) / tiles_x, tx = (first + i) % tiles_x;
        const float *px[64];
        ptrdiff_t y0 = outputs * ty - pad, x0 = outputs * tx - pad;
        ptrdiff_t sx[8];
        for (int x = 0; x < side; x++) sx[x] = resolve(x0 + x, w, padding);
        for (int y = 0; y < side; y++) {
            ptrdiff_t sy = resolve(y0 + y, h, padding);
            const float *row = image->data + (sy - image->first_row) * image->row_stride;
            for (int x = 0; x < side; x++) px[side * y + x] = sy < 0 || sx[x] < 0 ? NULL : row + sx[x] * channels;
        }
        ptrdiff_t c = 0;
        if (r) {
            for (; c + 8 <= channels; c += 8) input_tile(side, px, c, 8, r, slope, v, v_stride);
            if (c < channels) input_tile(side, px, c, channels - c, r, slope, v, v_stride);
        } else {
            for (; c + 8 <= channels; c += 8) input_tile(side, px, c, 8, NULL, slope, v, v_stride);
            if (c < channels) input_tile(side, px, c, channels - c, NULL, slope, v, v_stride);
        }
    }
}

static void winograd_input(ptrdiff_t taps, ptrdiff_t outputs, const struct ctk_image *image, enum ctk_padding padding,
                           ptrdiff_t pad, const struct ctk_read *read, ptrdiff_t tiles_x, ptrdiff_t first,
                           ptrdiff_t count, float *v, ptrdiff_t v_stride) {
    const struct ctk_read *r = read && read->mean ? read : NULL;
    if (taps + outputs == 9) input_tiles(8, outputs, image, padding, pad, r, tiles_x, first, count, v, v_stride);
    else input_tiles(6, outputs, image, padding, pad, r, tiles_x, first, count, v, v_stride);
}

/// Adds the statistics of up to 36 values of eight channels: the sum, and the sum of squares put together in
/// double from the deviations from the values' own mean.
INLINE void add_statistics(const v8 *y, int n, ptrdiff_t lanes, double *sum, double *squares) {
    v8 s = y[0];
    for (int i = 1; i < n; i++) s += y[i];
    v8 mean = s * (1.0f / (float)n), m2 = splat8(0);
    for (int i = 0; i < n; i++) {
        v8 d = y[i] - mean;
        m2 += d * d;
    }
    d8 dm = __builtin_convertvector(mean, d8);
    d8 ds = dm * (double)n, dq = __builtin_convertvector(m2, d8) + ds * dm;
    if (lanes == 8) {
        *(d8 *)sum += ds;
        *(d8 *)squares += dq;
    } else {
        for (ptrdiff_t i = 0; i < lanes; i++) {
            sum[i] += ds[i];
            squares[i] += dq[i];
        }
    }
}

INLINE void output_tile(const int side, const int outputs, const float *m, ptrdiff_t m_stride, ptrdiff_t c, ptrdiff_t lanes, ptrdiff_t rows,
                        ptrdiff_t columns, ptrdiff_t channels, const float *bias, float *y, ptrdiff_t y_row_stride,
                        double *sums) {
    v8 t[6][8], out[36];
    for (int x = 0; x < side; x++) {
        v8 d[8], o[6];
        for (int i = 0; i < side; i++) {
            const float *p = m + (side * i + x) * m_stride + c;
            d[i] = lanes == 8 ? load8(p) : load_n(p, lanes);
        }
        at(side, outputs, d, o);
        for (int i = 0; i < outputs; i++) t[i][x] = o[i];
    }
    v8 b = !bias ? splat8(0) : lanes == 8 ? load8(bias + c) : load_n(bias + c, lanes);
    for (int i = 0; i < outputs; i++) {
        at(side, outputs, t[i], out + outputs * i);
        for (int x = 0; x < outputs; x++) out[outputs * i + x] += b;
    }
    int kept = 0;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t x = 0; x < columns; x++) {
            v8 o = out[outputs * i + x];
            float *q = y + i * y_row_stride + x * channels + c;
            if (lanes == 8) store8(q, o);
            else store_n(q, o, lanes);
            out[kept++] = o;
        }
    if (sums) {
        if (kept == outputs * outputs) add_statistics(out, outputs * outputs, lanes, sums + c, sums + channels + c);
        else add_statistics(out, kept, lanes, sums + c, sums + channels + c);
    }
}

INLINE void output_tiles(const int side, const int outputs, const float *m, ptrdiff_t m_stride, ptrdiff_t height, ptrdiff_t width,
                         ptrdiff_t channels, ptrdiff_t tiles_x, ptrdiff_t first, ptrdiff_t count, const float *bias,
                         float *y, ptrdiff_t y_row_stride, double *sums) {
    for (ptrdiff_t i = 0; i < count; i++, m += channels) {
        ptrdiff_t y0 = outputs * ((first + i) / tiles_x), x0 = outputs * ((first + i) % tiles_x);
        ptrdiff_t rows = height - y0 < outputs ? height - y0 : outputs, columns = width - x0 < outputs ? width - x0 : outputs;
        float *q = y + y0 * y_row_stride + x0 * channels;
        int whole = rows == outputs && columns == outputs;
        ptrdiff_t c = 0;
        for (; c + 8 <= channels; c += 8) {
            if (whole) output_tile(side, outputs, m, m_stride, c, 8, outputs, outputs, channels, bias, q, y_row_stride, sums);
            else output_tile(side, outputs, m, m_stride, c, 8, rows, columns, channels, bias, q, y_row_stride, sums);
        }
        if (c < channels)
            output_tile(side, outputs, m, m_stride, c, channels - c, rows, columns, channels, bias, q, y_row_stride, sums);
    }
}

static void winograd_output(ptrdiff_t taps, ptrdiff_t outputs, const float *m, ptrdiff_t m_stride, ptrdiff_t height,
                            ptrdiff_t width, ptrdiff_t channels, ptrdiff_t tiles_x, ptrdiff_t first, ptrdiff_t count,
                            const float *bias, float *y, ptrdiff_t y_row_stride, double *sums) {
    if (taps + outputs == 9)
        output_tiles(8, 6, m, m_stride, height, width, channels, tiles_x, first, count, bias, y, y_row_stride, sums);
    else if (outputs == 4)
        output_tiles(6, 4, m, m_stride, height, width, channels, tiles_x, first, count, bias, y, y_row_stride, sums);
    else
        output_tiles(6, 3, m, m_stride, height, width, channels, tiles_x, first, count, bias, y, y_row_stride, sums);
}

INLINE void output_tiles_adjoint(const int outputs, const float *dy, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                                 ptrdiff_t tiles_x, ptrdiff_t first, ptrdiff_t count, float *dm, ptrdiff_t m_stride) {
    for (ptrdiff_t i = 0; i < count; i++, dm += channels) {
        ptrdiff_t y0 = outputs * ((first + i) / tiles_x), x0 = outputs * ((first + i) % tiles_x);
        for (ptrdiff_t c = 0; c < channels; c += 8) {
            ptrdiff_t lanes = channels - c < 8 ? channels - c : 8;
            v8 t[6][4];
            for (int x = 0; x < outputs; x++) {
                v8 d[4], o[6];
                for (int k = 0; k < outputs; k++) {
                    const float *p = dy + ((y0 + k) * width + x0 + x) * channels + c;
                    d[k] = y0 + k >= height || x0 + x >= width ? splat8(0) : lanes == 8 ? load8(p) : load_n(p, lanes);
                }
                a6(outputs, d, o);
                for (int k = 0; k < 6; k++) t[k][x] = o[k];
            }
            for (int k = 0; k < 6; k++) {
                v8 o[6];
                a6(outputs, t[k], o);
                for (int x = 0; x < 6; x++) {
                    float *q = dm + (6 * k + x) * m_stride + c;
                    if (lanes == 8) store8(q, o[x]);
                    else store_n(q, o[x], lanes);
                }
            }
        }
    }
}

static void winograd_output_adjoint(ptrdiff_t taps, const float *dy, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                                    ptrdiff_t tiles_x, ptrdiff_t first, ptrdiff_t count, float *dm, ptrdiff_t m_stride) {
    if (taps == 3) output_tiles_adjoint(4, dy, height, width, channels, tiles_x, first, count, dm, m_stride);
    else output_tiles_adjoint(3, dy, height, width, channels, tiles_x, first, count, dm, m_stride);
}

/// One application of G to three taps or four.
INLINE void g6(const int taps, const v8 g[4], v8 o[6]) {
    v8 g3 = taps == 4 ? g[3] : splat8(0);
    v8 p = (g[0] + 0.5f * g[2]) * (-2.0f / 3), q = (g[1] + 0.5f * g3) * (-2.0f / 3 * POINT_A);
    v8 r = (g[0] + 2.0f * g[2]) * (1.0f / 6), s = (g[1] + 2.0f * g3) * (1.0f / 6 * POINT_B);
    o[0] = g[0];
    o[1] = p + q;
    o[2] = p - q;
    o[3] = r + s;
    o[4] = r - s;
    o[5] = g[taps - 1];
}

/// One application of G^T to six values.
INLINE void gt6(const int taps, const v8 d[6], v8 o[4]) {
    v8 p = (d[1] + d[2]) * (-2.0f / 3), q = (d[1] - d[2]) * (-2.0f / 3 * POINT_A);
    v8 r = (d[3] + d[4]) * (1.0f / 6), s = (d[3] - d[4]) * (1.0f / 6 * POINT_B);
    o[0] = d[0] + p + r;
    o[1] = q + s;
    o[2] = 0.5f * p + 2.0f * r;
    if (taps == 4) o[3] = 0.5f * q + 2.0f * s;
    o[taps - 1] += d[5];
}

/// Where u of input channel i, output channels o..., stands within one of the 36 matrices.
INLINE ptrdiff_t weight_offset(ptrdiff_t ci, ptrdiff_t co, int packed, ptrdiff_t i, ptrdiff_t o) {
    if (!packed) return i * co + o;
    ptrdiff_t panel = o / CTK_PANEL * CTK_PANEL, width = co - panel <= 8 ? 8 : CTK_PANEL;
    return panel * ci + i * width + o - panel;
}

INLINE void g(const int side, const int taps, const v8 *k, v8 *o) {
    if (side == 8) g8(k, o);
    else g6(taps, k, o);
}

INLINE void weights(const int side, const int taps, const float *w, ptrdiff_t ci, ptrdiff_t first, ptrdiff_t last, ptrdiff_t co,
                    ptrdiff_t ci_stride, ptrdiff_t co_stride, int flip, int packed, float *u, ptrdiff_t u_stride) {
    const int count = taps * taps;
    for (ptrdiff_t i = first; i < last; i++)
        for (ptrdiff_t o = 0; o < co; o += 8) {
            ptrdiff_t lanes = co - o < 8 ? co - o : 8;
            const float *from = w + i * ci_stride + o * co_stride;
            float e[16][8];
            if (lanes < 8) memset(e, 0, sizeof e);
            for (ptrdiff_t l = 0; l < lanes; l++)
                for (int k = 0; k < count; k++) e[k][l] = from[l * co_stride + (flip ? count - 1 - k : k)];
            v8 t[4][8];
            for (int x = 0; x < taps; x++) {
                v8 k[4];
                for (int y = 0; y < taps; y++) k[y] = load8(e[y * taps + x]);
                g(side, taps, k, t[x]);
            }
            float *q = u + weight_offset(ci, co, packed, i, o);
            for (int a = 0; a < side; a++) {
                v8 k[4], r[8];
                for (int x = 0; x < taps; x++) k[x] = t[x][a];
                g(side, taps, k, r);
                for (int b = 0; b < side; b++, q += u_stride) {
                    if (packed || lanes == 8) store8(q, r[b]);
                    else store_n(q, r[b], lanes);
                }
            }
        }
}

static void winograd_weights(ptrdiff_t taps, ptrdiff_t outputs, const float *w, ptrdiff_t ci, ptrdiff_t first,
                             ptrdiff_t last, ptrdiff_t co, ptrdiff_t ci_stride, ptrdiff_t co_stride, int flip, int packed,
                             float *u, ptrdiff_t u_stride) {
    if (taps + outputs == 9) weights(8, 3, w, ci, first, last, co, ci_stride, co_stride, flip, packed, u, u_stride);
    else if (taps == 3) weights(6, 3, w, ci, first, last, co, ci_stride, co_stride, flip, packed, u, u_stride);
    else weights(6, 4, w, ci, first, last, co, ci_stride, co_stride, flip, packed, u, u_stride);
}

INLINE void weights_adjoint(const int taps, const float *du, ptrdiff_t du_stride, ptrdiff_t ci, ptrdiff_t first,
                            ptrdiff_t last, ptrdiff_t co, float *dw) {
    const int count = taps * taps;
    for (ptrdiff_t i = first; i < last; i++)
        for (ptrdiff_t o = 0; o < co; o += 8) {
            ptrdiff_t lanes = co - o < 8 ? co - o : 8;
            v8 t[4][6];
            for (int b = 0; b < 6; b++) {
                v8 d[6], r[4];
                for (int a = 0; a < 6; a++) {
                    const float *q = du + (6 * a + b) * du_stride + i * co + o;
                    d[a] = lanes == 8 ? load8(q) : load_n(q, lanes);
                }
                gt6(taps, d, r);
                for (int k = 0; k < taps; k++) t[k][b] = r[k];
            }
            float e[16][8];
            for (int k = 0; k < taps; k++) {
                v8 r[4];
                gt6(taps, t[k], r);
                for (int x = 0; x < taps; x++) store8(e[k * taps + x], r[x]);
            }
            for (ptrdiff_t l = 0; l < lanes; l++)
                for (int k = 0; k < count; k++) dw[((o + l) * ci + i) * count + k] = e[k][l];
        }
}

static void winograd_weights_adjoint(ptrdiff_t taps, const float *du, ptrdiff_t du_stride, ptrdiff_t ci, ptrdiff_t first,
                                     ptrdiff_t last, ptrdiff_t co, float *dw) {
    if (taps == 3) weights_adjoint(3, du, du_stride, ci, first, last, co, dw);
    else weights_adjoint(4, du, du_stride, ci, first, last, co, dw);
}
