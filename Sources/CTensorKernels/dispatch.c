// Picks the table of kernels for this processor, once.
#include "CTensorKernels.h"

#include <stdlib.h>
#include <string.h>

extern const struct ctk_kernels ctk_portable;
#if defined(__x86_64__)
extern const struct ctk_kernels ctk_avx2;
#endif

const struct ctk_kernels *ctk_available(size_t i) {
    const struct ctk_kernels *list[3];
    size_t n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list[n++] = &ctk_avx2;
#endif
    list[n++] = &ctk_portable;
    return i < n ? list[i] : NULL;
}

const struct ctk_kernels *ctk_named(const char *name) {
    const struct ctk_kernels *k;
    for (size_t i = 0; (k = ctk_available(i)); i++)
        if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

const struct ctk_kernels *ctk_default(void) {
    const char *forced = getenv("CYCLEGAN_STYLED_KERNELS");
    const struct ctk_kernels *k = forced && *forced ? ctk_named(forced) : NULL;
    return k ? k : ctk_available(0);
}

size_t ctk_packed_size(ptrdiff_t k, ptrdiff_t n) {
    ptrdiff_t rest = n % CTK_PANEL;
    return (size_t)(k * (n - rest + (rest == 0 ? 0 : rest <= 8 ? 8 : CTK_PANEL)));
}
