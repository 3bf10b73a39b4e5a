#include "decoder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

cic_status cic_read_header(cic_decoder *decoder, cic_info *info) {
    return decoder->operations->read_header(decoder, info);
}

cic_status cic_read_rows(cic_decoder *decoder, uint8_t *rows, size_t row_count) {
    return decoder->operations->read_rows(decoder, rows, row_count);
}

cic_status cic_finish(cic_decoder *decoder) { return decoder->operations->finish(decoder); }
void cic_close(cic_decoder *decoder) { decoder->operations->close(decoder); }

const char *cic_error(const cic_decoder *decoder) { return decoder->error; }
const char *cic_damage(const cic_decoder *decoder) { return decoder->damage; }
const char *cic_note(const cic_decoder *decoder) { return decoder->note; }

cic_status cic_refuse(cic_decoder *decoder, cic_status status, const char *text) {
    cic_set_message(decoder->error, text);
    return status;
}

int cic_has_room(uint64_t bytes) {
    void *probe = bytes < SIZE_MAX ? malloc((size_t)bytes) : NULL;
    free(probe);
    return probe != NULL;
}

// MARK: Canvas

int cic_canvas_map(cic_canvas *canvas, size_t stride, size_t height) {
    void *bytes = mmap(NULL, stride * height, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) return 0;
    *canvas = (cic_canvas){.bytes = bytes, .stride = stride, .height = height};
    return 1;
}

void cic_canvas_unmap(cic_canvas *canvas) {
    size_t size = canvas->stride * canvas->height;
    if (canvas->bytes && canvas->released < size) munmap(canvas->bytes + canvas->released, size - canvas->released);
    canvas->bytes = NULL;
}

uint8_t *cic_canvas_row(const cic_canvas *canvas, size_t row) { return canvas->bytes + row * canvas->stride; }

/// Pages are given back by the megabyte: each call into the kernel costs as much as many of them.
#define RELEASE_BYTES ((size_t)1 << 20)

void cic_canvas_take(cic_canvas *canvas, size_t row, size_t count, uint8_t *rows) {
    memcpy(rows, cic_canvas_row(canvas, row), count * canvas->stride);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t end = (row + count) * canvas->stride / page * page;
    if (end < canvas->released + RELEASE_BYTES) return;
    munmap(canvas->bytes + canvas->released, end - canvas->released);
    canvas->released = end;
}

void cic_fill_missing(uint8_t *rows, size_t count, cic_layout layout) {
    memset(rows, 128, count);
    if (layout != CIC_RGBA) return;
    for (size_t i = 3; i < count; i += 4) rows[i] = 255;
}

// MARK: Decoders of whole images

static size_t stride_of(const cic_info *info) { return (size_t)info->width * (info->layout == CIC_RGB ? 3 : 4); }

static cic_status decode_once(cic_canvas_decoder *self) {
    if (self->is_decoded) return CIC_OK;
    self->is_decoded = 1;
    size_t stride = stride_of(&self->info), height = self->info.height;
    if (!cic_canvas_map(&self->canvas, stride, height)) {
        return cic_refuse(&self->base, CIC_NO_MEMORY, "memory is short");
    }
    if (self->base.accept_damage) cic_fill_missing(self->canvas.bytes, stride * height, self->info.layout);
    cic_status status = self->decode(self);
    int is_damage = status == CIC_CORRUPT || status == CIC_TRUNCATED;
    if (!is_damage || !self->base.accept_damage) return status;
    cic_set_message(self->base.damage, self->base.error);
    return CIC_OK;
}

cic_status cic_canvas_read_rows(cic_decoder *decoder, uint8_t *rows, size_t row_count) {
    cic_canvas_decoder *self = (cic_canvas_decoder *)decoder;
    cic_status status = decode_once(self);
    if (status != CIC_OK) return status;
    if (row_count > self->info.height - self->row) return CIC_CORRUPT;
    cic_canvas_take(&self->canvas, self->row, row_count, rows);
    self->row += row_count;
    return CIC_OK;
}

cic_status cic_canvas_finish(cic_decoder *decoder) {
    (void)decoder;
    return CIC_OK;
}
