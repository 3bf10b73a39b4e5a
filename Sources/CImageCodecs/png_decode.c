#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <png.h>

#include "buffer.h"

/// Rows of an interlaced image that are mapped together, so that they can be given back together.
#define BAND_BYTES ((size_t)1 << 20)

struct cic_png_decoder {
    png_structp png;
    png_infop info;
    const uint8_t *next;
    size_t left;
    int accept_damage;
    int reached_end;
    int is_broken;  // nothing more can be read, and that is accepted
    int is_deinterlaced;
    uint32_t width, height;
    uint32_t row;  // the next row to hand out
    size_t stride;
    int passes;
    size_t rows_per_band, band_count, band_bytes;
    uint8_t **bands;
    cic_status status;
    char error[CIC_MESSAGE_SIZE];
    char damage[CIC_MESSAGE_SIZE];
    char note[CIC_MESSAGE_SIZE];
};

static void on_error(png_structp png, png_const_charp text) {
    cic_png_decoder *decoder = png_get_error_ptr(png);
    decoder->status = decoder->reached_end ? CIC_TRUNCATED : CIC_CORRUPT;
    if (strstr(text, "emory")) decoder->status = CIC_NO_MEMORY;
    cic_set_message(decoder->error, decoder->reached_end ? "the file ends before the image does" : text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    cic_png_decoder *decoder = png_get_error_ptr(png);
    // Of the chunks that are read here, this one may be dropped when it is wrong, and the image goes on.
    if (strncmp(text, "tRNS", 4) == 0) {
        if (decoder->note[0] == 0) cic_set_message(decoder->note, text);
        return;
    }
    // Checksums that are wrong but accepted arrive here.
    int is_kept = decoder->accept_damage && decoder->damage[0] == 0 && strstr(text, "CRC");
    if (is_kept) cic_set_message(decoder->damage, text);
}

static void on_read(png_structp png, png_bytep target, size_t count) {
    cic_png_decoder *decoder = png_get_io_ptr(png);
    if (count > decoder->left) {
        decoder->reached_end = 1;
        png_error(png, "the file ends before the image does");
    }
    memcpy(target, decoder->next, count);
    decoder->next += count;
    decoder->left -= count;
}

cic_png_decoder *cic_png_open(
    const uint8_t *bytes, size_t count, int accept_damage, uint32_t max_side, size_t max_chunk_bytes) {
    cic_png_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning);
    if (decoder->png) decoder->info = png_create_info_struct(decoder->png);
    if (!decoder->info) {
        png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
        free(decoder);
        return NULL;
    }
    decoder->next = bytes;
    decoder->left = count;
    decoder->accept_damage = accept_damage;
    png_set_read_fn(decoder->png, decoder, on_read);
    png_set_user_limits(decoder->png, max_side, max_side);
    png_set_chunk_malloc_max(decoder->png, max_chunk_bytes);
    return decoder;
}

/// Everything but the image, its palette and its transparency is read by our own chunk walker or not at all.
static void ignore_other_chunks(png_structp png) {
    static const png_byte names[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
}

cic_status cic_png_read_header(cic_png_decoder *decoder, double file_gamma, cic_info *info) {
    png_structp png = decoder->png;
    if (setjmp(png_jmpbuf(png))) return decoder->status;
    ignore_other_chunks(png);
    png_set_benign_errors(png, 1);
    if (decoder->accept_damage) {
        png_set_crc_action(png, PNG_CRC_WARN_USE, PNG_CRC_WARN_DISCARD);
        // libpng loses the whole read that the end of the file cuts short: small reads lose little.
        png_set_compression_buffer_size(png, 64);
    }
    png_read_info(png, decoder->info);
    // Some warnings change nothing.
    if (png_get_valid(png, decoder->info, PNG_INFO_tRNS)) decoder->note[0] = 0;
    int colour_type = png_get_color_type(png, decoder->info);
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    if (file_gamma > 0) png_set_gamma(png, 2.2, file_gamma);
    decoder->passes = png_set_interlace_handling(png);
    png_read_update_info(png, decoder->info);
    int channels = png_get_channels(png, decoder->info);
    if (png_get_bit_depth(png, decoder->info) != 8 || (channels != 3 && channels != 4)) {
        cic_set_message(decoder->error, "its colour type is not one of PNG's");
        return CIC_UNSUPPORTED;
    }
    decoder->width = png_get_image_width(png, decoder->info);
    decoder->height = png_get_image_height(png, decoder->info);
    decoder->stride = (size_t)decoder->width * (size_t)channels;
    info->width = decoder->width;
    info->height = decoder->height;
    info->layout = channels == 4 ? CIC_RGBA : CIC_RGB;
    info->is_grey = !(colour_type & PNG_COLOR_MASK_COLOR);
    return CIC_OK;
}

static void fill_missing(const cic_png_decoder *decoder, uint8_t *rows, size_t row_count) {
    size_t count = row_count * decoder->stride;
    memset(rows, 128, count);
    if (decoder->stride == (size_t)decoder->width * 4) {
        for (size_t i = 3; i < count; i += 4) rows[i] = 255;
    }
}

static int map_bands(cic_png_decoder *decoder) {
    decoder->rows_per_band = decoder->stride >= BAND_BYTES ? 1 : BAND_BYTES / decoder->stride;
    decoder->band_count = (decoder->height + decoder->rows_per_band - 1) / decoder->rows_per_band;
    decoder->band_bytes = decoder->rows_per_band * decoder->stride;
    decoder->bands = calloc(decoder->band_count, sizeof *decoder->bands);
    if (!decoder->bands) return 0;
    for (size_t i = 0; i < decoder->band_count; i++) {
        void *band = mmap(NULL, decoder->band_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (band == MAP_FAILED) return 0;
        decoder->bands[i] = band;
        if (decoder->accept_damage) fill_missing(decoder, band, decoder->rows_per_band);
    }
    return 1;
}

static void unmap_band(cic_png_decoder *decoder, size_t index) {
    if (decoder->bands[index]) munmap(decoder->bands[index], decoder->band_bytes);
    decoder->bands[index] = NULL;
}

static uint8_t *row_of(const cic_png_decoder *decoder, size_t row) {
    return decoder->bands[row / decoder->rows_per_band] + row % decoder->rows_per_band * decoder->stride;
}

/// All seven passes, into bands that are handed out, and given back, row by row.
static cic_status deinterlace(cic_png_decoder *decoder) {
    if (!map_bands(decoder)) {
        cic_set_message(decoder->error, "memory is short");
        return CIC_NO_MEMORY;
    }
    if (setjmp(png_jmpbuf(decoder->png))) return decoder->status;
    for (int pass = 0; pass < decoder->passes; pass++) {
        for (size_t row = 0; row < decoder->height; row++) {
            // In a damaged file the coarse passes show as blocks; in a sound one every pixel is overwritten.
            if (decoder->accept_damage) png_read_row(decoder->png, NULL, row_of(decoder, row));
            else png_read_row(decoder->png, row_of(decoder, row), NULL);
        }
    }
    return CIC_OK;
}

/// Decides whether a failure ends the decoding.
static cic_status settle(cic_png_decoder *decoder, cic_status status) {
    if (status == CIC_OK || status == CIC_NO_MEMORY || !decoder->accept_damage) return status;
    if (decoder->damage[0] == 0) cic_set_message(decoder->damage, decoder->error);
    decoder->is_broken = 1;
    return CIC_OK;
}

static cic_status read_in_order(cic_png_decoder *decoder, uint8_t *rows, size_t row_count) {
    if (setjmp(png_jmpbuf(decoder->png))) return decoder->status;
    uint32_t end = decoder->row + (uint32_t)row_count;
    uint8_t *first = rows - (size_t)decoder->row * decoder->stride;
    for (; decoder->row < end; decoder->row++) {
        png_read_row(decoder->png, first + (size_t)decoder->row * decoder->stride, NULL);
    }
    return CIC_OK;
}

static cic_status read_deinterlaced(cic_png_decoder *decoder, uint8_t *rows, size_t row_count) {
    if (!decoder->is_deinterlaced) {
        decoder->is_deinterlaced = 1;
        cic_status status = settle(decoder, deinterlace(decoder));
        if (status != CIC_OK) return status;
    }
    for (size_t i = 0; i < row_count; i++, decoder->row++) {
        memcpy(rows + i * decoder->stride, row_of(decoder, decoder->row), decoder->stride);
        if ((decoder->row + 1) % decoder->rows_per_band == 0) {
            unmap_band(decoder, decoder->row / decoder->rows_per_band);
        }
    }
    return CIC_OK;
}

cic_status cic_png_read_rows(cic_png_decoder *decoder, uint8_t *rows, size_t row_count) {
    if (row_count > decoder->height - decoder->row) return CIC_CORRUPT;
    if (decoder->passes > 1) return read_deinterlaced(decoder, rows, row_count);
    uint32_t first = decoder->row;
    cic_status status = CIC_OK;
    if (!decoder->is_broken) status = settle(decoder, read_in_order(decoder, rows, row_count));
    if (decoder->is_broken) {
        size_t done = decoder->row - first;
        fill_missing(decoder, rows + done * decoder->stride, row_count - done);
        decoder->row = first + (uint32_t)row_count;
    }
    return status;
}

static cic_status read_end(cic_png_decoder *decoder) {
    if (setjmp(png_jmpbuf(decoder->png))) return decoder->status;
    png_read_end(decoder->png, NULL);
    return CIC_OK;
}

cic_status cic_png_finish(cic_png_decoder *decoder) {
    if (decoder->is_broken) return CIC_OK;
    return settle(decoder, read_end(decoder));
}

const char *cic_png_error(const cic_png_decoder *decoder) { return decoder->error; }
const char *cic_png_damage(const cic_png_decoder *decoder) { return decoder->damage; }
const char *cic_png_note(const cic_png_decoder *decoder) { return decoder->note; }

void cic_png_close(cic_png_decoder *decoder) {
    if (decoder->bands) {
        for (size_t i = 0; i < decoder->band_count; i++) unmap_band(decoder, i);
        free(decoder->bands);
    }
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    free(decoder);
}
