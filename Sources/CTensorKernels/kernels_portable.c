// The kernels for any processor: vector extensions, lowered by the compiler to what the target has.
#define CTK_TABLE ctk_portable
#define CTK_NAME "portable"
// Few registers: 3 x 16 accumulators of four lanes take 12.
#define CTK_MR 3
#define CTK_MR8 4
#include "kernels.inc.h"
