// What every decoder has, and a canvas for those whose library hands out the whole image at once.

#ifndef CIC_DECODER_H
#define CIC_DECODER_H

#include "buffer.h"

typedef struct {
    cic_status (*read_header)(cic_decoder *, cic_info *);
    cic_status (*read_rows)(cic_decoder *, uint8_t *rows, size_t row_count);
    cic_status (*finish)(cic_decoder *);
    void (*close)(cic_decoder *);
} cic_operations;

/// The first member of each format's own decoder.
struct cic_decoder {
    const cic_operations *operations;
    int accept_damage;
    char error[CIC_MESSAGE_SIZE];
    char damage[CIC_MESSAGE_SIZE];
    char note[CIC_MESSAGE_SIZE];
};

/// Keeps a message and returns the status it belongs to.
cic_status cic_refuse(cic_decoder *decoder, cic_status status, const char *text);

/// Rows of bytes in pages of their own, which are given back as the rows are taken.
typedef struct {
    uint8_t *bytes;
    size_t stride, height;
    size_t released; // bytes at the beginning that have been given back
} cic_canvas;

/// 0 when memory is short. The bytes are zero.
int cic_canvas_map(cic_canvas *canvas, size_t stride, size_t height);
void cic_canvas_unmap(cic_canvas *canvas);
uint8_t *cic_canvas_row(const cic_canvas *canvas, size_t row);
/// Copies `count` rows from `row` on and gives back every page before their end.
void cic_canvas_take(cic_canvas *canvas, size_t row, size_t count, uint8_t *rows);
/// What missing rows look like: middle grey, opaque where there is alpha.
void cic_fill_missing(uint8_t *rows, size_t count, cic_layout layout);

/// A decoder that fills a canvas before the first row is read.
typedef struct cic_canvas_decoder cic_canvas_decoder;
struct cic_canvas_decoder {
    cic_decoder base;
    cic_info info;
    cic_canvas canvas;
    size_t row;
    int is_decoded;
    /// Fills `canvas`, which is mapped and, where damage is accepted, filled with what missing rows look like.
    cic_status (*decode)(cic_canvas_decoder *);
};

/// The two operations of such a decoder that are always alike.
cic_status cic_canvas_read_rows(cic_decoder *decoder, uint8_t *rows, size_t row_count);
cic_status cic_canvas_finish(cic_decoder *decoder);

/// Whether `bytes` more could be had. Libraries of C++ end the process where they cannot.
int cic_has_room(uint64_t bytes);

/// Colour divided by alpha, in place.
void cic_unpremultiply_rgba(uint8_t *rgba, size_t count);

#endif
