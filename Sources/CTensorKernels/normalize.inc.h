// Instance normalisation's statistics, normalisation with activation and residual, tanh.

static void statistics(ptrdiff_t rows, ptrdiff_t c, const float *x, ptrdiff_t stride, double *sums) {
    for (ptrdiff_t j = 0; j < c; j += 8) {
        ptrdiff_t lanes = c - j < 8 ? c - j : 8;
        for (ptrdiff_t r = 0; r < rows; r += 16) {
            v8 y[16];
            int n = rows - r < 16 ? (int)(rows - r) : 16;
            for (int i = 0; i < n; i++) {
                const float *p = x + (r + i) * stride + j;
                y[i] = lanes == 8 ? load8(p) : load_n(p, lanes);
            }
            add_statistics(y, n, lanes, sums + j, sums + c + j);
        }
    }
}

static void normalize(ptrdiff_t rows, ptrdiff_t c, const float *x, const struct ctk_read *read, const float *residual,
                      float *y) {
    v8 slope = splat8(read->slope);
    for (ptrdiff_t p = 0; p < rows; p++, x += c, y += c) {
        ptrdiff_t j = 0;
        for (; j + 8 <= c; j += 8) {
            v8 v = read8(load8(x + j), read, j, slope);
            if (residual) v += load8(residual + j);
            store8(y + j, v);
        }
        for (; j < c; j++) y[j] = read1(x[j], read, j) + (residual ? residual[j] : 0);
        if (residual) residual += c;
    }
}

static void tanh_all(ptrdiff_t n, const float *x, float *y) {
    for (ptrdiff_t i = 0; i < n; i++) y[i] = tanhf(x[i]);
}

static void sum_taps(ptrdiff_t width, ptrdiff_t taps, ptrdiff_t outputs, const float *p, const float *bias, float *out) {
    ptrdiff_t row = taps * outputs;
    for (ptrdiff_t x = 0; x < width; x++, p += row, out += outputs)
        for (ptrdiff_t o = 0; o < outputs; o++) {
            float s = bias ? bias[o] : 0;
            for (ptrdiff_t k = 0; k < taps; k++) s += p[k * (row + outputs) + o];
            out[o] = s;
        }
}
