#include "tiff_samples.h"

#include <math.h>
#include <string.h>

size_t cic_samples_row_bytes(const cic_samples *samples, size_t count) { return (count * samples->bits + 7) / 8; }

/// IEEE 754 binary16.
static double half_value(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double value = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31) value = fraction ? NAN : INFINITY;
    return half & 0x8000 ? -value : value;
}

static double float_value(const uint8_t *from, int bits) {
    if (bits == 64) {
        double value;
        memcpy(&value, from, sizeof value);
        return value;
    }
    if (bits == 32) {
        float value;
        memcpy(&value, from, sizeof value);
        return value;
    }
    uint16_t value;
    memcpy(&value, from, sizeof value);
    return half_value(value);
}

static void unpack_floats(cic_samples *samples, const uint8_t *row, size_t count, uint8_t *target) {
    double scale = 255 / (samples->high - samples->low);
    size_t size = samples->bits / 8;
    for (size_t i = 0; i < count; i++) {
        double value = (float_value(row + i * size, samples->bits) - samples->low) * scale;
        if (value > 255.5) samples->is_cut = 1;
        // Also what is no number is black.
        target[i] = value > 0 ? (value < 255 ? (uint8_t)(value + 0.5) : 255) : 0;
    }
}

static void unpack_integers(const cic_samples *samples, const uint8_t *row, size_t count, uint8_t *target) {
    size_t size = samples->bits / 8;
    // A signed sample's negative half is darker than black.
    uint64_t white = ((uint64_t)1 << (samples->bits - (samples->kind == CIC_SIGNED))) - 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;
        if (size == 1) {
            value = row[i];
        } else if (size == 2) {
            uint16_t narrow;
            memcpy(&narrow, row + 2 * i, sizeof narrow);
            value = narrow;
        } else {
            uint32_t wide;
            memcpy(&wide, row + 4 * i, sizeof wide);
            value = wide;
        }
        if (samples->kind == CIC_SIGNED && value > white) value = 0;
        target[i] = (uint8_t)((value * 255 + white / 2) / white);
    }
}

/// Samples that are no whole bytes, the highest bit first.
static void unpack_bits(const cic_samples *samples, const uint8_t *row, size_t count, uint8_t *target) {
    unsigned bits = samples->bits, white = (1u << bits) - 1;
    for (size_t i = 0; i < count; i++) {
        unsigned value = 0;
        for (size_t bit = i * bits; bit < (i + 1) * bits; bit++) {
            value = value << 1 | (row[bit / 8] >> (7 - bit % 8) & 1);
        }
        target[i] = (uint8_t)(samples->is_palette ? value : (value * 255 + white / 2) / white);
    }
}

void cic_samples_unpack(cic_samples *samples, const uint8_t *row, size_t count, uint8_t *target) {
    if (samples->kind == CIC_FLOAT)
        unpack_floats(samples, row, count, target);
    else if (samples->bits == 8 && samples->kind == CIC_UNSIGNED)
        memcpy(target, row, count);
    else if (samples->bits % 8 == 0 && samples->bits != 24)
        unpack_integers(samples, row, count, target);
    else
        unpack_bits(samples, row, count, target);
}

/// Colour sample `k` of a pixel.
static inline void place_colour(const cic_samples *samples, uint8_t value, size_t k, uint8_t *pixel) {
    if (samples->is_palette) {
        memcpy(pixel, samples->palette[value], 3);
        return;
    }
    if (samples->is_inverted) value = 255 - value;
    if (samples->colours == 1)
        pixel[0] = pixel[1] = pixel[2] = value;
    else
        pixel[k] = value;
}

void cic_samples_place(const cic_samples *samples, const uint8_t *row, size_t pixel_count, size_t first, size_t in_row,
                       uint8_t *pixels, size_t channels) {
    size_t end = first + in_row;
    int has_alpha = samples->alpha >= 0 && channels == 4 && samples->colours != 4;
    for (size_t i = 0; i < pixel_count; i++) {
        const uint8_t *from = row + i * in_row;
        uint8_t *pixel = pixels + i * channels;
        for (size_t k = first; k < end && k < samples->colours; k++) place_colour(samples, from[k - first], k, pixel);
        if (has_alpha && (size_t)samples->alpha >= first && (size_t)samples->alpha < end) {
            pixel[3] = from[(size_t)samples->alpha - first];
        }
    }
}
