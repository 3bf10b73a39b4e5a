#include "CLocaleData.h"

// Foundation's library has its ICU data in an object file of its own, which is linked where nothing else defines its
// symbol. A static build defines it here, with what etc/static/select-icu-data.c left of it.

#ifdef ICU_DATA
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".globl " ICU_SYMBOL "\n" ICU_SYMBOL ":\n"
        ".incbin \"" ICU_DATA "\"\n"
        ".popsection\n");

int CLocaleData_isSelected(void) { return 1; }
#else
int CLocaleData_isSelected(void) { return 0; }
#endif
