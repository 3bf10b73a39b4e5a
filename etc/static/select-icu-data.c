// Leaves out of Foundation's ICU data what these programs never ask for: of 34 MB, most are names of languages,
// currencies and units in every language, collations and old encodings. What stays: time zones, properties of
// characters, and English.
//
//   select-icu-data < icudtNNl.dat > selected.dat
//
// The format: a header (its size in the first two bytes, "CmnD" at byte 12), then a table of contents: a count, and for
// each item the offsets of its name and its content, counted from the table; names in ascending order, contents after
// one another.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
    uint32_t name, content;
};

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

// Whether a name is a locale's: two or three small letters, then nothing or an underscore.
static int is_locale(const char *name) {
    size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyz");
    return letters >= 2 && letters <= 3 && (name[letters] == '_' || strcmp(name + letters, ".res") == 0);
}

static int is_wanted(const char *path) {
    const char *name = strrchr(path, '/') + 1;
    static const char *kept[] = {"en.res", "en_US.res", "en_US_POSIX.res"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, kept[i]) == 0) return 1;
    if (strstr(path, "/translit/") || ends_with(name, ".cnv") || ends_with(name, ".dict")) return 0;
    return !is_locale(name);
}

static void fail(const char *what) {
    fprintf(stderr, "select-icu-data: %s\n", what);
    exit(1);
}

static void write_all(const void *bytes, size_t count) {
    if (fwrite(bytes, 1, count, stdout) != count) fail("the output cannot be written");
}

int main(void) {
    size_t capacity = 64 << 20, size = 0, part;
    char *data = malloc(capacity);
    if (!data) fail("there is no memory");
    while (size < capacity && (part = fread(data + size, 1, capacity - size, stdin)) > 0) size += part;
    if (size < 32 || memcmp(data + 12, "CmnD", 4) != 0) fail("this is no common ICU data");

    uint16_t header = *(uint16_t *)data;
    char *table = data + header;
    uint32_t count = *(uint32_t *)table, wanted = 0, names = 0;
    struct item *items = (struct item *)(table + 4);
    size_t end = size - header;
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].name >= end || items[i].content >= end) fail("the table of contents is damaged");
        if (!is_wanted(table + items[i].name)) continue;
        wanted++;
        names += strlen(table + items[i].name) + 1;
    }
    if (wanted == 0) fail("nothing would be left");

    write_all(data, header);
    write_all(&wanted, 4);
    uint32_t name = 4 + 8 * wanted, content = (name + names + 15) / 16 * 16;
    uint32_t padding = content - name - names;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_wanted(table + items[i].name)) continue;
        struct item item = {name, content};
        write_all(&item, sizeof item);
        name += strlen(table + items[i].name) + 1;
        uint32_t next = i + 1 < count ? items[i + 1].content : end;
        content += (next - items[i].content + 15) / 16 * 16;
    }
    for (uint32_t i = 0; i < count; i++)
        if (is_wanted(table + items[i].name)) write_all(table + items[i].name, strlen(table + items[i].name) + 1);
    static const char zeros[16];
    write_all(zeros, padding);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_wanted(table + items[i].name)) continue;
        uint32_t next = i + 1 < count ? items[i + 1].content : end, length = next - items[i].content;
        write_all(table + items[i].content, length);
        write_all(zeros, (16 - length % 16) % 16);
    }
    if (fflush(stdout) != 0) fail("the output cannot be written");
    fprintf(stderr, "ICU data: %u of %u items stay, %.1f of %.1f MB\n", wanted, count, (header + content) / 1e6,
            size / 1e6);
    return 0;
}
