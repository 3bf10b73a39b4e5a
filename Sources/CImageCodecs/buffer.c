#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

int cic_buffer_reserve(cic_buffer *buffer, size_t extra) {
    if (extra > SIZE_MAX / 4 || buffer->count > SIZE_MAX / 4) return 0;
    size_t needed = buffer->count + extra;
    if (needed <= buffer->capacity) return 1;
    size_t capacity = buffer->capacity < 65536 ? 65536 : buffer->capacity;
    while (capacity < needed) capacity += capacity / 2;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (!bytes) return 0;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 1;
}

void cic_buffer_free(cic_buffer *buffer) {
    free(buffer->bytes);
    buffer->bytes = NULL;
    buffer->count = buffer->capacity = 0;
}

void cic_set_message(char message[CIC_MESSAGE_SIZE], const char *text) {
    snprintf(message, CIC_MESSAGE_SIZE, "%s", text);
}

ptrdiff_t cic_inflate(const uint8_t *bytes, size_t count, uint8_t *target, size_t capacity) {
    if (count > UINT32_MAX || capacity > UINT32_MAX) return -1;
    z_stream stream = {0};
    if (inflateInit(&stream) != Z_OK) return -1;
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)count;
    stream.next_out = target;
    stream.avail_out = (uInt)capacity;
    int status = inflate(&stream, Z_FINISH);
    ptrdiff_t produced = (ptrdiff_t)(capacity - stream.avail_out);
    int is_full = stream.avail_out == 0;
    inflateEnd(&stream);
    if (status == Z_STREAM_END) return produced;
    return is_full ? -2 : -1;
}

uint32_t cic_crc32(const uint8_t *bytes, size_t count) { return (uint32_t)crc32_z(0, bytes, count); }
