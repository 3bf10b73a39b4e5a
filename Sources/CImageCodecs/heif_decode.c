// HEIC and AVIF through libheif (ISO/IEC 23008-12, the AV1 image file format).

#include "decoder.h"

#if __has_include(<libheif/heif.h>)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>

typedef struct {
    cic_canvas_decoder canvas;
    const uint8_t *bytes;
    size_t count;
    cic_options options;
    struct heif_context *context;
    struct heif_image_handle *handle;
} heif_decoder;

int cic_has_heif(void) { return 1; }

static cic_status refuse(heif_decoder *decoder, struct heif_error error) {
    cic_status status = CIC_CORRUPT;
    switch (error.code) {
    case heif_error_Memory_allocation_error:
        status = error.subcode == heif_suberror_Security_limit_exceeded ? CIC_TOO_LARGE : CIC_NO_MEMORY;
        break;
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature: status = CIC_UNSUPPORTED; break;
    default:
        if (error.subcode == heif_suberror_End_of_data) status = CIC_TRUNCATED;
        break;
    }
    if (error.subcode == heif_suberror_Unsupported_codec) {
        // Debian keeps the decoders in packages of their own from libheif 1.17 on.
        return cic_refuse(
            &decoder->canvas.base, CIC_UNSUPPORTED,
            "libheif has no decoder for its coding; install libheif-plugin-libde265 (HEIC) or libheif-plugin-dav1d "
            "(AVIF)");
    }
    return cic_refuse(&decoder->canvas.base, status, error.message);
}

static cic_status read_header(cic_decoder *base, cic_info *info) {
    heif_decoder *decoder = (heif_decoder *)base;
    decoder->context = heif_context_alloc();
    if (!decoder->context) return cic_refuse(base, CIC_NO_MEMORY, "memory is short");
    int max_side = decoder->options.max_side > INT32_MAX ? INT32_MAX : (int)decoder->options.max_side;
    heif_context_set_maximum_image_size_limit(decoder->context, max_side);
    heif_context_set_max_decoding_threads(decoder->context, 0);
    struct heif_error error =
        heif_context_read_from_memory_without_copy(decoder->context, decoder->bytes, decoder->count, NULL);
    if (error.code == heif_error_Ok) {
        error = heif_context_get_primary_image_handle(decoder->context, &decoder->handle);
    }
    if (error.code != heif_error_Ok) return refuse(decoder, error);
    int width = heif_image_handle_get_width(decoder->handle), height = heif_image_handle_get_height(decoder->handle);
    if (width <= 0 || height <= 0) return cic_refuse(base, CIC_CORRUPT, "it has no pixels");
    *info = (cic_info){.width = (uint32_t)width,
                       .height = (uint32_t)height,
                       .layout = heif_image_handle_has_alpha_channel(decoder->handle) ? CIC_RGBA : CIC_RGB};
    decoder->canvas.info = *info;
    return CIC_OK;
}

static cic_status copy_pixels(heif_decoder *decoder, const struct heif_image *image) {
    cic_canvas_decoder *canvas = &decoder->canvas;
    int stride = 0;
    const uint8_t *plane = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    int width = heif_image_get_width(image, heif_channel_interleaved);
    int height = heif_image_get_height(image, heif_channel_interleaved);
    size_t channels = canvas->info.layout == CIC_RGBA ? 4 : 3;
    int is_whole = plane && width == (int)canvas->info.width && height == (int)canvas->info.height && stride >= 0 &&
                   (size_t)stride >= (size_t)width * channels;
    if (!is_whole) return cic_refuse(&canvas->base, CIC_CORRUPT, "its image is not as large as it says");
    for (size_t row = 0; row < canvas->info.height; row++) {
        memcpy(cic_canvas_row(&canvas->canvas, row), plane + row * (size_t)stride, canvas->canvas.stride);
    }
    if (channels == 4 && heif_image_handle_is_premultiplied_alpha(decoder->handle)) {
        cic_unpremultiply_rgba(canvas->canvas.bytes, (size_t)canvas->info.width * canvas->info.height);
    }
    return CIC_OK;
}

/// The planes as decoded, at most 16 bits a sample, their conversion, and what a decoder keeps of them.
#define BYTES_PER_PIXEL 16

static cic_status decode(cic_canvas_decoder *canvas) {
    heif_decoder *decoder = (heif_decoder *)canvas;
    uint64_t pixels = (uint64_t)canvas->info.width * canvas->info.height;
    struct heif_decoding_options *options = heif_decoding_options_alloc();
    if (!options || !cic_has_room(BYTES_PER_PIXEL * pixels)) {
        heif_decoding_options_free(options);
        return cic_refuse(&canvas->base, CIC_NO_MEMORY, "memory is short");
    }
    options->convert_hdr_to_8bit = 1;
    struct heif_image *image = NULL;
    enum heif_chroma chroma =
        canvas->info.layout == CIC_RGBA ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;
    struct heif_error error = heif_decode_image(decoder->handle, &image, heif_colorspace_RGB, chroma, options);
    heif_decoding_options_free(options);
    cic_status status = error.code == heif_error_Ok ? copy_pixels(decoder, image) : refuse(decoder, error);
    if (image) heif_image_release(image);
    return status;
}

// MARK: Metadata

static cic_status copy_profile(heif_decoder *decoder, cic_buffer *out) {
    size_t count = heif_image_handle_get_raw_color_profile_size(decoder->handle);
    if (count == 0 || count > decoder->options.max_chunk_bytes) return CIC_OK;
    if (!cic_buffer_reserve(out, count)) return CIC_NO_MEMORY;
    struct heif_error error = heif_image_handle_get_raw_color_profile(decoder->handle, out->bytes);
    if (error.code == heif_error_Ok) out->count = count;
    return CIC_OK;
}

static int is_xmp(heif_decoder *decoder, heif_item_id id) {
    const char *type = heif_image_handle_get_metadata_content_type(decoder->handle, id);
    return type && strcmp(type, "application/rdf+xml") == 0;
}

cic_status cic_heif_copy_metadata(cic_decoder *base, cic_metadata kind, cic_buffer *out) {
    heif_decoder *decoder = (heif_decoder *)base;
    *out = (cic_buffer){0};
    if (!decoder->handle) return CIC_OK;
    if (kind == CIC_PROFILE) return copy_profile(decoder, out);
    enum { most = 16 };
    heif_item_id ids[most];
    const char *filter = kind == CIC_EXIF ? "Exif" : "mime";
    int found = heif_image_handle_get_list_of_metadata_block_IDs(decoder->handle, filter, ids, most);
    for (int i = 0; i < found; i++) {
        if (kind == CIC_XMP && !is_xmp(decoder, ids[i])) continue;
        size_t count = heif_image_handle_get_metadata_size(decoder->handle, ids[i]);
        if (count == 0) continue;
        if (count > decoder->options.max_chunk_bytes) return CIC_TOO_LARGE;
        if (!cic_buffer_reserve(out, count)) return CIC_NO_MEMORY;
        struct heif_error error = heif_image_handle_get_metadata(decoder->handle, ids[i], out->bytes);
        if (error.code == heif_error_Ok) out->count = count;
        return CIC_OK;
    }
    return CIC_OK;
}

int cic_heif_coding(cic_decoder *base, uint8_t coding[2]) {
    heif_decoder *decoder = (heif_decoder *)base;
    struct heif_color_profile_nclx *nclx = NULL;
    if (!decoder->handle) return 0;
    struct heif_error error = heif_image_handle_get_nclx_color_profile(decoder->handle, &nclx);
    if (error.code != heif_error_Ok || !nclx) {
        // Values that the library does not know are an error that leaves what it made behind.
        if (nclx) heif_nclx_color_profile_free(nclx);
        return 0;
    }
    coding[0] = (uint8_t)nclx->color_primaries;
    coding[1] = (uint8_t)nclx->transfer_characteristics;
    heif_nclx_color_profile_free(nclx);
    return 1;
}

static void close_decoder(cic_decoder *base) {
    heif_decoder *decoder = (heif_decoder *)base;
    if (decoder->handle) heif_image_handle_release(decoder->handle);
    if (decoder->context) heif_context_free(decoder->context);
    cic_canvas_unmap(&decoder->canvas.canvas);
    free(decoder);
}

static const cic_operations operations = {read_header, cic_canvas_read_rows, cic_canvas_finish, close_decoder};

cic_decoder *cic_heif_open(const uint8_t *bytes, size_t count, const cic_options *options) {
    heif_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->canvas.base.operations = &operations;
    // libheif hands out a whole picture or none: there is no damage to accept.
    decoder->canvas.base.accept_damage = 0;
    decoder->canvas.decode = decode;
    decoder->bytes = bytes;
    decoder->count = count;
    decoder->options = *options;
    return &decoder->canvas.base;
}

#else

int cic_has_heif(void) { return 0; }

cic_decoder *cic_heif_open(const uint8_t *bytes, size_t count, const cic_options *options) {
    (void)bytes, (void)count, (void)options;
    return NULL;
}

cic_status cic_heif_copy_metadata(cic_decoder *decoder, cic_metadata kind, cic_buffer *out) {
    (void)decoder, (void)kind;
    *out = (cic_buffer){0};
    return CIC_OK;
}

int cic_heif_coding(cic_decoder *decoder, uint8_t coding[2]) {
    (void)decoder, (void)coding;
    return 0;
}

#endif
