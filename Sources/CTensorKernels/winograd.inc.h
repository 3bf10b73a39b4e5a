// Winograd's minimal filtering F(4x4,3x3) (Lavin and Gray 2015, section 4.1; interpolation points 0, 1, -1, 2, -2),
// eight channels at a time.

/// One application of B^T to six values.
INLINE void bt6(const v8 d[6], v8 o[6]) {
    v8 a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1];
    v8 e = d[4] - d[2], f = 2.0f * (d[3] - d[1]);
    o[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    o[1] = a + b;
    o[2] = a - b;
    o[3] = e + f;
    o[4] = e - f;
    o[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/// One application of A^T to six values.
INLINE void at6(const v8 m[6], v8 o[4]) {
    v8 a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    o[0] = m[0] + a + c;
    o[1] = b + 2.0f * d;
    o[2] = a + 4.0f * c;
    o[3] = b + 8.0f * d + m[5];
}

/// One application of A to four values: the adjoint of `at6`.
INLINE void a4(const v8 y[4], v8 o[6]) {
    v8 a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4.0f * y[2], d = 2.0f * y[1] + 8.0f * y[3];
    o[0] = y[0];
    o[1] = a + b;
    o[2] = a - b;
    o[3] = c + d;
    o[4] = c - d;
    o[5] = y[3];
}

/// Transforms 6x6 pixels (channels c..c+lanes) of one tile.
INLINE void input_tile(const float *const px[36], ptrdiff_t c, ptrdiff_t lanes, const struct ctk_read *read, v8 slope,
                       float *v, ptrdiff_t v_stride) {
    v8 t[6][6];
    v8 mean = slope, scale = slope;
    if (read) {
        mean = lanes == 8 ? load8(read->mean + c) : load_n(read->mean + c, lanes);
        scale = lanes == 8 ? load8(read->scale + c) : load_n(read->scale + c, lanes);
    }
    for (int x = 0; x < 6; x++) {
        v8 d[6], o[6];
        for (int y = 0; y < 6; y++) {
            const float *p = px[6 * y + x];
            if (!p) { d[y] = splat8(0); continue; }
            v8 q = lanes == 8 ? load8(p + c) : load_n(p + c, lanes);
            d[y] = read ? activate8((q - mean) * scale, slope) : q;
        }
        bt6(d, o);
        for (int y = 0; y < 6; y++) t[y][x] = o[y];
    }
    for (int y = 0; y < 6; y++) {
        v8 o[6];
        bt6(t[y], o);
        for (int x = 0; x < 6; x++) {
            float *q = v + (6 * y + x) * v_stride + c;
            if (lanes == 8) store8(q, o[x]);
            else store_n(q, o[x], lanes);
        }
    }
}

static void winograd_input(const struct ctk_image *image, enum ctk_padding padding, ptrdiff_t pad,
                           const struct ctk_read *read, ptrdiff_t tiles_x, ptrdiff_t first, ptrdiff_t count, float *v,
                           ptrdiff_t v_stride) {
    ptrdiff_t channels = image->channels, h = image->height, w = image->width;
    const struct ctk_read *r = read && read->mean ? read : NULL;
    v8 slope = splat8(r ? r->slope : 0);
    for (ptrdiff_t i = 0; i < count; i++, v += channels) {
        ptrdiff_t ty = (first + i) / tiles_x, tx = (first + i) % tiles_x;
        const float *px[36];
        ptrdiff_t y0 = 4 * ty - pad, x0 = 4 * tx - pad;
        ptrdiff_t sx[6];
        for (int x = 0; x < 6; x++) sx[x] = resolve(x0 + x, w, padding);
        for (int y = 0; y < 6; y++) {
            ptrdiff_t sy = resolve(y0 + y, h, padding);
            const float *row = image->data + (sy - image->first_row) * image->row_stride;
            for (int x = 0; x < 6; x++) px[6 * y + x] = sy < 0 || sx[x] < 0 ? NULL : row + sx[x] * channels;
        }
        ptrdiff_t c = 0;
        if (r) {
            for (; c + 8 <= channels; c += 8) input_tile(px, c, 8, r, slope, v, v_stride);
            if (c < channels) input_tile(px, c, channels - c, r, slope, v, v_stride);
        } else {
            for (; c + 8 <= channels; c += 8) input_tile(px, c, 8, NULL, slope, v, v_stride);
            if (c < channels) input_tile(px, c, channels - c, NULL, slope, v, v_stride);
        }
    }
}

/// Adds the statistics of up to sixteen values of eight channels: the sum, and the sum of squares put together in
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

INLINE void output_tile(const float *m, ptrdiff_t m_stride, ptrdiff_t c, ptrdiff_t lanes, ptrdiff_t rows,
                        ptrdiff_t columns, ptrdiff_t channels, const float *bias, float *y, ptrdiff_t y_row_stride,
                        double *sums) {
    v8 t[4][6], out[16];
    for (int x = 0; x < 6; x++) {
        v8 d[6], o[4];
        for (int i = 0; i < 6; i++) {
            const float *p = m + (6 * i + x) * m_stride + c;
            d[i] = lanes == 8 ? load8(p) : load_n(p, lanes);
        }
        at6(d, o);
        for (int i = 0; i < 4; i++) t[i][x] = o[i];
    }
    v8 b = !bias ? splat8(0) : lanes == 8 ? load8(bias + c) : load_n(bias + c, lanes);
    for (int i = 0; i < 4; i++) {
        at6(t[i], out + 4 * i);
        for (int x = 0; x < 4; x++) out[4 * i + x] += b;
    }
    int kept = 0;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t x = 0; x < columns; x++) {
            v8 o = out[4 * i + x];
            float *q = y + i * y_row_stride + x * channels + c;
            if (lanes == 8) store8(q, o);
            else store_n(q, o, lanes);
            out[kept++] = o;
        }
    if (sums) {
        if (kept == 16) add_statistics(out, 16, lanes, sums + c, sums + channels + c);
        else add_statistics(out, kept, lanes, sums + c, sums + channels + c);
    }
}

static void winograd_output(const float *m, ptrdiff_t m_stride, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                            ptrdiff_t tiles_x, ptrdiff_t first, ptrdiff_t count, const float *bias, float *y,
                            ptrdiff_t y_row_stride, double *sums) {
    for (ptrdiff_t i = 0; i < count; i++, m += channels) {
        ptrdiff_t y0 = 4 * ((first + i) / tiles_x), x0 = 4 * ((first + i) % tiles_x);
        ptrdiff_t rows = height - y0 < 4 ? height - y0 : 4, columns = width - x0 < 4 ? width - x0 : 4;
        float *q = y + y0 * y_row_stride + x0 * channels;
        ptrdiff_t c = 0;
        for (; c + 8 <= channels; c += 8) {
            if (rows == 4 && columns == 4) output_tile(m, m_stride, c, 8, 4, 4, channels, bias, q, y_row_stride, sums);
            else output_tile(m, m_stride, c, 8, rows, columns, channels, bias, q, y_row_stride, sums);
        }
        if (c < channels)
            output_tile(m, m_stride, c, channels - c, rows, columns, channels, bias, q, y_row_stride, sums);
    }
}

static void winograd_output_adjoint(const float *dy, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels,
                                    ptrdiff_t tiles_x, ptrdiff_t first, ptrdiff_t count, float *dm,
                                    ptrdiff_t m_stride) {
    for (ptrdiff_t i = 0; i < count; i++, dm += channels) {
        ptrdiff_t y0 = 4 * ((first + i) / tiles_x), x0 = 4 * ((first + i) % tiles_x);
        for (ptrdiff_t c = 0; c < channels; c += 8) {
            ptrdiff_t lanes = channels - c < 8 ? channels - c : 8;
            v8 t[6][4];
            for (int x = 0; x < 4; x++) {
                v8 d[4], o[6];
                for (int k = 0; k < 4; k++) {
                    const float *p = dy + ((y0 + k) * width + x0 + x) * channels + c;
                    d[k] = y0 + k >= height || x0 + x >= width ? splat8(0) : lanes == 8 ? load8(p) : load_n(p, lanes);
                }
                a4(d, o);
                for (int k = 0; k < 6; k++) t[k][x] = o[k];
            }
            for (int k = 0; k < 6; k++) {
                v8 o[6];
                a4(t[k], o);
                for (int x = 0; x < 6; x++) {
                    float *q = dm + (6 * k + x) * m_stride + c;
                    if (lanes == 8) store8(q, o[x]);
                    else store_n(q, o[x], lanes);
                }
            }
        }
    }
}

/// The matrix G, rows of three.
static const float winograd_g[6][3] = {
    {1.0f / 4, 0, 0},
    {-1.0f / 6, -1.0f / 6, -1.0f / 6},
    {-1.0f / 6, 1.0f / 6, -1.0f / 6},
    {1.0f / 24, 1.0f / 12, 1.0f / 6},
    {1.0f / 24, -1.0f / 12, 1.0f / 6},
    {0, 0, 1},
};

/// One application of G to three values.
INLINE void g3(v8 a, v8 b, v8 c, v8 o[6]) {
    v8 s = (a + c) * (-1.0f / 6), t = b * (1.0f / 6);
    v8 q = a * (1.0f / 24) + c * (1.0f / 6), r = b * (1.0f / 12);
    o[0] = a * 0.25f;
    o[1] = s - t;
    o[2] = s + t;
    o[3] = q + r;
    o[4] = q - r;
    o[5] = c;
}

/// One application of G^T to six values.
INLINE void gt6(const v8 d[6], v8 o[3]) {
    v8 s = (d[1] + d[2]) * (-1.0f / 6), t = (d[2] - d[1]) * (1.0f / 6);
    v8 q = d[3] + d[4], r = d[3] - d[4];
    o[0] = d[0] * 0.25f + s + q * (1.0f / 24);
    o[1] = t + r * (1.0f / 12);
    o[2] = s + q * (1.0f / 6) + d[5];
}

static void winograd_weights(const float *w, ptrdiff_t ci, ptrdiff_t first, ptrdiff_t last, ptrdiff_t co,
                             ptrdiff_t ci_stride, ptrdiff_t co_stride, int flip, float *u) {
    for (ptrdiff_t i = first; i < last; i++)
        for (ptrdiff_t o = 0; o < co; o += 8) {
            ptrdiff_t lanes = co - o < 8 ? co - o : 8;
            v8 g[9], t[3][6];
            for (int k = 0; k < 9; k++) {
                float e[8] = {0};
                for (ptrdiff_t l = 0; l < lanes; l++) e[l] = w[i * ci_stride + (o + l) * co_stride + (flip ? 8 - k : k)];
                g[k] = load8(e);
            }
            for (int x = 0; x < 3; x++) g3(g[x], g[3 + x], g[6 + x], t[x]);
            for (int a = 0; a < 6; a++) {
                v8 r[6];
                g3(t[0][a], t[1][a], t[2][a], r);
                for (int b = 0; b < 6; b++) {
                    float *q = u + ((6 * a + b) * ci + i) * co + o;
                    if (lanes == 8) store8(q, r[b]);
                    else store_n(q, r[b], lanes);
                }
            }
        }
}

static void winograd_weights_adjoint(const float *du, ptrdiff_t ci, ptrdiff_t first, ptrdiff_t last, ptrdiff_t co,
                                     float *dw) {
    for (ptrdiff_t i = first; i < last; i++)
        for (ptrdiff_t o = 0; o < co; o += 8) {
            ptrdiff_t lanes = co - o < 8 ? co - o : 8;
            v8 t[3][6];
            for (int b = 0; b < 6; b++) {
                v8 d[6], r[3];
                for (int a = 0; a < 6; a++) {
                    const float *q = du + ((6 * a + b) * ci + i) * co + o;
                    d[a] = lanes == 8 ? load8(q) : load_n(q, lanes);
                }
                gt6(d, r);
                for (int k = 0; k < 3; k++) t[k][b] = r[k];
            }
            for (int k = 0; k < 3; k++) {
                v8 r[3];
                gt6(t[k], r);
                for (int x = 0; x < 3; x++)
                    for (ptrdiff_t l = 0; l < lanes; l++) dw[((o + l) * ci + i) * 9 + 3 * k + x] = r[x][l];
            }
        }
}
