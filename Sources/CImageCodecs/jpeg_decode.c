#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "decoder.h"

typedef struct {
    cic_decoder base;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    jmp_buf on_error;
    cic_status status;
    int is_created;
    int reached_end;  // the library asked for more bytes than there are
    int is_finishing; // every row has been handed out
} jpeg_decoder;

static const JOCTET end_of_image[2] = {0xFF, JPEG_EOI};

static jpeg_decoder *decoder_of(j_common_ptr jpeg) { return jpeg->client_data; }

static void fail(jpeg_decoder *decoder, cic_status status, const char *text) {
    decoder->status = status;
    cic_set_message(decoder->base.error, text);
    longjmp(decoder->on_error, 1);
}

static void on_error_exit(j_common_ptr jpeg) {
    jpeg_decoder *decoder = decoder_of(jpeg);
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    cic_status status = CIC_CORRUPT;
    switch (jpeg->err->msg_code) {
    case JERR_OUT_OF_MEMORY: status = CIC_NO_MEMORY; break;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_ARITH_NOTIMPL: status = CIC_UNSUPPORTED; break;
    default: break;
    }
    if (decoder->reached_end && status == CIC_CORRUPT) status = CIC_TRUNCATED;
    fail(decoder, status, text);
}

/// Oddities that leave every pixel right. All other warnings mean that pixels were guessed.
static int is_harmless(int code) {
    switch (code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC:
    // Some telephones write a spectral selection of 0 to 0 in a sequential scan, which has all coefficients.
    case JWRN_NOT_SEQUENTIAL: return 1;
    default: return 0;
    }
}

static void on_message(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    jpeg_decoder *decoder = decoder_of(jpeg);
    char text[JMSG_LENGTH_MAX];
    // Behind the last row nothing can cost a pixel.
    int harmless = decoder->is_finishing || is_harmless(jpeg->err->msg_code);
    char *kept = harmless ? decoder->base.note : decoder->base.damage;
    if (!harmless && !decoder->base.accept_damage) {
        jpeg->err->format_message(jpeg, text);
        fail(decoder, decoder->reached_end ? CIC_TRUNCATED : CIC_CORRUPT, text);
    }
    if (kept[0] == 0) {
        jpeg->err->format_message(jpeg, text);
        cic_set_message(kept, text);
    }
}

static void on_source_event(j_decompress_ptr jpeg) { (void)jpeg; }

static const char cut_off[] = "the file ends before the image does";

/// Ends the decoding, or notes that the image is cut off.
static void note_cut(jpeg_decoder *decoder) {
    if (!decoder->base.accept_damage) fail(decoder, CIC_TRUNCATED, cut_off);
    if (decoder->base.damage[0] == 0) cic_set_message(decoder->base.damage, cut_off);
}

static boolean on_source_empty(j_decompress_ptr jpeg) {
    jpeg_decoder *decoder = decoder_of((j_common_ptr)jpeg);
    decoder->reached_end = 1;
    // Huffman decoding warns when it lacks bits. Arithmetic decoding takes zeros for what is missing and says nothing.
    if (jpeg->arith_code && !decoder->is_finishing) note_cut(decoder);
    // A made-up end marker: it is the only thing missing, or lets the library fill in the rest.
    jpeg->src->next_input_byte = end_of_image;
    jpeg->src->bytes_in_buffer = sizeof end_of_image;
    return TRUE;
}

static void on_source_skip(j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    if ((size_t)count > jpeg->src->bytes_in_buffer) {
        jpeg->src->bytes_in_buffer = 0;
        on_source_empty(jpeg);
        return;
    }
    jpeg->src->next_input_byte += count;
    jpeg->src->bytes_in_buffer -= (size_t)count;
}

static cic_status read_header(cic_decoder *base, cic_info *info) {
    jpeg_decoder *decoder = (jpeg_decoder *)base;
    if (setjmp(decoder->on_error)) return decoder->status;
    j_decompress_ptr jpeg = &decoder->jpeg;
    jpeg->client_data = decoder;
    jpeg_create_decompress(jpeg);
    decoder->is_created = 1;
    jpeg->src = &decoder->source;
    jpeg_read_header(jpeg, TRUE);
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_YCbCr:
    case JCS_RGB: jpeg->out_color_space = JCS_RGB; break;
    case JCS_CMYK:
    case JCS_YCCK:
        // Inverted, whoever wrote it: ITU-T T.872 asks for that with an Adobe marker only, but all programs that people
        // look at pictures with take files without one as inverted too, so that is how those are written.
        jpeg->out_color_space = JCS_CMYK;
        break;
    default: fail(decoder, CIC_UNSUPPORTED, "its colour components are neither grey, RGB nor CMYK");
    }
    info->width = jpeg->image_width;
    info->height = jpeg->image_height;
    info->layout = jpeg->out_color_space == JCS_CMYK ? CIC_CMYK : CIC_RGB;
    info->is_grey = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    return CIC_OK;
}

/// Whether the scans that were read hold every bit of every coefficient.
static int is_complete(j_decompress_ptr jpeg) {
    if (!jpeg->progressive_mode || !jpeg->coef_bits) return 1;
    for (int component = 0; component < jpeg->num_components; component++) {
        for (int k = 0; k < DCTSIZE2; k++) {
            if (jpeg->coef_bits[component][k] != 0) return 0;
        }
    }
    return 1;
}

static cic_status read_rows(cic_decoder *base, uint8_t *rows, size_t row_count) {
    jpeg_decoder *decoder = (jpeg_decoder *)base;
    if (setjmp(decoder->on_error)) return decoder->status;
    j_decompress_ptr jpeg = &decoder->jpeg;
    if (jpeg->output_width == 0) {
        // This reads every scan where there are several. Behind a whole image only the end marker can be missing.
        jpeg_start_decompress(jpeg);
        if (decoder->reached_end && !is_complete(jpeg)) note_cut(decoder);
    }
    size_t stride = (size_t)jpeg->output_width * (size_t)jpeg->output_components;
    size_t done = 0;
    while (done < row_count) {
        JSAMPROW pointers[16];
        JDIMENSION wanted = 0;
        for (; wanted < 16 && done + wanted < row_count; wanted++) pointers[wanted] = rows + (done + wanted) * stride;
        JDIMENSION got = jpeg_read_scanlines(jpeg, pointers, wanted);
        if (got == 0) fail(decoder, CIC_CORRUPT, "it has fewer rows than it says");
        done += got;
    }
    return CIC_OK;
}

static void read_to_end(jpeg_decoder *decoder) {
    if (setjmp(decoder->on_error)) {
        if (decoder->base.note[0] == 0) cic_set_message(decoder->base.note, decoder->base.error);
        return;
    }
    jpeg_finish_decompress(&decoder->jpeg);
}

static cic_status finish(cic_decoder *base) {
    jpeg_decoder *decoder = (jpeg_decoder *)base;
    decoder->is_finishing = 1;
    read_to_end(decoder);
    int is_end_missing = decoder->reached_end && base->damage[0] == 0 && base->note[0] == 0;
    if (is_end_missing) cic_set_message(base->note, "its end marker is missing");
    return CIC_OK;
}

static void close_decoder(cic_decoder *base) {
    jpeg_decoder *decoder = (jpeg_decoder *)base;
    if (decoder->is_created) jpeg_destroy_decompress(&decoder->jpeg);
    free(decoder);
}

static const cic_operations operations = {read_header, read_rows, finish, close_decoder};

cic_decoder *cic_jpeg_open(const uint8_t *bytes, size_t count, const cic_options *options) {
    jpeg_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->base.operations = &operations;
    decoder->base.accept_damage = options->accept_damage;
    decoder->jpeg.err = jpeg_std_error(&decoder->errors);
    decoder->errors.error_exit = on_error_exit;
    decoder->errors.emit_message = on_message;
    decoder->source.next_input_byte = bytes;
    decoder->source.bytes_in_buffer = count;
    decoder->source.init_source = on_source_event;
    decoder->source.fill_input_buffer = on_source_empty;
    decoder->source.skip_input_data = on_source_skip;
    decoder->source.resync_to_restart = jpeg_resync_to_restart;
    decoder->source.term_source = on_source_event;
    return &decoder->base;
}
