#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "decoder.h"

typedef struct {
    cic_decoder base;
    png_structp png;
    png_infop info;
    const uint8_t *next;
    size_t left;
    double file_gamma;
    int is_out_of_memory;
    int reached_end;
    int is_broken; // nothing more can be read, and that is accepted
    int is_deinterlaced;
    uint32_t width, height;
    uint32_t row; // the next row to hand out
    cic_layout layout;
    size_t stride;
    int passes;
    cic_canvas canvas;                   // of an interlaced image
    char transparency[CIC_MESSAGE_SIZE]; // what is wrong with tRNS
    cic_status status;
} png_decoder;

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    png_decoder *decoder = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (!memory) decoder->is_out_of_memory = 1;
    return memory;
}

static void on_free(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

static const char cut_off[] = "the file ends before the image does";

static void on_error(png_structp png, png_const_charp text) {
    png_decoder *decoder = png_get_error_ptr(png);
    decoder->status = decoder->reached_end ? CIC_TRUNCATED : CIC_CORRUPT;
    if (decoder->is_out_of_memory) decoder->status = CIC_NO_MEMORY;
    cic_set_message(decoder->base.error, decoder->reached_end ? cut_off : text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    png_decoder *decoder = png_get_error_ptr(png);
    // Of the chunks that are read here, this one may be dropped when it is wrong, and the image goes on.
    if (strncmp(text, "tRNS", 4) == 0) {
        if (decoder->transparency[0] == 0) {
            snprintf(decoder->transparency, CIC_MESSAGE_SIZE, "its transparency was left out: %s", text);
        }
        return;
    }
    // Checksums that are wrong but accepted arrive here.
    int is_kept = decoder->base.accept_damage && decoder->base.damage[0] == 0 && strstr(text, "CRC");
    if (is_kept) cic_set_message(decoder->base.damage, text);
}

static void on_read(png_structp png, png_bytep target, size_t count) {
    png_decoder *decoder = png_get_io_ptr(png);
    if (count > decoder->left) {
        decoder->reached_end = 1;
        png_error(png, cut_off);
    }
    memcpy(target, decoder->next, count);
    decoder->next += count;
    decoder->left -= count;
}

/// Everything but the image, its palette and its transparency is read by our own chunk walker or not at all.
static void ignore_other_chunks(png_structp png) {
    static const png_byte names[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
}

static cic_status read_header(cic_decoder *base, cic_info *info) {
    png_decoder *decoder = (png_decoder *)base;
    png_structp png = decoder->png;
    if (setjmp(png_jmpbuf(png))) return decoder->status;
    ignore_other_chunks(png);
    png_set_benign_errors(png, 1);
    // Some writers announce a smaller window than they use.
    png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    if (base->accept_damage) {
        png_set_crc_action(png, PNG_CRC_WARN_USE, PNG_CRC_WARN_DISCARD);
        // libpng loses the whole read that the end of the file cuts short: small reads lose little.
        png_set_compression_buffer_size(png, 64);
    }
    png_read_info(png, decoder->info);
    // Some warnings change nothing.
    int is_lost = decoder->transparency[0] && !png_get_valid(png, decoder->info, PNG_INFO_tRNS);
    if (is_lost && base->damage[0] == 0) cic_set_message(base->damage, decoder->transparency);
    int colour_type = png_get_color_type(png, decoder->info);
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    if (decoder->file_gamma > 0) png_set_gamma(png, 2.2, decoder->file_gamma);
    decoder->passes = png_set_interlace_handling(png);
    png_read_update_info(png, decoder->info);
    int channels = png_get_channels(png, decoder->info);
    if (png_get_bit_depth(png, decoder->info) != 8 || (channels != 3 && channels != 4)) {
        return cic_refuse(base, CIC_UNSUPPORTED, "its colour type is not one of PNG's");
    }
    decoder->width = png_get_image_width(png, decoder->info);
    decoder->height = png_get_image_height(png, decoder->info);
    decoder->stride = (size_t)decoder->width * (size_t)channels;
    decoder->layout = channels == 4 ? CIC_RGBA : CIC_RGB;
    info->width = decoder->width;
    info->height = decoder->height;
    info->layout = decoder->layout;
    info->is_grey = !(colour_type & PNG_COLOR_MASK_COLOR);
    return CIC_OK;
}

/// All seven passes, into a canvas that is handed out, and given back, row by row.
static cic_status deinterlace(png_decoder *decoder) {
    cic_canvas *canvas = &decoder->canvas;
    if (!cic_canvas_map(canvas, decoder->stride, decoder->height)) {
        return cic_refuse(&decoder->base, CIC_NO_MEMORY, "memory is short");
    }
    int accept_damage = decoder->base.accept_damage;
    if (accept_damage) cic_fill_missing(canvas->bytes, canvas->stride * canvas->height, decoder->layout);
    if (setjmp(png_jmpbuf(decoder->png))) return decoder->status;
    for (int pass = 0; pass < decoder->passes; pass++) {
        for (size_t row = 0; row < decoder->height; row++) {
            // In a damaged file the coarse passes show as blocks; in a sound one every pixel is overwritten.
            if (accept_damage)
                png_read_row(decoder->png, NULL, cic_canvas_row(canvas, row));
            else
                png_read_row(decoder->png, cic_canvas_row(canvas, row), NULL);
        }
    }
    return CIC_OK;
}

/// Decides whether a failure ends the decoding.
static cic_status settle(png_decoder *decoder, cic_status status) {
    if (status == CIC_OK || status == CIC_NO_MEMORY || !decoder->base.accept_damage) return status;
    if (decoder->base.damage[0] == 0) cic_set_message(decoder->base.damage, decoder->base.error);
    decoder->is_broken = 1;
    return CIC_OK;
}

static cic_status read_in_order(png_decoder *decoder, uint8_t *rows, size_t row_count) {
    if (setjmp(png_jmpbuf(decoder->png))) return decoder->status;
    uint32_t end = decoder->row + (uint32_t)row_count;
    uint8_t *first = rows - (size_t)decoder->row * decoder->stride;
    for (; decoder->row < end; decoder->row++) {
        png_read_row(decoder->png, first + (size_t)decoder->row * decoder->stride, NULL);
    }
    return CIC_OK;
}

static cic_status read_deinterlaced(png_decoder *decoder, uint8_t *rows, size_t row_count) {
    if (!decoder->is_deinterlaced) {
        decoder->is_deinterlaced = 1;
        cic_status status = settle(decoder, deinterlace(decoder));
        if (status != CIC_OK) return status;
    }
    cic_canvas_take(&decoder->canvas, decoder->row, row_count, rows);
    decoder->row += (uint32_t)row_count;
    return CIC_OK;
}

static cic_status read_rows(cic_decoder *base, uint8_t *rows, size_t row_count) {
    png_decoder *decoder = (png_decoder *)base;
    if (row_count > decoder->height - decoder->row) return CIC_CORRUPT;
    if (decoder->passes > 1) return read_deinterlaced(decoder, rows, row_count);
    uint32_t first = decoder->row;
    cic_status status = CIC_OK;
    if (!decoder->is_broken) status = settle(decoder, read_in_order(decoder, rows, row_count));
    if (decoder->is_broken) {
        size_t done = decoder->row - first;
        cic_fill_missing(rows + done * decoder->stride, (row_count - done) * decoder->stride, decoder->layout);
        decoder->row = first + (uint32_t)row_count;
    }
    return status;
}

static cic_status read_end(png_decoder *decoder) {
    if (setjmp(png_jmpbuf(decoder->png))) return decoder->status;
    png_read_end(decoder->png, NULL);
    return CIC_OK;
}

static cic_status finish(cic_decoder *base) {
    png_decoder *decoder = (png_decoder *)base;
    if (decoder->is_broken) return CIC_OK;
    cic_status status = read_end(decoder);
    if (status == CIC_OK || status == CIC_NO_MEMORY) return status;
    // A checksum that condemns image data counts, although it comes after the last row; nothing else there does.
    static const uint32_t image_data = 0x49444154; // IDAT
    int is_checksum = !decoder->reached_end && png_get_io_chunk_type(decoder->png) == image_data;
    if (is_checksum) return settle(decoder, status);
    if (base->note[0] == 0) { cic_set_message(base->note, decoder->reached_end ? "its end is missing" : base->error); }
    return CIC_OK;
}

static void close_decoder(cic_decoder *base) {
    png_decoder *decoder = (png_decoder *)base;
    cic_canvas_unmap(&decoder->canvas);
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    free(decoder);
}

static const cic_operations operations = {read_header, read_rows, finish, close_decoder};

cic_decoder *cic_png_open(const uint8_t *bytes, size_t count, const cic_options *options) {
    png_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning, decoder, on_malloc, on_free);
    if (decoder->png) decoder->info = png_create_info_struct(decoder->png);
    if (!decoder->info) {
        close_decoder(&decoder->base);
        return NULL;
    }
    decoder->base.operations = &operations;
    decoder->base.accept_damage = options->accept_damage;
    decoder->next = bytes;
    decoder->left = count;
    decoder->file_gamma = options->file_gamma;
    png_set_read_fn(decoder->png, decoder, on_read);
    png_set_user_limits(decoder->png, options->max_side, options->max_side);
    png_set_chunk_malloc_max(decoder->png, options->max_chunk_bytes);
    return &decoder->base;
}
