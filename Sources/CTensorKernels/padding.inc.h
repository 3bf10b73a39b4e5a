// Reading pixels inside and outside an image.

/// The coordinate that a padded coordinate reads, or -1 for a zero.
INLINE ptrdiff_t resolve(ptrdiff_t i, ptrdiff_t n, enum ctk_padding padding) {
    if (i >= 0 && i < n) return i;
    if (padding == CTK_PADDING_ZERO) return -1;
    if (padding == CTK_PADDING_REFLECT && n > 1) {
        // Mirrored as often as it takes, so that a border wider than the image stays defined.
        ptrdiff_t period = 2 * (n - 1);
        i %= period;
        if (i < 0) i += period;
        return i < n ? i : period - i;
    }
    return i < 0 ? 0 : n - 1;
}

INLINE v8 read8(v8 x, const struct ctk_read *read, ptrdiff_t c, v8 slope) {
    return activate8((x - load8(read->mean + c)) * load8(read->scale + c), slope);
}

INLINE float read1(float x, const struct ctk_read *read, ptrdiff_t c) {
    float v = (x - read->mean[c]) * read->scale[c];
    return v > 0 ? v : v * read->slope;
}

INLINE void read_pixels(ptrdiff_t pixels, ptrdiff_t c, const float *x, const struct ctk_read *read, float *y) {
    if (!read || !read->mean) {
        memcpy(y, x, (size_t)(pixels * c) * sizeof(float));
        return;
    }
    v8 slope = splat8(read->slope);
    for (ptrdiff_t p = 0; p < pixels; p++, x += c, y += c) {
        ptrdiff_t j = 0;
        for (; j + 8 <= c; j += 8) store8(y + j, read8(load8(x + j), read, j, slope));
        for (; j < c; j++) y[j] = read1(x[j], read, j);
    }
}

static void padded_row(const struct ctk_image *image, enum ctk_padding padding, ptrdiff_t y, ptrdiff_t x0, ptrdiff_t x1,
                       const struct ctk_read *read, float *dst) {
    ptrdiff_t c = image->channels, w = image->width, sy = resolve(y, image->height, padding);
    if (sy < 0) {
        memset(dst, 0, (size_t)((x1 - x0) * c) * sizeof(float));
        return;
    }
    const float *row = image->data + (sy - image->first_row) * image->row_stride;
    ptrdiff_t from = x0 < 0 ? 0 : x0 < w ? x0 : w, to = x1 < w ? x1 : w;
    if (to < from) to = from;
    read_pixels(to - from, c, row + from * c, read, dst + (from - x0) * c);
    for (ptrdiff_t x = x0; x < x1; x++) {
        if (x == from && to > from) {
            x = to - 1;
            continue;
        }
        ptrdiff_t sx = resolve(x, w, padding);
        if (sx < 0)
            memset(dst + (x - x0) * c, 0, (size_t)c * sizeof(float));
        else
            read_pixels(1, c, row + sx * c, read, dst + (x - x0) * c);
    }
}
