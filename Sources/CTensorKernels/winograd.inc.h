// Winograd's minimal filtering with tiles of six units a side, eight channels at a time: F(4x4,3x3) and F(3x3,4x4)
// (Lavin and Gray 2015, section 4.1). The interpolation points are 0, a, -a, b, -b with a = 1/sqrt(2) and b = sqrt(2):
// against the customary 0, 1, -1, 2, -2 they cost no multiplication more and halve the rounding error. The sixth
// element stands for infinity. A filter without its first tap vanishes at 0, one without its last at infinity: such
// elements are left out.

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

/// How many floats ahead of a load or a store its place is prefetched.
enum { PREFETCHED = 128 };

/// Where channel c of row i stands in a matrix in panels, or in rows.
INLINE ptrdiff_t matrix_offset(ptrdiff_t i, ptrdiff_t c, ptrdiff_t channels, ptrdiff_t panel_rows) {
    if (!panel_rows) return i * channels + c;
    return c / CTK_PANEL * CTK_PANEL * panel_rows + i * CTK_PANEL + c % CTK_PANEL;
}

/// Transforms 6x6 pixels (channels c..c+lanes) of one tile; what has no place in v is left out.
INLINE void input_tile(const float *const px[36], ptrdiff_t c, ptrdiff_t lanes, const struct ctk_read *read, v8 slope,
                       float *const *v, ptrdiff_t offset) {
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
            if (!p) {
                d[y] = splat8(0);
                continue;
            }
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
            if (!v[6 * y + x]) continue;
            float *q = v[6 * y + x] + offset;
            // The 36 places lie far apart: the processor does not foresee them by itself.
            __builtin_prefetch(q + PREFETCHED, 1, 3);
            if (lanes == 8)
                store8(q, o[x]);
            else
                store_n(q, o[x], lanes);
        }
    }
}

/// Whether row k of a tile (its elements begin `step` = 6 apart) or column k (`step` = 1) is read for any wanted
/// element: the first is read for the elements of 0 alone, the last for those of infinity.
INLINE int is_read(float *const *v, int k, int step) {
    if (k != 0 && k != 5) return 1;
    for (int i = 0; i < 6; i++)
        if (v[k * step + i * (7 - step)]) return 1;
    return 0;
}

static void winograd_input(const struct ctk_tiles *tiles, const struct ctk_image *image, enum ctk_padding padding,
                           const struct ctk_read *read, float *const *v, ptrdiff_t panel_rows) {
    const struct ctk_units *units = &tiles->units;
    ptrdiff_t tiles_x = tiles->columns, first = tiles->first, count = tiles->count;
    ptrdiff_t channels = image->channels, h = image->height, w = image->width;
    const struct ctk_read *r = read && read->mean ? read : NULL;
    v8 slope = splat8(r ? r->slope : 0);
    ptrdiff_t outputs = 7 - tiles->window;
    int reads_row[6], reads_column[6];
    for (int k = 0; k < 6; k++) {
        reads_row[k] = is_read(v, k, 6);
        reads_column[k] = is_read(v, k, 1);
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        ptrdiff_t ty = (first + i) / tiles_x, tx = (first + i) % tiles_x;
        const float *px[36];
        ptrdiff_t y0 = outputs * ty * units->step + units->y, x0 = outputs * tx * units->step + units->x;
        ptrdiff_t sx[6];
        for (int x = 0; x < 6; x++) sx[x] = reads_column[x] ? resolve(x0 + x * units->step, w, padding) : -1;
        for (int y = 0; y < 6; y++) {
            ptrdiff_t sy = reads_row[y] ? resolve(y0 + y * units->step, h, padding) : -1;
            const float *row = image->data + (sy - image->first_row) * image->row_stride;
            for (int x = 0; x < 6; x++) px[6 * y + x] = sy < 0 || sx[x] < 0 ? NULL : row + sx[x] * channels;
        }
        for (ptrdiff_t c = 0; c < channels; c += 8) {
            ptrdiff_t lanes = channels - c, to = matrix_offset(i, c, channels, panel_rows);
            if (lanes >= 8 && r)
                input_tile(px, c, 8, r, slope, v, to);
            else if (lanes >= 8)
                input_tile(px, c, 8, NULL, slope, v, to);
            else if (r)
                input_tile(px, c, lanes, r, slope, v, to);
            else
                input_tile(px, c, lanes, NULL, slope, v, to);
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

/// How many of the outputs of a tile that begins with unit `first` lie within an image `size` pixels high or wide.
INLINE ptrdiff_t units_inside(ptrdiff_t outputs, ptrdiff_t first, ptrdiff_t step, ptrdiff_t origin, ptrdiff_t size) {
    ptrdiff_t inside = (size - origin + step - 1) / step - first;
    return inside < outputs ? inside : outputs;
}

INLINE void output_tile(const int outputs, const float *const *m, ptrdiff_t offset, ptrdiff_t c, ptrdiff_t lanes,
                        ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channels, const float *bias, float *y,
                        ptrdiff_t y_row_stride, ptrdiff_t y_stride, double *sums) {
    v8 t[4][6], out[16];
    for (int x = 0; x < 6; x++) {
        v8 d[6], o[4];
        for (int i = 0; i < 6; i++) {
            const float *p = m[6 * i + x] + offset + c;
            d[i] = lanes == 8 ? load8(p) : load_n(p, lanes);
        }
        at6(outputs, d, o);
        for (int i = 0; i < outputs; i++) t[i][x] = o[i];
    }
    v8 b = !bias ? splat8(0) : lanes == 8 ? load8(bias + c) : load_n(bias + c, lanes);
    for (int i = 0; i < outputs; i++) {
        at6(outputs, t[i], out + outputs * i);
        for (int x = 0; x < outputs; x++) out[outputs * i + x] += b;
    }
    int kept = 0;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t x = 0; x < columns; x++) {
            v8 o = out[outputs * i + x];
            float *q = y + i * y_row_stride + x * y_stride + c;
            if (lanes == 8)
                store8(q, o);
            else
                store_n(q, o, lanes);
            out[kept++] = o;
        }
    if (sums) {
        if (kept == outputs * outputs)
            add_statistics(out, outputs * outputs, lanes, sums + c, sums + channels + c);
        else
            add_statistics(out, kept, lanes, sums + c, sums + channels + c);
    }
}

INLINE void output_tiles(const int outputs, const struct ctk_tiles *tiles, const float *const *m,
                         const struct ctk_target *y, const float *bias, double *sums, ptrdiff_t group) {
    const struct ctk_units *units = &tiles->units;
    ptrdiff_t tiles_x = tiles->columns, first = tiles->first, count = tiles->count;
    ptrdiff_t height = y->height, width = y->width, channels = y->channels;
    ptrdiff_t step = units->step, row = step * y->row_stride, stride = step * channels;
    for (ptrdiff_t i = 0; i < count; i++) {
        ptrdiff_t y0 = outputs * ((first + i) / tiles_x), x0 = outputs * ((first + i) % tiles_x);
        ptrdiff_t rows = units_inside(outputs, y0, step, units->y, height);
        ptrdiff_t columns = units_inside(outputs, x0, step, units->x, width);
        if (rows <= 0 || columns <= 0) continue;
        float *q = y->data + (y0 * step + units->y) * y->row_stride + (x0 * step + units->x) * channels;
        int whole = rows == outputs && columns == outputs;
        ptrdiff_t c = 0, offset = i * channels;
        double *set = sums ? sums + i / group * 2 * channels : NULL;
        for (; c + 8 <= channels; c += 8) {
            if (whole)
                output_tile(outputs, m, offset, c, 8, outputs, outputs, channels, bias, q, row, stride, set);
            else
                output_tile(outputs, m, offset, c, 8, rows, columns, channels, bias, q, row, stride, set);
        }
        if (c < channels)
            output_tile(outputs, m, offset, c, channels - c, rows, columns, channels, bias, q, row, stride, set);
    }
}

static void winograd_output(const struct ctk_tiles *tiles, const float *const *m, const struct ctk_target *y,
                            const float *bias, double *sums, ptrdiff_t group) {
    if (tiles->window == 3)
        output_tiles(4, tiles, m, y, bias, sums, group);
    else
        output_tiles(3, tiles, m, y, bias, sums, group);
}

INLINE void output_tiles_adjoint(const int outputs, const struct ctk_tiles *tiles, const struct ctk_image *image,
                                 float *const *dm, ptrdiff_t panel_rows) {
    const struct ctk_units *units = &tiles->units;
    ptrdiff_t step = units->step, tiles_x = tiles->columns, first = tiles->first, count = tiles->count;
    ptrdiff_t height = image->height, width = image->width, channels = image->channels, row = image->row_stride;
    const float *dy = image->data - image->first_row * row;
    for (ptrdiff_t i = 0; i < count; i++) {
        ptrdiff_t y0 = outputs * ((first + i) / tiles_x), x0 = outputs * ((first + i) % tiles_x);
        ptrdiff_t rows = units_inside(outputs, y0, step, units->y, height);
        ptrdiff_t columns = units_inside(outputs, x0, step, units->x, width);
        const float *q = dy + (y0 * step + units->y) * row + (x0 * step + units->x) * channels;
        for (ptrdiff_t c = 0; c < channels; c += 8) {
            ptrdiff_t lanes = channels - c < 8 ? channels - c : 8, to = matrix_offset(i, c, channels, panel_rows);
            v8 t[6][4];
            for (int x = 0; x < outputs; x++) {
                v8 d[4], o[6];
                for (int k = 0; k < outputs; k++) {
                    if (k >= rows || x >= columns) {
                        d[k] = splat8(0);
                        continue;
                    }
                    const float *p = q + k * step * row + x * step * channels + c;
                    d[k] = lanes == 8 ? load8(p) : load_n(p, lanes);
                }
                a6(outputs, d, o);
                for (int k = 0; k < 6; k++) t[k][x] = o[k];
            }
            for (int k = 0; k < 6; k++) {
                v8 o[6];
                a6(outputs, t[k], o);
                for (int x = 0; x < 6; x++) {
                    if (!dm[6 * k + x]) continue;
                    store8(dm[6 * k + x] + to, o[x]);
                }
            }
        }
    }
}

static void winograd_output_adjoint(const struct ctk_tiles *tiles, const struct ctk_image *dy, float *const *dm,
                                    ptrdiff_t panel_rows) {
    if (tiles->window == 3)
        output_tiles_adjoint(4, tiles, dy, dm, panel_rows);
    else
        output_tiles_adjoint(3, tiles, dy, dm, panel_rows);
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

/// Rows become columns.
INLINE void transpose8(v8 r[8]) {
    v8 t[8], q[8];
    UNROLL for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    UNROLL for (int i = 0; i < 8; i += 4) UNROLL for (int j = 0; j < 2; j++) {
        q[i + 2 * j] = __builtin_shufflevector(t[i + j], t[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        q[i + 2 * j + 1] = __builtin_shufflevector(t[i + j], t[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = __builtin_shufflevector(q[i], q[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(q[i], q[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/// The kernel's taps, 9 or 16 of them, for up to eight output channels `stride` apart: a vector of channels for each
/// tap.
INLINE void load_taps(const int count, const float *w, ptrdiff_t stride, ptrdiff_t lanes, v8 e[16]) {
    UNROLL for (int i = 0; i < 8; i++) e[i] = i < lanes ? load8(w + i * stride) : splat8(0);
    transpose8(e);
    if (count == 16) {
        UNROLL for (int i = 0; i < 8; i++) e[8 + i] = i < lanes ? load8(w + i * stride + 8) : splat8(0);
        transpose8(e + 8);
    } else {
        float last[8] = {0};
        for (ptrdiff_t i = 0; i < lanes; i++) last[i] = w[i * stride + 8];
        e[8] = load8(last);
    }
}

/// Adds a vector of up to eight output channels for each tap to the channels' taps.
INLINE void add_taps(const int count, v8 e[16], ptrdiff_t lanes, ptrdiff_t stride, float *w) {
    transpose8(e);
    if (count == 16) transpose8(e + 8);
    UNROLL for (int i = 0; i < 8; i++) {
        if (i >= lanes) break;
        float *to = w + i * stride;
        store8(to, load8(to) + e[i]);
        if (count == 16)
            store8(to + 8, load8(to + 8) + e[8 + i]);
        else
            to[8] += e[8][i];
    }
}

/// `side` x `side` cells of the window from `count` taps of the kernel.
INLINE void weights(const int side, const int count, const float *w, const struct ctk_window *window,
                    const struct ctk_channels *channels, int packed, const struct ctk_matrix *u) {
    ptrdiff_t ci = channels->inputs, co = channels->outputs, first = channels->first, last = channels->last;
    for (ptrdiff_t panel = first; panel < last; panel += CTK_PANEL) {
        // Where the panel's rows stand in each matrix.
        ptrdiff_t width = !packed ? co : co - panel <= 8 ? 8 : CTK_PANEL;
        float *rows[36];
        for (int k = 0; k < 36; k++)
            rows[k] = u[k].data ? u[k].data + panel * (packed ? u[k].rows : 1) + u[k].first * width : NULL;
        for (ptrdiff_t i = 0; i < ci; i++)
            for (ptrdiff_t o = panel; o < last && o < panel + CTK_PANEL; o += 8) {
                ptrdiff_t lanes = last - o < 8 ? last - o : 8;
                const float *from = w + i * window->input_stride + o * window->output_stride;
                v8 kernel[16], e[16], t[4][6];
                if (lanes == 8)
                    load_taps(count, from, window->output_stride, 8, kernel);
                else
                    load_taps(count, from, window->output_stride, lanes, kernel);
                const int *source = window->taps;
                for (int k = 0; k < side * side; k++) {
                    e[k] = splat8(0);
                    for (int n = window->tap_counts[k]; n > 0; n--) e[k] += kernel[*source++];
                    e[k] *= splat8(window->scale);
                }
                for (int x = 0; x < side; x++) {
                    v8 g[4];
                    for (int y = 0; y < side; y++) g[y] = e[y * side + x];
                    g6(side, g, t[x]);
                }
                for (int a = 0; a < 6; a++) {
                    v8 g[4], r[6];
                    for (int x = 0; x < side; x++) g[x] = t[x][a];
                    g6(side, g, r);
                    for (int b = 0; b < 6; b++) {
                        if (!rows[6 * a + b]) continue;
                        float *q = rows[6 * a + b] + i * width + o - panel;
                        __builtin_prefetch(q + PREFETCHED, 1, 3);
                        if (packed || lanes == 8)
                            store8(q, r[b]);
                        else
                            store_n(q, r[b], lanes);
                    }
                }
            }
    }
}

static void winograd_weights(const float *w, const struct ctk_window *window, const struct ctk_channels *channels,
                             int packed, const struct ctk_matrix *u) {
    if (window->cells == 16)
        weights(4, 16, w, window, channels, packed, u);
    else if (window->kernel_taps == 16)
        weights(3, 16, w, window, channels, packed, u);
    else
        weights(3, 9, w, window, channels, packed, u);
}

INLINE void weights_adjoint(const int side, const int count, const float *const *du, const struct ctk_window *window,
                            const struct ctk_channels *channels, float *dw) {
    ptrdiff_t ci = channels->inputs, first = channels->first, last = channels->last;
    for (ptrdiff_t panel = first; panel < last; panel += CTK_PANEL)
        for (ptrdiff_t i = 0; i < ci; i++)
            for (ptrdiff_t o = panel; o < last && o < panel + CTK_PANEL; o += 8) {
                ptrdiff_t lanes = last - o < 8 ? last - o : 8;
                v8 t[4][6], e[16], kernel[16];
                for (int b = 0; b < 6; b++) {
                    v8 d[6], r[4];
                    for (int a = 0; a < 6; a++) {
                        if (!du[6 * a + b]) {
                            d[a] = splat8(0);
                            continue;
                        }
                        const float *q = du[6 * a + b] + panel * ci + i * CTK_PANEL + o - panel;
                        __builtin_prefetch(q + PREFETCHED, 0, 3);
                        d[a] = load8(q);
                    }
                    gt6(side, d, r);
                    for (int k = 0; k < side; k++) t[k][b] = r[k];
                }
                for (int k = 0; k < side; k++) gt6(side, t[k], e + k * side);
                for (int k = 0; k < count; k++) kernel[k] = splat8(0);
                const int *source = window->taps;
                for (int k = 0; k < side * side; k++) {
                    v8 scaled = e[k] * splat8(window->scale);
                    for (int n = window->tap_counts[k]; n > 0; n--) kernel[*source++] += scaled;
                }
                float *to = dw + i * window->input_stride + o * window->output_stride;
                if (lanes == 8)
                    add_taps(count, kernel, 8, window->output_stride, to);
                else
                    add_taps(count, kernel, lanes, window->output_stride, to);
            }
}

static void winograd_weights_adjoint(const float *const *du, const struct ctk_window *window,
                                     const struct ctk_channels *channels, float *dw) {
    if (window->cells == 16)
        weights_adjoint(4, 16, du, window, channels, dw);
    else if (window->kernel_taps == 16)
        weights_adjoint(3, 16, du, window, channels, dw);
    else
        weights_adjoint(3, 9, du, window, channels, dw);
}
