#ifndef CREVISION_H
#define CREVISION_H

/// The revision of the sources that this was built from, as git names it; empty where the build was not told.
const char *CRevision_text(void);

#endif
