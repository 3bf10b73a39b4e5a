#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "buffer.h"

typedef struct {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf on_error;
    cic_buffer *out;
    uint8_t *row;
    cic_status status;
    char *message;
} encoder;

static void on_error_exit(j_common_ptr jpeg) {
    encoder *self = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    cic_set_message(self->message, text);
    self->status = jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? CIC_NO_MEMORY : CIC_CORRUPT;
    longjmp(self->on_error, 1);
}

static void on_message(j_common_ptr jpeg, int level) {
    (void)jpeg;
    (void)level;
}

static void offer_room(j_compress_ptr jpeg) {
    encoder *self = jpeg->client_data;
    if (!cic_buffer_reserve(self->out, 65536)) ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
    jpeg->dest->next_output_byte = self->out->bytes + self->out->count;
    jpeg->dest->free_in_buffer = self->out->capacity - self->out->count;
}

static boolean on_buffer_full(j_compress_ptr jpeg) {
    encoder *self = jpeg->client_data;
    self->out->count = self->out->capacity;
    offer_room(jpeg);
    return TRUE;
}

static void on_end(j_compress_ptr jpeg) {
    encoder *self = jpeg->client_data;
    self->out->count = self->out->capacity - jpeg->dest->free_in_buffer;
}

static void write_segments(j_compress_ptr jpeg, const uint8_t *segments, size_t count) {
    while (count >= 4) {
        size_t length = (size_t)segments[2] << 8 | segments[3];
        if (segments[0] != 0xFF || length < 2 || length + 2 > count) return;
        jpeg_write_marker(jpeg, segments[1], segments + 4, (unsigned)(length - 2));
        segments += length + 2;
        count -= length + 2;
    }
}

static void flatten_on_white(const uint8_t *rgb, const uint8_t *alpha, size_t count, uint8_t *row) {
    for (size_t i = 0; i < count; i++) {
        unsigned a = alpha[i], white = 255 * (255 - a) + 127;
        for (size_t c = 0; c < 3; c++) row[3 * i + c] = (uint8_t)((rgb[3 * i + c] * a + white) / 255);
    }
}

static cic_status encode(encoder *self, const cic_image *image, int quality, int full_chroma, cic_density density,
                         const uint8_t *segments, size_t segments_count) {
    if (setjmp(self->on_error)) return self->status;
    j_compress_ptr jpeg = &self->jpeg;
    jpeg_create_compress(jpeg);
    jpeg->dest = &self->destination;
    jpeg->image_width = image->width;
    jpeg->image_height = image->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg->optimize_coding = TRUE;
    jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = full_chroma ? 1 : 2;
    if (density.x && density.y) {
        jpeg->density_unit = (UINT8)density.unit;
        jpeg->X_density = (UINT16)density.x;
        jpeg->Y_density = (UINT16)density.y;
    }
    jpeg_start_compress(jpeg, TRUE);
    write_segments(jpeg, segments, segments_count);
    while (jpeg->next_scanline < image->height) {
        size_t offset = (size_t)jpeg->next_scanline * image->width;
        JSAMPROW row = (JSAMPROW)image->rgb + 3 * offset;
        if (image->alpha) {
            flatten_on_white(image->rgb + 3 * offset, image->alpha + offset, image->width, self->row);
            row = self->row;
        }
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return CIC_OK;
}

cic_status cic_jpeg_encode(const cic_image *image, int quality, int full_chroma, cic_density density,
                           const uint8_t *segments, size_t segments_count, cic_buffer *out,
                           char message[CIC_MESSAGE_SIZE]) {
    *out = (cic_buffer){0};
    message[0] = 0;
    encoder *self = calloc(1, sizeof *self);
    uint8_t *row = image->alpha ? malloc((size_t)image->width * 3) : NULL;
    if (!self || (image->alpha && !row)) {
        free(self);
        free(row);
        cic_set_message(message, "memory is short");
        return CIC_NO_MEMORY;
    }
    self->out = out;
    self->row = row;
    self->message = message;
    self->jpeg.err = jpeg_std_error(&self->errors);
    self->errors.error_exit = on_error_exit;
    self->errors.emit_message = on_message;
    self->jpeg.client_data = self;
    self->destination.init_destination = offer_room;
    self->destination.empty_output_buffer = on_buffer_full;
    self->destination.term_destination = on_end;
    cic_status status = encode(self, image, quality, full_chroma, density, segments, segments_count);
    jpeg_destroy_compress(&self->jpeg);
    free(row);
    free(self);
    if (status != CIC_OK) cic_buffer_free(out);
    return status;
}
