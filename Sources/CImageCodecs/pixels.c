#include <string.h>

#include "decoder.h"

/// Where pixel (x, y) of a width x height image goes: first + x * step_x + y * step_y, in pixels.
typedef struct {
    ptrdiff_t first, step_x, step_y;
} placement;

/// EXIF 2.32, tag 0x0112: which edges of the picture row 0 and column 0 are.
static placement placement_of(int orientation, ptrdiff_t width, ptrdiff_t height) {
    ptrdiff_t last_x = width - 1, last_y = height - 1;
    switch (orientation) {
    case 2: return (placement){last_x, -1, width};
    case 3: return (placement){last_y * width + last_x, -1, -width};
    case 4: return (placement){last_y * width, 1, -width};
    case 5: return (placement){0, height, 1};
    case 6: return (placement){last_y, height, -1};
    case 7: return (placement){last_x * height + last_y, -height, -1};
    case 8: return (placement){last_x * height, -height, 1};
    default: return (placement){0, 1, width};
    }
}

void cic_place_rows(const uint8_t *rows, size_t first_row, size_t row_count, size_t width, size_t height,
                    size_t channels, int orientation, uint8_t *image) {
    placement at = placement_of(orientation, (ptrdiff_t)width, (ptrdiff_t)height);
    ptrdiff_t start = at.first + (ptrdiff_t)first_row * at.step_y;
    if (at.step_x == 1) {
        for (size_t y = 0; y < row_count; y++) {
            ptrdiff_t to = start + (ptrdiff_t)y * at.step_y;
            memcpy(image + to * (ptrdiff_t)channels, rows + y * width * channels, width * channels);
        }
        return;
    }
    // The rows of a strip lie side by side in the turned image: going down the strip first writes whole cache lines.
    for (size_t x = 0; x < width; x++) {
        for (size_t y = 0; y < row_count; y++) {
            const uint8_t *from = rows + (y * width + x) * channels;
            ptrdiff_t to = start + (ptrdiff_t)x * at.step_x + (ptrdiff_t)y * at.step_y;
            uint8_t *target = image + to * (ptrdiff_t)channels;
            for (size_t c = 0; c < channels; c++) target[c] = from[c];
        }
    }
}

void cic_split_rgba(const uint8_t *rgba, size_t count, uint8_t *rgb, uint8_t *alpha) {
    for (size_t i = 0; i < count; i++) {
        uint8_t r = rgba[4 * i], g = rgba[4 * i + 1], b = rgba[4 * i + 2], a = rgba[4 * i + 3];
        rgb[3 * i] = r;
        rgb[3 * i + 1] = g;
        rgb[3 * i + 2] = b;
        alpha[i] = a;
    }
}

void cic_cmyk_to_rgb(const uint8_t *cmyk, size_t count, uint8_t *rgb) {
    for (size_t i = 0; i < count; i++) {
        unsigned c = cmyk[4 * i], m = cmyk[4 * i + 1], y = cmyk[4 * i + 2], k = cmyk[4 * i + 3];
        rgb[3 * i] = (uint8_t)((c * k + 127) / 255);
        rgb[3 * i + 1] = (uint8_t)((m * k + 127) / 255);
        rgb[3 * i + 2] = (uint8_t)((y * k + 127) / 255);
    }
}

void cic_premultiply(const uint8_t *rgb, const uint8_t *alpha, size_t count, uint8_t *rgba) {
    for (size_t i = 0; i < count; i++) {
        unsigned a = alpha[i];
        for (size_t c = 0; c < 3; c++) rgba[4 * i + c] = (uint8_t)((rgb[3 * i + c] * a + 127) / 255);
        rgba[4 * i + 3] = (uint8_t)a;
    }
}

void cic_unpremultiply(const uint8_t *rgba, size_t count, uint8_t *rgb, uint8_t *alpha) {
    for (size_t i = 0; i < count; i++) {
        unsigned a = rgba[4 * i + 3];
        alpha[i] = (uint8_t)a;
        if (a == 0) continue;
        for (size_t c = 0; c < 3; c++) {
            unsigned value = 255u * rgba[4 * i + c] / a;
            rgb[3 * i + c] = value > 255 ? 255 : (uint8_t)value;
        }
    }
}

void cic_unpremultiply_rgba(uint8_t *rgba, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unsigned a = rgba[4 * i + 3];
        if (a == 0 || a == 255) continue;
        for (size_t c = 0; c < 3; c++) {
            unsigned value = (255u * rgba[4 * i + c] + a / 2) / a;
            rgba[4 * i + c] = value > 255 ? 255 : (uint8_t)value;
        }
    }
}
