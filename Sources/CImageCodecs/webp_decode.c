// WebP through libwebp: still pictures and the first frame of animations (RFC 9649).

#include "decoder.h"

#if __has_include(<webp/decode.h>) && __has_include(<webp/demux.h>)

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

typedef struct {
    cic_canvas_decoder canvas;
    const uint8_t *bytes;
    size_t count;
    cic_options options;
    WebPDemuxer *demuxer;
    WebPIterator frame;
    int has_frame;
} webp_decoder;

int cic_has_webp(void) { return 1; }

static cic_status refuse(webp_decoder *decoder, cic_status status, const char *text) {
    return cic_refuse(&decoder->canvas.base, status, text);
}

static const char cut_off[] = "the file ends before the image does";

static cic_status read_header(cic_decoder *base, cic_info *info) {
    webp_decoder *decoder = (webp_decoder *)base;
    WebPData data = {decoder->bytes, decoder->count};
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    decoder->demuxer = WebPDemuxPartial(&data, &state);
    if (!decoder->demuxer) {
        if (state == WEBP_DEMUX_PARSE_ERROR) return refuse(decoder, CIC_CORRUPT, "its chunks contradict one another");
        return refuse(decoder, CIC_TRUNCATED, "it ends before its image begins");
    }
    decoder->has_frame = WebPDemuxGetFrame(decoder->demuxer, 1, &decoder->frame);
    if (!decoder->has_frame) {
        if (state == WEBP_DEMUX_DONE) return refuse(decoder, CIC_CORRUPT, "no image can be found in it");
        return refuse(decoder, CIC_TRUNCATED, "it ends before its image begins");
    }
    uint32_t width = WebPDemuxGetI(decoder->demuxer, WEBP_FF_CANVAS_WIDTH);
    uint32_t height = WebPDemuxGetI(decoder->demuxer, WEBP_FF_CANVAS_HEIGHT);
    const WebPIterator *frame = &decoder->frame;
    // What the bitstream says itself is what the library allocates.
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &features);
    if (code == VP8_STATUS_NOT_ENOUGH_DATA) return refuse(decoder, CIC_TRUNCATED, "it ends before its image begins");
    if (code != VP8_STATUS_OK) return refuse(decoder, CIC_CORRUPT, "its image has no sound header");
    int is_inside = frame->x_offset >= 0 && frame->y_offset >= 0 && features.width > 0 && features.height > 0 &&
                    (uint64_t)frame->x_offset + (uint64_t)features.width <= width &&
                    (uint64_t)frame->y_offset + (uint64_t)features.height <= height;
    if (!is_inside) return refuse(decoder, CIC_CORRUPT, "its image is larger than its canvas");
    int fills_canvas = (uint32_t)features.width == width && (uint32_t)features.height == height;
    *info = (cic_info){
        .width = width, .height = height, .layout = features.has_alpha || !fills_canvas ? CIC_RGBA : CIC_RGB};
    decoder->canvas.info = *info;
    return CIC_OK;
}

/// Where in the canvas the image's first pixel is.
static uint8_t *first_pixel(webp_decoder *decoder, size_t channels) {
    return cic_canvas_row(&decoder->canvas.canvas, (size_t)decoder->frame.y_offset) +
           (size_t)decoder->frame.x_offset * channels;
}

static cic_status decode(cic_canvas_decoder *canvas) {
    webp_decoder *decoder = (webp_decoder *)canvas;
    uint64_t pixels = (uint64_t)canvas->info.width * canvas->info.height;
    if (!cic_has_room(8 * pixels)) return refuse(decoder, CIC_NO_MEMORY, "memory is short");
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return refuse(decoder, CIC_UNSUPPORTED, "libwebp is of another version");
    size_t channels = canvas->info.layout == CIC_RGBA ? 4 : 3;
    int width = decoder->frame.width, height = decoder->frame.height;
    // Around the first frame of an animation the canvas is transparent.
    if (canvas->base.accept_damage && channels == 4 && (uint64_t)width * (uint64_t)height < pixels) {
        memset(canvas->canvas.bytes, 0, canvas->canvas.stride * canvas->canvas.height);
    }
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = first_pixel(decoder, channels);
    config.output.u.RGBA.stride = (int)canvas->canvas.stride;
    config.output.u.RGBA.size = canvas->canvas.stride * (size_t)(height - 1) + (size_t)width * channels;
    // Decoding in steps keeps the rows before the damage.
    WebPIDecoder *steps = WebPIDecode(NULL, 0, &config);
    if (!steps) return refuse(decoder, CIC_NO_MEMORY, "memory is short");
    VP8StatusCode code = WebPIUpdate(steps, decoder->frame.fragment.bytes, decoder->frame.fragment.size);
    int last_row = 0;
    (void)WebPIDecGetRGB(steps, &last_row, NULL, NULL, NULL);
    WebPIDelete(steps);
    WebPFreeDecBuffer(&config.output);
    if (code == VP8_STATUS_OK) return CIC_OK;
    if (code == VP8_STATUS_OUT_OF_MEMORY) return refuse(decoder, CIC_NO_MEMORY, "memory is short");
    if (canvas->base.accept_damage) {
        for (int row = last_row < 0 ? 0 : last_row; row < height; row++) {
            uint8_t *start = first_pixel(decoder, channels) + (size_t)row * canvas->canvas.stride;
            cic_fill_missing(start, (size_t)width * channels, canvas->info.layout);
        }
    }
    switch (code) {
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return refuse(decoder, CIC_TRUNCATED, cut_off);
    case VP8_STATUS_UNSUPPORTED_FEATURE: return refuse(decoder, CIC_UNSUPPORTED, "it uses what libwebp does not know");
    default: break;
    }
    return refuse(decoder, CIC_CORRUPT, "its image data contradict themselves");
}

static void close_decoder(cic_decoder *base) {
    webp_decoder *decoder = (webp_decoder *)base;
    if (decoder->has_frame) WebPDemuxReleaseIterator(&decoder->frame);
    if (decoder->demuxer) WebPDemuxDelete(decoder->demuxer);
    cic_canvas_unmap(&decoder->canvas.canvas);
    free(decoder);
}

static const cic_operations operations = {read_header, cic_canvas_read_rows, cic_canvas_finish, close_decoder};

cic_decoder *cic_webp_open(const uint8_t *bytes, size_t count, const cic_options *options) {
    webp_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->canvas.base.operations = &operations;
    decoder->canvas.base.accept_damage = options->accept_damage;
    decoder->canvas.decode = decode;
    decoder->bytes = bytes;
    decoder->count = count;
    decoder->options = *options;
    return &decoder->canvas.base;
}

#else

int cic_has_webp(void) { return 0; }

cic_decoder *cic_webp_open(const uint8_t *bytes, size_t count, const cic_options *options) {
    (void)bytes, (void)count, (void)options;
    return NULL;
}

#endif
