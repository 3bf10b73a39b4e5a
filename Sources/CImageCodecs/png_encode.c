#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "buffer.h"

typedef struct {
    png_structp png;
    png_infop info;
    cic_buffer *out;
    uint8_t *row;
    int is_out_of_memory;
    char *message;
} encoder;

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    encoder *self = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (!memory) self->is_out_of_memory = 1;
    return memory;
}

static void on_free(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

static void on_error(png_structp png, png_const_charp text) {
    encoder *self = png_get_error_ptr(png);
    cic_set_message(self->message, text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void on_write(png_structp png, png_bytep bytes, size_t count) {
    encoder *self = png_get_io_ptr(png);
    if (!cic_buffer_reserve(self->out, count)) {
        self->is_out_of_memory = 1;
        png_error(png, "out of memory");
    }
    memcpy(self->out->bytes + self->out->count, bytes, count);
    self->out->count += count;
}

static void on_flush(png_structp png) { (void)png; }

static void write_chunks(png_structp png, const uint8_t *chunks, size_t count) {
    while (count >= 8) {
        size_t length = (size_t)chunks[0] << 24 | (size_t)chunks[1] << 16 | (size_t)chunks[2] << 8 | chunks[3];
        if (length > count - 8) return;
        png_write_chunk(png, chunks + 4, chunks + 8, length);
        chunks += length + 8;
        count -= length + 8;
    }
}

static void interleave(const uint8_t *rgb, const uint8_t *alpha, size_t count, uint8_t *rgba) {
    for (size_t i = 0; i < count; i++) {
        rgba[4 * i] = rgb[3 * i];
        rgba[4 * i + 1] = rgb[3 * i + 1];
        rgba[4 * i + 2] = rgb[3 * i + 2];
        rgba[4 * i + 3] = alpha[i];
    }
}

static cic_status encode(encoder *self, const cic_image *image, int compression_level, cic_density density,
                         const uint8_t *chunks, size_t chunks_count) {
    png_structp png = self->png;
    if (setjmp(png_jmpbuf(png))) return self->is_out_of_memory ? CIC_NO_MEMORY : CIC_CORRUPT;
    png_set_write_fn(png, self, on_write, on_flush);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, self->info, image->width, image->height, 8,
                 image->alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB_gAMA_and_cHRM(png, self->info, PNG_sRGB_INTENT_PERCEPTUAL);
    if (density.x && density.y) png_set_pHYs(png, self->info, density.x, density.y, density.unit);
    png_set_compression_level(png, compression_level);
    // Photographs compress worst unfiltered; which of the predictors is best changes from row to row.
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB | PNG_FILTER_UP | PNG_FILTER_AVG | PNG_FILTER_PAETH);
    png_write_info(png, self->info);
    write_chunks(png, chunks, chunks_count);
    for (size_t row = 0; row < image->height; row++) {
        size_t offset = row * image->width;
        if (image->alpha) {
            interleave(image->rgb + 3 * offset, image->alpha + offset, image->width, self->row);
            png_write_row(png, self->row);
        } else {
            png_write_row(png, image->rgb + 3 * offset);
        }
    }
    png_write_end(png, NULL);
    return CIC_OK;
}

cic_status cic_png_encode(const cic_image *image, int compression_level, cic_density density, const uint8_t *chunks,
                          size_t chunks_count, cic_buffer *out, char message[CIC_MESSAGE_SIZE]) {
    *out = (cic_buffer){0};
    message[0] = 0;
    encoder *self = calloc(1, sizeof *self);
    uint8_t *row = image->alpha ? malloc((size_t)image->width * 4) : NULL;
    cic_status status = CIC_NO_MEMORY;
    if (self && (row || !image->alpha)) {
        self->out = out;
        self->row = row;
        self->message = message;
        self->png =
            png_create_write_struct_2(PNG_LIBPNG_VER_STRING, self, on_error, on_warning, self, on_malloc, on_free);
        if (self->png) self->info = png_create_info_struct(self->png);
        if (self->info) status = encode(self, image, compression_level, density, chunks, chunks_count);
        png_destroy_write_struct(&self->png, &self->info);
    }
    if (status == CIC_NO_MEMORY) cic_set_message(message, "memory is short");
    free(row);
    free(self);
    if (status != CIC_OK) cic_buffer_free(out);
    return status;
}
