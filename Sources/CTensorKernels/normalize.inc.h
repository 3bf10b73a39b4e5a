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

/// xhat, and g = dy times the activation's slope there.
INLINE v8 activation_gradient(v8 x, v8 mean, v8 scale, v8 slope, v8 dy, v8 *xhat) {
    *xhat = (x - mean) * scale;
    return select8(*xhat > 0.0f, dy, dy * slope);
}

static void normalize_gradient_sums(ptrdiff_t rows, ptrdiff_t c, const float *x, const struct ctk_read *read,
                                    const float *dy, double *sums) {
    v8 slope = splat8(read->slope);
    for (ptrdiff_t j = 0; j < c; j += 8) {
        ptrdiff_t lanes = c - j < 8 ? c - j : 8;
        v8 mean = lanes == 8 ? load8(read->mean + j) : load_n(read->mean + j, lanes);
        v8 scale = lanes == 8 ? load8(read->scale + j) : load_n(read->scale + j, lanes);
        // Short sums in float, put together in double.
        for (ptrdiff_t r = 0; r < rows; r += 64) {
            v8 s = splat8(0), q = splat8(0);
            ptrdiff_t end = r + 64 < rows ? r + 64 : rows;
            for (ptrdiff_t i = r; i < end; i++) {
                const float *p = x + i * c + j, *d = dy + i * c + j;
                v8 xhat, g = activation_gradient(lanes == 8 ? load8(p) : load_n(p, lanes), mean, scale, slope,
                                                 lanes == 8 ? load8(d) : load_n(d, lanes), &xhat);
                s += g;
                q += g * xhat;
            }
            for (ptrdiff_t l = 0; l < lanes; l++) {
                sums[j + l] += s[l];
                sums[c + j + l] += q[l];
            }
        }
    }
}

static void normalize_gradient(ptrdiff_t rows, ptrdiff_t c, const float *x, const struct ctk_read *read,
                               const float *dy, const float *means, float *dx) {
    const float *mean_g = means, *mean_gx = means + c;
    v8 slope = splat8(read->slope);
    for (ptrdiff_t i = 0; i < rows; i++, x += c, dy += c, dx += c)
        for (ptrdiff_t j = 0; j < c; j += 8) {
            ptrdiff_t n = c - j < 8 ? c - j : 8;
            v8 xhat, scale = n == 8 ? load8(read->scale + j) : load_n(read->scale + j, n);
            v8 g = activation_gradient(n == 8 ? load8(x + j) : load_n(x + j, n),
                                       n == 8 ? load8(read->mean + j) : load_n(read->mean + j, n), scale, slope,
                                       n == 8 ? load8(dy + j) : load_n(dy + j, n), &xhat);
            v8 mg = n == 8 ? load8(mean_g + j) : load_n(mean_g + j, n);
            v8 mgx = n == 8 ? load8(mean_gx + j) : load_n(mean_gx + j, n);
            v8 r = scale * (g - mg - xhat * mgx);
            if (n == 8)
                store8(dx + j, r);
            else
                store_n(dx + j, r, n);
        }
}

static void add(ptrdiff_t n, float factor, const float *x, float *y) {
    for (ptrdiff_t i = 0; i < n; i++) y[i] += factor * x[i];
}

static void adam(ptrdiff_t n, const struct ctk_adam *step, const float *gradient, float *m, float *v,
                 float *parameter) {
    float rate = step->rate, beta1 = step->beta1, beta2 = step->beta2, epsilon = step->epsilon;
    float inverse = 1 / step->second_correction;
    for (ptrdiff_t i = 0; i < n; i++) {
        float g = gradient[i];
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        parameter[i] -= rate * m[i] / (sqrtf(v[i]) * inverse + epsilon);
    }
}

/// e^x for x in [-88, 0]: x = k ln 2 + r, a polynomial in r, and k put into the exponent.
INLINE v8 exp8(v8 x) {
    v8 k = x * 1.44269504f;
    i8 n = __builtin_convertvector(k - 0.5f, i8);
    v8 f = __builtin_convertvector(n, v8);
    v8 r = (x - f * 0.693359375f) + f * 2.12194440e-4f;
    v8 p = splat8(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * (v8)((n + 127) << 23);
}

INLINE v8 tanh8(v8 x) {
    v8 m = select8(x < 0.0f, -x, x);
    i8 nan = x != x;
    v8 e = exp8(select8(m < 20.0f, m, splat8(20)) * -2.0f);
    v8 large = (1.0f - e) / (1.0f + e);
    // Near zero the difference above cancels: the power series instead.
    v8 s = m * m;
    v8 p = s * (62.0f / 2835) - 17.0f / 315;
    p = p * s + 2.0f / 15;
    p = p * s - 1.0f / 3;
    v8 small = m + m * s * p;
    v8 y = select8(m < 0.25f, small, large);
    return select8(nan, x, select8(x < 0.0f, -y, y));
}

static void tanh_all(ptrdiff_t n, const float *x, float *y) {
    ptrdiff_t i = 0;
    for (; i + 8 <= n; i += 8) store8(y + i, tanh8(load8(x + i)));
    if (i < n) store_n(y + i, tanh8(load_n(x + i, n - i)), n - i);
}

typedef float v4 __attribute__((vector_size(16), aligned(4)));

static void sum_taps(ptrdiff_t width, ptrdiff_t taps, ptrdiff_t outputs, const float *p, ptrdiff_t p_stride,
                     const float *bias, float *out) {
    ptrdiff_t step = p_stride + outputs;
    if (outputs <= 4) {
        v4 b = {0};
        for (ptrdiff_t o = 0; o < outputs; o++) b[o] = bias ? bias[o] : 0;
        for (ptrdiff_t x = 0; x < width; x++, p += p_stride, out += outputs) {
            v4 s = b;
            for (ptrdiff_t k = 0; k < taps; k++) s += *(const v4 *)(p + k * step);
            *(v4 *)out = s;
        }
        return;
    }
    for (ptrdiff_t x = 0; x < width; x++, p += p_stride, out += outputs)
        for (ptrdiff_t o = 0; o < outputs; o++) {
            float s = bias ? bias[o] : 0;
            for (ptrdiff_t k = 0; k < taps; k++) s += p[k * step + o];
            out[o] = s;
        }
}
