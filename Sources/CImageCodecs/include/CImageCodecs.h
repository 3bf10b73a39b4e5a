// Memory to memory access to the image libraries for Swift: one pair of functions a format, one way to use them all.
//
// libjpeg and libpng report errors with longjmp, which must not cross Swift frames. Every function here that calls
// into them sets its own jump target, so control always comes back as a status and a message.

#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

#define CIC_MESSAGE_SIZE 256

typedef enum {
    CIC_OK = 0,
    CIC_CORRUPT,     // the data contradict the format
    CIC_TRUNCATED,   // the data end before the image does
    CIC_UNSUPPORTED, // a valid file of a kind that is not decoded
    CIC_NO_MEMORY,
    CIC_TOO_LARGE, // a picture inside is larger than the options allow
} cic_status;

/// How the rows that a decoder hands out are laid out.
typedef enum {
    CIC_RGB = 3,  // 3 bytes a pixel
    CIC_RGBA = 4, // 4 bytes a pixel, alpha last, not premultiplied
    CIC_CMYK = 5, // 4 bytes a pixel, as stored: inverted, 255 is no ink
} cic_layout;

typedef struct {
    uint32_t width;
    uint32_t height;
    cic_layout layout;
    int is_grey; // the file has one colour component: R, G and B are equal
} cic_info;

// MARK: Decoding

/// A file that is being decoded, of whatever format.
typedef struct cic_decoder cic_decoder;

typedef struct {
    /// Corrupt and missing data are noted instead of ending the decoding.
    int accept_damage;
    /// Pixels: no picture inside the file may be wider or higher.
    uint32_t max_side;
    uint64_t max_pixels;
    /// Bytes: no metadata of the file may be longer.
    size_t max_chunk_bytes;
    /// PNG: the value of a gAMA chunk that is to be corrected for a 2.2 display, or 0 for no correction.
    double file_gamma;
} cic_options;

/// Each returns NULL when memory is short, or when the library was not there at compile time. `bytes` must outlive the
/// decoder.
cic_decoder *cic_jpeg_open(const uint8_t *bytes, size_t count, const cic_options *options);
cic_decoder *cic_png_open(const uint8_t *bytes, size_t count, const cic_options *options);
cic_decoder *cic_webp_open(const uint8_t *bytes, size_t count, const cic_options *options);
/// HEIC and AVIF. The file's own turns and mirrorings are applied.
cic_decoder *cic_heif_open(const uint8_t *bytes, size_t count, const cic_options *options);
/// The first page. Its orientation is not applied.
cic_decoder *cic_tiff_open(const uint8_t *bytes, size_t count, const cic_options *options);

/// Whether the library was there at compile time.
int cic_has_webp(void);
int cic_has_heif(void);
int cic_has_tiff(void);

/// Everything that is known before pixels are allocated.
cic_status cic_read_header(cic_decoder *decoder, cic_info *info);
/// Decodes the next `row_count` rows into `rows` (row_count * width * bytes per pixel of the layout). In an accepted,
/// damaged file rows that are missing are middle grey and opaque.
cic_status cic_read_rows(cic_decoder *decoder, uint8_t *rows, size_t row_count);
/// Reads to the end behind the last row. What is wrong there costs no pixel and becomes a note.
cic_status cic_finish(cic_decoder *decoder);
/// What went wrong (status other than CIC_OK), else an empty string.
const char *cic_error(const cic_decoder *decoder);
/// The damage that was accepted, else an empty string.
const char *cic_damage(const cic_decoder *decoder);
/// An oddity that left the pixels whole, else an empty string.
const char *cic_note(const cic_decoder *decoder);
void cic_close(cic_decoder *decoder);

typedef enum { CIC_PROFILE, CIC_EXIF, CIC_XMP } cic_metadata;

/// Bytes that belong to the caller, who frees them with cic_buffer_free.
typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} cic_buffer;

void cic_buffer_free(cic_buffer *buffer);

/// What a HEIC or AVIF, its header read, carries; an empty buffer where it has none.
cic_status cic_heif_copy_metadata(cic_decoder *decoder, cic_metadata kind, cic_buffer *out);
/// The code points of its colours (ITU-T H.273): primaries and transfer. 0 where it names none.
int cic_heif_coding(cic_decoder *decoder, uint8_t coding[2]);

// MARK: Encoding

typedef struct {
    const uint8_t *rgb;   // width * height * 3
    const uint8_t *alpha; // width * height, or NULL
    uint32_t width;
    uint32_t height;
} cic_image;

/// Samples an inch, a centimetre (JFIF), a metre (PNG), or their ratio.
typedef struct {
    uint32_t x, y; // 0 where nothing is known
    int unit;      // as the format counts: JFIF 0, 1 or 2, PNG 0 or 1
} cic_density;

/// Baseline JPEG with optimised Huffman tables; alpha is flattened on white.
/// `segments` holds marker segments (FF, code, two length bytes, payload) that are copied behind the JFIF header.
cic_status cic_jpeg_encode(const cic_image *image, int quality, int full_chroma, cic_density density,
                           const uint8_t *segments, size_t segments_count, cic_buffer *out,
                           char message[CIC_MESSAGE_SIZE]);

/// 8-bit RGB or RGBA PNG, tagged sRGB. `chunks` holds ancillary chunks (length, type, data, without the checksum) that
/// are written before the image data.
cic_status cic_png_encode(const cic_image *image, int compression_level, cic_density density, const uint8_t *chunks,
                          size_t chunks_count, cic_buffer *out, char message[CIC_MESSAGE_SIZE]);

// MARK: Pixels

/// Puts `row_count` rows of a width x height image (`channels` bytes a pixel), the first of them `first_row`, where
/// EXIF `orientation` (1 to 8) wants them in `image`, which is height x width for orientations 5 to 8.
void cic_place_rows(const uint8_t *rows, size_t first_row, size_t row_count, size_t width, size_t height,
                    size_t channels, int orientation, uint8_t *image);

/// Separates `count` RGBA pixels. `rgb` may be `rgba` itself.
void cic_split_rgba(const uint8_t *rgba, size_t count, uint8_t *rgb, uint8_t *alpha);

/// Inverted CMYK to RGB without a profile, R = C K / 255. `rgb` may be `cmyk` itself.
void cic_cmyk_to_rgb(const uint8_t *cmyk, size_t count, uint8_t *rgb);

typedef enum { CIC_LANCZOS3 = 0, CIC_BICUBIC = 1 } cic_filter;

/// Antialiased separable resampling of interleaved 8-bit samples (`channels` 1 to 4), each channel on its own.
cic_status cic_resample(const uint8_t *source, size_t width, size_t height, size_t channels, uint8_t *target,
                        size_t target_width, size_t target_height, cic_filter filter);

/// Colour times alpha, `count` pixels, into RGBA.
void cic_premultiply(const uint8_t *rgb, const uint8_t *alpha, size_t count, uint8_t *rgba);
/// The inverse. Where alpha is 0, `rgb` is left as it is.
void cic_unpremultiply(const uint8_t *rgba, size_t count, uint8_t *rgb, uint8_t *alpha);

// MARK: zlib

/// Inflates a zlib stream into at most `capacity` bytes. -1: corrupt, -2: it holds more than that.
ptrdiff_t cic_inflate(const uint8_t *bytes, size_t count, uint8_t *target, size_t capacity);
uint32_t cic_crc32(const uint8_t *bytes, size_t count);

#endif
