// Antialiased separable resampling in fixed point: when shrinking, the filter is stretched by the scale, so that every
// source pixel counts. The rounding follows Pillow's 8-bit path (22 fractional bits, rows first), so that results
// agree.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CImageCodecs.h"

#define FRACTION_BITS 22

typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint8_t u8x4 __attribute__((vector_size(4)));

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
#define HAS_AVX2 __builtin_cpu_supports("avx2")
#else
#define AVX2
#define HAS_AVX2 0
#endif
#define INLINE static inline __attribute__((always_inline))

/// The weights of one axis: output i is the sum over k < count[i] of weight[i * taps + k] * source[first[i] + k].
typedef struct {
    size_t taps;
    size_t *first;
    size_t *count;
    int32_t *weight;
} axis;

static double sinc(double x) { return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x); }

static double filter_value(cic_filter filter, double x) {
    x = fabs(x);
    if (filter == CIC_LANCZOS3) return x < 3 ? sinc(x) * sinc(x / 3) : 0;
    // Keys' cubic convolution with a = -1/2.
    const double a = -0.5;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static void axis_free(axis *self) {
    free(self->first);
    free(self->count);
    free(self->weight);
}

static int axis_make(axis *self, size_t source, size_t target, cic_filter filter) {
    double scale = (double)source / (double)target;
    double stretch = scale > 1 ? scale : 1;
    double reach = (filter == CIC_LANCZOS3 ? 3 : 2) * stretch;
    self->taps = (size_t)ceil(reach) * 2 + 1;
    self->first = malloc(target * sizeof *self->first);
    self->count = malloc(target * sizeof *self->count);
    self->weight = calloc(target * self->taps, sizeof *self->weight);
    double *exact = malloc(self->taps * sizeof *exact);
    int is_made = self->first && self->count && self->weight && exact;
    for (size_t i = 0; is_made && i < target; i++) {
        double centre = ((double)i + 0.5) * scale;
        double low = floor(centre - reach + 0.5), high = floor(centre + reach + 0.5);
        size_t first = low < 0 ? 0 : (size_t)low;
        size_t end = high > (double)source ? source : (size_t)high;
        double sum = 0;
        for (size_t k = 0; k < end - first; k++) {
            exact[k] = filter_value(filter, ((double)(first + k) - centre + 0.5) / stretch);
            sum += exact[k];
        }
        for (size_t k = 0; k < end - first; k++) {
            double weight = sum != 0 ? exact[k] / sum : exact[k];
            self->weight[i * self->taps + k] = (int32_t)lround(weight * (1 << FRACTION_BITS));
        }
        self->first[i] = first;
        self->count[i] = end - first;
    }
    free(exact);
    return is_made;
}

INLINE uint8_t rounded(int32_t sum) {
    sum >>= FRACTION_BITS;
    return sum < 0 ? 0 : sum > 255 ? 255 : (uint8_t)sum;
}

/// One row across, four bytes a pixel.
INLINE void across_body(const uint8_t *padded, const axis *x, size_t width, size_t channels, uint8_t *target) {
    for (size_t i = 0; i < width; i++) {
        const uint8_t *from = padded + x->first[i] * 4;
        const int32_t *weight = x->weight + i * x->taps;
        const int32_t half = 1 << (FRACTION_BITS - 1);
        i32x4 sum = {half, half, half, half};
        for (size_t k = 0; k < x->count[i]; k++) {
            u8x4 pixel;
            memcpy(&pixel, from + 4 * k, 4);
            sum += __builtin_convertvector(pixel, i32x4) * weight[k];
        }
        for (size_t c = 0; c < channels; c++) target[i * channels + c] = rounded(sum[c]);
    }
}

/// One row down: `count` samples of rows that lie `stride` apart.
INLINE void down_body(const uint8_t *rows, size_t stride, const int32_t *weight, size_t taps, size_t count,
                      int32_t *sums, uint8_t *target) {
    for (size_t i = 0; i < count; i++) sums[i] = 1 << (FRACTION_BITS - 1);
    for (size_t k = 0; k < taps; k++) {
        const uint8_t *row = rows + k * stride;
        int32_t factor = weight[k];
        for (size_t i = 0; i < count; i++) sums[i] += row[i] * factor;
    }
    for (size_t i = 0; i < count; i++) target[i] = rounded(sums[i]);
}

static void across_portable(const uint8_t *padded, const axis *x, size_t width, size_t channels, uint8_t *target) {
    across_body(padded, x, width, channels, target);
}

AVX2 static void across_avx2(const uint8_t *padded, const axis *x, size_t width, size_t channels, uint8_t *target) {
    across_body(padded, x, width, channels, target);
}

static void down_portable(const uint8_t *rows, size_t stride, const int32_t *weight, size_t taps, size_t count,
                          int32_t *sums, uint8_t *target) {
    down_body(rows, stride, weight, taps, count, sums, target);
}

AVX2 static void down_avx2(const uint8_t *rows, size_t stride, const int32_t *weight, size_t taps, size_t count,
                           int32_t *sums, uint8_t *target) {
    down_body(rows, stride, weight, taps, count, sums, target);
}

/// Spreads a row to four bytes a pixel, which one vector load then takes.
static void pad_row(const uint8_t *row, size_t width, size_t channels, uint8_t *padded) {
    if (channels == 4) {
        memcpy(padded, row, width * 4);
        return;
    }
    for (size_t i = 0; i < width; i++) {
        for (size_t c = 0; c < channels; c++) padded[4 * i + c] = row[i * channels + c];
    }
}

static int resample_across(const uint8_t *source, size_t width, size_t height, size_t channels, uint8_t *target,
                           size_t target_width, cic_filter filter) {
    axis x = {0};
    uint8_t *padded = calloc(width, 4);
    int is_done = axis_make(&x, width, target_width, filter) && padded;
    for (size_t row = 0; is_done && row < height; row++) {
        pad_row(source + row * width * channels, width, channels, padded);
        (HAS_AVX2 ? across_avx2 : across_portable)(padded, &x, target_width, channels,
                                                   target + row * target_width * channels);
    }
    free(padded);
    axis_free(&x);
    return is_done;
}

/// Samples of a row that are summed together: their sums stay in the first-level cache.
#define SEGMENT 4096

static int resample_down(const uint8_t *source, size_t stride, size_t height, uint8_t *target, size_t target_height,
                         cic_filter filter) {
    axis y = {0};
    int32_t *sums = malloc(SEGMENT * sizeof *sums);
    int is_done = axis_make(&y, height, target_height, filter) && sums;
    for (size_t row = 0; is_done && row < target_height; row++) {
        for (size_t start = 0; start < stride; start += SEGMENT) {
            size_t count = stride - start < SEGMENT ? stride - start : SEGMENT;
            (HAS_AVX2 ? down_avx2 : down_portable)(source + y.first[row] * stride + start, stride,
                                                   y.weight + row * y.taps, y.count[row], count, sums,
                                                   target + row * stride + start);
        }
    }
    free(sums);
    axis_free(&y);
    return is_done;
}

cic_status cic_resample(const uint8_t *source, size_t width, size_t height, size_t channels, uint8_t *target,
                        size_t target_width, size_t target_height, cic_filter filter) {
    int is_across = target_width != width, is_down = target_height != height;
    if (!is_across && !is_down) {
        memcpy(target, source, width * height * channels);
        return CIC_OK;
    }
    if (!is_down) {
        int done = resample_across(source, width, height, channels, target, target_width, filter);
        return done ? CIC_OK : CIC_NO_MEMORY;
    }
    size_t stride = target_width * channels;
    if (!is_across) {
        int done = resample_down(source, stride, height, target, target_height, filter);
        return done ? CIC_OK : CIC_NO_MEMORY;
    }
    uint8_t *between = malloc(height * stride);
    int done = between && resample_across(source, width, height, channels, between, target_width, filter) &&
               resample_down(between, stride, height, target, target_height, filter);
    free(between);
    return done ? CIC_OK : CIC_NO_MEMORY;
}
