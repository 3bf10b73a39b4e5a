// Weights between the order of their file, (output, input, tap) or (input, output, tap), and the order of the products,
// (cell, input, output). Sixteen output channels at a time through a small copy: the strides are large powers of two,
// and walking them directly would use one set of the cache over and over.
#include "CTensorKernels.h"

#include <string.h>

enum { LANES = CTK_PANEL, MOST_TAPS = 64 };

void ctk_pack_window(const float *w, const struct ctk_window *window, ptrdiff_t ci, ptrdiff_t first, ptrdiff_t count,
                     float *panel) {
    float local[LANES][MOST_TAPS];
    ptrdiff_t width = count <= 8 ? 8 : LANES;
    memset(local, 0, sizeof local);
    for (ptrdiff_t i = 0; i < ci; i++) {
        for (ptrdiff_t o = 0; o < count; o++)
            memcpy(local[o], w + i * window->input_stride + (first + o) * window->output_stride,
                   (size_t)window->kernel_taps * sizeof(float));
        const int *source = window->taps;
        for (ptrdiff_t t = 0; t < window->cells; t++) {
            float *row = panel + (t * ci + i) * width;
            for (ptrdiff_t o = 0; o < width; o++) row[o] = 0;
            for (int s = 0; s < window->tap_counts[t]; s++)
                for (ptrdiff_t o = 0; o < width; o++) row[o] += local[o][source[s]];
            for (ptrdiff_t o = 0; o < width; o++) row[o] *= window->scale;
            source += window->tap_counts[t];
        }
    }
}

void ctk_add_window(const float *dense, const struct ctk_window *window, ptrdiff_t ci, ptrdiff_t co, ptrdiff_t first,
                    ptrdiff_t count, float *w) {
    float local[LANES][MOST_TAPS];
    for (ptrdiff_t i = 0; i < ci; i++) {
        float *target = w + i * window->input_stride + first * window->output_stride;
        size_t bytes = (size_t)window->kernel_taps * sizeof(float);
        for (ptrdiff_t o = 0; o < count; o++) memcpy(local[o], target + o * window->output_stride, bytes);
        const int *source = window->taps;
        for (ptrdiff_t t = 0; t < window->cells; t++) {
            const float *row = dense + (t * ci + i) * co + first;
            for (int s = 0; s < window->tap_counts[t]; s++)
                for (ptrdiff_t o = 0; o < count; o++) local[o][source[s]] += row[o] * window->scale;
            source += window->tap_counts[t];
        }
        for (ptrdiff_t o = 0; o < count; o++) memcpy(target + o * window->output_stride, local[o], bytes);
    }
}
