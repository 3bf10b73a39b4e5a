#include "CRevision.h"

// A file of its own, so that another revision compiles nothing else anew.

const char *CRevision_text(void) {
#ifdef REVISION
    return REVISION;
#else
    return "";
#endif
}
