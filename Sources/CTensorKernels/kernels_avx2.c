// The kernels for x86-64 with AVX2 and FMA. The attribute, not a compiler flag, raises the instruction set, so that the
// rest of the program still runs on processors without it. PREFETCHW does nothing on processors that have AVX2 but not
// it.
#if defined(__x86_64__)
#define CTK_TABLE ctk_avx2
#define CTK_NAME "avx2"
// 6 x 16 accumulators of eight lanes take 12 of the 16 registers.
#define CTK_MR 6
#define CTK_MR8 12
#pragma clang attribute push(__attribute__((target("avx2,fma,prfchw"))), apply_to = function)
#include "kernels.inc.h"
#pragma clang attribute pop
#endif
