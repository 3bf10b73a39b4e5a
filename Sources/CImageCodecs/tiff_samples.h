// Samples of every size and kind that a TIFF may hold, as 8 bits.

#ifndef CIC_TIFF_SAMPLES_H
#define CIC_TIFF_SAMPLES_H

#include "decoder.h"

typedef enum { CIC_UNSIGNED, CIC_SIGNED, CIC_FLOAT } cic_sample_kind;

typedef struct {
    cic_sample_kind kind;
    uint16_t bits;    // a sample
    uint16_t count;   // samples a pixel
    uint16_t colours; // 1 (grey or palette), 3 or 4
    int alpha;        // the sample that is alpha, or -1
    int is_premultiplied;
    int is_inverted; // the colours' highest value is dark
    int is_palette;
    double low, high; // of floating-point samples: black and white
    int is_cut;       // floating-point samples beyond white were met
    uint8_t palette[256][3];
} cic_samples;

/// Bytes of a row with `count` samples.
size_t cic_samples_row_bytes(const cic_samples *samples, size_t count);
/// `count` samples of a row, in the machine's byte order, to 8 bits each; a palette's stay indices.
void cic_samples_unpack(cic_samples *samples, const uint8_t *row, size_t count, uint8_t *target);
/// Unpacked samples into pixels of `channels` bytes. A row holds the samples `first` to `first + in_row - 1` of each
/// pixel.
void cic_samples_place(const cic_samples *samples, const uint8_t *row, size_t pixel_count, size_t first, size_t in_row,
                       uint8_t *pixels, size_t channels);

#endif
