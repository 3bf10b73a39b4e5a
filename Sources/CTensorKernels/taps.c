// Weights between the order of their file, (output, input, tap) or (input, output, tap), and the order of the products,
// (tap, input, output). Sixteen output channels at a time through a small copy: the strides are large powers of two,
// and walking them directly would use one set of the cache over and over.
#include "CTensorKernels.h"

#include <string.h>

enum { LANES = CTK_PANEL, MOST_TAPS = 64 };

void ctk_pack_taps(const float *w, const struct ctk_taps *taps, ptrdiff_t ci, ptrdiff_t first, ptrdiff_t count,
                   float *panel) {
    float local[LANES][MOST_TAPS];
    ptrdiff_t width = count <= 8 ? 8 : LANES;
    memset(local, 0, sizeof local);
    for (ptrdiff_t i = 0; i < ci; i++) {
        for (ptrdiff_t o = 0; o < count; o++)
            memcpy(local[o], w + i * taps->input_stride + (first + o) * taps->output_stride,
                   (size_t)taps->kernel_taps * sizeof(float));
        const int *source = taps->sources;
        for (ptrdiff_t t = 0; t < taps->count; t++) {
            float *row = panel + (t * ci + i) * width;
            for (ptrdiff_t o = 0; o < width; o++) row[o] = 0;
            for (int s = 0; s < taps->source_counts[t]; s++)
                for (ptrdiff_t o = 0; o < width; o++) row[o] += local[o][source[s]];
            for (ptrdiff_t o = 0; o < width; o++) row[o] *= taps->scale;
            source += taps->source_counts[t];
        }
    }
}

void ctk_add_taps(const float *dense, const struct ctk_taps *taps, ptrdiff_t ci, ptrdiff_t co, ptrdiff_t first,
                  ptrdiff_t count, float *w) {
    float local[LANES][MOST_TAPS];
    for (ptrdiff_t i = 0; i < ci; i++) {
        float *target = w + i * taps->input_stride + first * taps->output_stride;
        size_t bytes = (size_t)taps->kernel_taps * sizeof(float);
        for (ptrdiff_t o = 0; o < count; o++) memcpy(local[o], target + o * taps->output_stride, bytes);
        const int *source = taps->sources;
        for (ptrdiff_t t = 0; t < taps->count; t++) {
            const float *row = dense + (t * ci + i) * co + first;
            for (int s = 0; s < taps->source_counts[t]; s++)
                for (ptrdiff_t o = 0; o < count; o++) local[o][source[s]] += row[o] * taps->scale;
            source += taps->source_counts[t];
        }
        for (ptrdiff_t o = 0; o < count; o++) memcpy(target + o * taps->output_stride, local[o], bytes);
    }
}
