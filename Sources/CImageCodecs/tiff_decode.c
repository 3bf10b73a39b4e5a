// The first page of a TIFF through libtiff (TIFF 6.0, its technical notes, BigTIFF).

#include "tiff_samples.h"

#if __has_include(<tiffio.h>)
#include <tiffio.h>
#endif

// Error handlers of a single file, and limits on what is allocated for it, came with 4.5.
#if defined(TIFFLIB_VERSION) && TIFFLIB_VERSION >= 20221213

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// No strip, tile or table of a sane file is larger.
#define MOST_BYTES_AT_ONCE ((tmsize_t)256 << 20)

typedef struct {
    cic_canvas_decoder canvas;
    const uint8_t *bytes;
    uint64_t count, position;
    int reached_end;
    cic_options options;
    TIFF *tiff;
    cic_samples samples;
    uint16_t planar, orientation;
    int is_general; // libtiff makes RGB of it
} tiff_decoder;

int cic_has_tiff(void) { return 1; }

// MARK: The file in memory

static tmsize_t on_read(thandle_t handle, void *target, tmsize_t count) {
    tiff_decoder *self = handle;
    uint64_t left = self->position < self->count ? self->count - self->position : 0;
    if ((uint64_t)count > left) {
        self->reached_end = 1;
        count = (tmsize_t)left;
    }
    memcpy(target, self->bytes + (count > 0 ? self->position : 0), (size_t)count);
    self->position += (uint64_t)count;
    return count;
}

static tmsize_t on_write(thandle_t handle, void *source, tmsize_t count) {
    (void)handle, (void)source, (void)count;
    return 0;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
    tiff_decoder *self = handle;
    if (whence == SEEK_CUR) offset += self->position;
    if (whence == SEEK_END) offset += self->count;
    if (offset > self->count) self->reached_end = 1;
    self->position = offset;
    return offset;
}

static int on_close(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle) { return ((tiff_decoder *)handle)->count; }

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff, (void)module;
    tiff_decoder *self = user;
    // The first complaint is the cause, the others are its consequences.
    if (self->canvas.base.error[0] == 0) vsnprintf(self->canvas.base.error, CIC_MESSAGE_SIZE, format, arguments);
    return 1;
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff, (void)user, (void)module, (void)format, (void)arguments;
    return 1;
}

/// The status of a failure that the library has described, or not.
static cic_status failure(tiff_decoder *self) {
    char *error = self->canvas.base.error;
    if (error[0] == 0) cic_set_message(error, "its image data contradict themselves");
    return self->reached_end ? CIC_TRUNCATED : CIC_CORRUPT;
}

static cic_status refuse(tiff_decoder *self, cic_status status, const char *text) {
    return cic_refuse(&self->canvas.base, status, text);
}

// MARK: The header

static int open_file(tiff_decoder *self) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return 0;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, MOST_BYTES_AT_ONCE);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, self);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, self);
    self->tiff =
        TIFFClientOpenExt("photo", "rm", self, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return self->tiff != NULL;
}

/// Which sample is alpha, of `samples->count`.
static void find_alpha(TIFF *tiff, cic_samples *samples) {
    uint16_t extra_count = 0, *extra = NULL;
    samples->alpha = -1;
    if (samples->count <= samples->colours) return;
    if (!TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra)) {
        // Files that do not say what a fourth sample is mean alpha.
        if (samples->colours == 3 && samples->count == 4) samples->alpha = 3;
        return;
    }
    for (uint16_t i = 0; i < extra_count; i++) {
        if (extra[i] != EXTRASAMPLE_ASSOCALPHA && extra[i] != EXTRASAMPLE_UNASSALPHA) continue;
        samples->alpha = samples->count - extra_count + i;
        samples->is_premultiplied = extra[i] == EXTRASAMPLE_ASSOCALPHA;
        return;
    }
}

static int has_samples(const cic_samples *samples) {
    if (samples->count < samples->colours || samples->alpha >= samples->count) return 0;
    switch (samples->kind) {
    case CIC_UNSIGNED: return samples->bits >= 1 && (samples->bits <= 16 || samples->bits == 32);
    case CIC_SIGNED: return samples->bits == 8 || samples->bits == 16 || samples->bits == 32;
    case CIC_FLOAT: return samples->bits == 16 || samples->bits == 32 || samples->bits == 64;
    }
    return 0;
}

static int take_palette(tiff_decoder *self) {
    uint16_t *maps[3];
    cic_samples *samples = &self->samples;
    if (samples->bits > 8 || samples->kind != CIC_UNSIGNED) return 0;
    if (!TIFFGetField(self->tiff, TIFFTAG_COLORMAP, &maps[0], &maps[1], &maps[2])) return 0;
    size_t count = (size_t)1 << samples->bits;
    // Some writers of old keep 8 bits where the format has 16.
    int is_narrow = 1;
    for (int c = 0; c < 3; c++) {
        for (size_t i = 0; i < count; i++) is_narrow &= maps[c][i] < 256;
    }
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 3; c++) {
            // Exact for writers that multiply by 256 and for those that multiply by 257.
            samples->palette[i][c] = (uint8_t)(is_narrow ? maps[c][i] : maps[c][i] >> 8);
        }
    }
    samples->is_palette = 1;
    return 1;
}

/// Decides how samples become pixels. 0: only libtiff knows.
static int describe_samples(tiff_decoder *self) {
    TIFF *tiff = self->tiff;
    cic_samples *samples = &self->samples;
    uint16_t photometric = 0, compression = COMPRESSION_NONE, kind = SAMPLEFORMAT_UINT, ink = INKSET_CMYK;
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric)) return 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &samples->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples->count);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &kind);
    samples->kind = kind == SAMPLEFORMAT_IEEEFP ? CIC_FLOAT : kind == SAMPLEFORMAT_INT ? CIC_SIGNED : CIC_UNSIGNED;
    if (kind == SAMPLEFORMAT_COMPLEXINT || kind == SAMPLEFORMAT_COMPLEXIEEEFP) return 0;
    samples->colours = 3;
    switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
        samples->is_inverted = 1;
        samples->colours = 1;
        break;
    case PHOTOMETRIC_MINISBLACK: samples->colours = 1; break;
    case PHOTOMETRIC_RGB: break;
    case PHOTOMETRIC_PALETTE:
        samples->colours = 1;
        if (!take_palette(self)) return 0;
        break;
    case PHOTOMETRIC_SEPARATED:
        TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &ink);
        if (ink != INKSET_CMYK) return 0;
        samples->colours = 4;
        // In a TIFF 0 is no ink; rows have it as 255.
        samples->is_inverted = 1;
        break;
    case PHOTOMETRIC_YCBCR:
        if (compression != COMPRESSION_JPEG || self->planar != PLANARCONFIG_CONTIG) return 0;
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        break;
    default: return 0;
    }
    find_alpha(tiff, samples);
    double low = 0, high = 1;
    if (samples->kind == CIC_FLOAT && TIFFGetField(tiff, TIFFTAG_SMAXSAMPLEVALUE, &high)) {
        TIFFGetField(tiff, TIFFTAG_SMINSAMPLEVALUE, &low);
    }
    samples->low = high > low ? low : 0;
    samples->high = high > low ? high : 1;
    return has_samples(samples);
}

static cic_status read_header(cic_decoder *base, cic_info *info) {
    tiff_decoder *self = (tiff_decoder *)base;
    if (!open_file(self)) return failure(self);
    // What the library found out of place in tags that do not matter here is no failure.
    base->error[0] = 0;
    uint32_t width = 0, height = 0;
    TIFFGetField(self->tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(self->tiff, TIFFTAG_IMAGELENGTH, &height);
    if (width == 0 || height == 0) return refuse(self, CIC_CORRUPT, "it has no pixels");
    TIFFGetFieldDefaulted(self->tiff, TIFFTAG_PLANARCONFIG, &self->planar);
    TIFFGetFieldDefaulted(self->tiff, TIFFTAG_ORIENTATION, &self->orientation);
    self->is_general = !describe_samples(self);
    char reason[1024] = "";
    if (self->is_general && !TIFFRGBAImageOK(self->tiff, reason)) {
        return refuse(self, CIC_UNSUPPORTED, reason[0] ? reason : "its colours are of an unknown kind");
    }
    cic_layout layout = self->samples.alpha >= 0 ? CIC_RGBA : CIC_RGB;
    if (!self->is_general && self->samples.colours == 4) layout = CIC_CMYK;
    *info = (cic_info){.width = width,
                       .height = height,
                       .layout = layout,
                       .is_grey = !self->is_general && self->samples.colours == 1 && !self->samples.is_palette};
    self->canvas.info = *info;
    return CIC_OK;
}

// MARK: Pixels

/// Rows of one plane, or of all samples together, into the canvas.
typedef struct {
    uint16_t first; // sample
    uint16_t count; // samples a pixel in a row
} plane;

static size_t channels(const tiff_decoder *self) { return self->canvas.info.layout == CIC_RGB ? 3 : 4; }

static cic_status read_strips(tiff_decoder *self, plane part, uint8_t *samples) {
    uint32_t width = self->canvas.info.width, height = self->canvas.info.height;
    tmsize_t size = TIFFScanlineSize(self->tiff);
    size_t needed = cic_samples_row_bytes(&self->samples, (size_t)width * part.count);
    if (size <= 0 || size > MOST_BYTES_AT_ONCE || (size_t)size < needed) return failure(self);
    uint8_t *row = malloc((size_t)size);
    if (!row) return refuse(self, CIC_NO_MEMORY, "memory is short");
    cic_status status = CIC_OK;
    for (uint32_t y = 0; y < height && status == CIC_OK; y++) {
        if (TIFFReadScanline(self->tiff, row, y, part.first) != 1) {
            status = failure(self);
            break;
        }
        cic_samples_unpack(&self->samples, row, (size_t)width * part.count, samples);
        cic_samples_place(&self->samples, samples, width, part.first, part.count,
                          cic_canvas_row(&self->canvas.canvas, y), channels(self));
    }
    free(row);
    return status;
}

/// Puts a tile that was read where it belongs.
static void place_tile(tiff_decoder *self, plane part, const uint8_t *tile, size_t stride, uint32_t left, uint32_t top,
                       uint32_t width, uint32_t height, uint8_t *samples) {
    uint32_t right = self->canvas.info.width - left, below = self->canvas.info.height - top;
    uint32_t columns = width < right ? width : right, rows = height < below ? height : below;
    for (uint32_t y = 0; y < rows; y++) {
        cic_samples_unpack(&self->samples, tile + y * stride, (size_t)columns * part.count, samples);
        uint8_t *target = cic_canvas_row(&self->canvas.canvas, top + y) + (size_t)left * channels(self);
        cic_samples_place(&self->samples, samples, columns, part.first, part.count, target, channels(self));
    }
}

static cic_status read_tiles(tiff_decoder *self, plane part, uint8_t *samples) {
    uint32_t width = 0, height = 0;
    TIFFGetField(self->tiff, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(self->tiff, TIFFTAG_TILELENGTH, &height);
    tmsize_t size = TIFFTileSize(self->tiff), stride = TIFFTileRowSize(self->tiff);
    size_t needed = cic_samples_row_bytes(&self->samples, (size_t)width * part.count);
    int is_sane = width > 0 && height > 0 && stride > 0 && (size_t)stride >= needed && size > 0 &&
                  size <= MOST_BYTES_AT_ONCE && (uint64_t)size >= (uint64_t)stride * height;
    if (!is_sane) return failure(self);
    uint8_t *tile = malloc((size_t)size);
    if (!tile) return refuse(self, CIC_NO_MEMORY, "memory is short");
    cic_status status = CIC_OK;
    for (uint64_t top = 0; top < self->canvas.info.height && status == CIC_OK; top += height) {
        for (uint64_t left = 0; left < self->canvas.info.width && status == CIC_OK; left += width) {
            if (TIFFReadTile(self->tiff, tile, (uint32_t)left, (uint32_t)top, 0, part.first) < 0) {
                status = failure(self);
            } else {
                place_tile(self, part, tile, (size_t)stride, (uint32_t)left, (uint32_t)top, width, height, samples);
            }
        }
    }
    free(tile);
    return status;
}

static cic_status read_samples(tiff_decoder *self) {
    int is_planar = self->planar == PLANARCONFIG_SEPARATE && self->samples.count > 1;
    uint16_t in_row = is_planar ? 1 : self->samples.count;
    uint8_t *samples = malloc((size_t)self->canvas.info.width * in_row);
    if (!samples) return refuse(self, CIC_NO_MEMORY, "memory is short");
    cic_status status = CIC_OK;
    for (uint16_t first = 0; first < (is_planar ? self->samples.count : 1) && status == CIC_OK; first++) {
        plane part = {first, in_row};
        // Planes that are neither colour nor alpha are not read.
        int is_wanted = first < self->samples.colours || first == self->samples.alpha;
        if (!is_wanted) continue;
        status = TIFFIsTiled(self->tiff) ? read_tiles(self, part, samples) : read_strips(self, part, samples);
    }
    free(samples);
    return status;
}

/// What libtiff alone can make RGB of: YCbCr, L*a*b*, LogLuv.
static cic_status read_raster(tiff_decoder *self) {
    size_t width = self->canvas.info.width, height = self->canvas.info.height;
    uint32_t *raster = malloc(width * height * sizeof *raster);
    if (!raster) return refuse(self, CIC_NO_MEMORY, "memory is short");
    // With the file's own orientation as the one wanted, nothing is turned: that is done elsewhere.
    int is_read =
        TIFFReadRGBAImageOriented(self->tiff, (uint32_t)width, (uint32_t)height, raster, self->orientation, 1);
    for (size_t y = 0; is_read && y < height; y++) {
        uint8_t *row = cic_canvas_row(&self->canvas.canvas, y);
        for (size_t x = 0; x < width; x++) {
            uint32_t pixel = raster[y * width + x];
            uint8_t rgba[4] = {TIFFGetR(pixel), TIFFGetG(pixel), TIFFGetB(pixel), TIFFGetA(pixel)};
            memcpy(row + x * channels(self), rgba, channels(self));
        }
    }
    free(raster);
    return is_read ? CIC_OK : failure(self);
}

static cic_status decode(cic_canvas_decoder *canvas) {
    tiff_decoder *self = (tiff_decoder *)canvas;
    self->reached_end = 0;
    cic_status status = self->is_general ? read_raster(self) : read_samples(self);
    if (status != CIC_OK) return status;
    int is_premultiplied = self->is_general ? self->samples.alpha >= 0 : self->samples.is_premultiplied;
    if (canvas->info.layout == CIC_RGBA && is_premultiplied) {
        cic_unpremultiply_rgba(canvas->canvas.bytes, (size_t)canvas->info.width * canvas->info.height);
    }
    if (self->samples.is_cut) cic_set_message(canvas->base.note, "samples beyond white were cut to white");
    return CIC_OK;
}

static void close_decoder(cic_decoder *base) {
    tiff_decoder *self = (tiff_decoder *)base;
    if (self->tiff) TIFFClose(self->tiff);
    cic_canvas_unmap(&self->canvas.canvas);
    free(self);
}

static const cic_operations operations = {read_header, cic_canvas_read_rows, cic_canvas_finish, close_decoder};

cic_decoder *cic_tiff_open(const uint8_t *bytes, size_t count, const cic_options *options) {
    tiff_decoder *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    self->canvas.base.operations = &operations;
    self->canvas.base.accept_damage = options->accept_damage;
    self->canvas.decode = decode;
    self->bytes = bytes;
    self->count = count;
    self->options = *options;
    self->samples.alpha = -1;
    return &self->canvas.base;
}

#else

int cic_has_tiff(void) { return 0; }

cic_decoder *cic_tiff_open(const uint8_t *bytes, size_t count, const cic_options *options) {
    (void)bytes, (void)count, (void)options;
    return NULL;
}

#endif
