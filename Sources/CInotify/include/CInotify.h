// inotify(7), which Swift cannot import by itself: its constants have types of several kinds, and its event ends in a
// flexible array. Each function keeps its call's convention: -1 and `errno` where it fails.
#ifndef CINOTIFY_H
#define CINOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Typed copies of the inotify constants: Swift imports some of the macros as Int and others not at all.
extern const uint32_t CInotify_maskAttributes;      // IN_ATTRIB
extern const uint32_t CInotify_maskCloseWrite;      // IN_CLOSE_WRITE
extern const uint32_t CInotify_maskCreate;          // IN_CREATE
extern const uint32_t CInotify_maskDelete;          // IN_DELETE
extern const uint32_t CInotify_maskDeleteSelf;      // IN_DELETE_SELF
extern const uint32_t CInotify_maskMovedFrom;       // IN_MOVED_FROM
extern const uint32_t CInotify_maskMovedTo;         // IN_MOVED_TO
extern const uint32_t CInotify_maskMoveSelf;        // IN_MOVE_SELF
extern const uint32_t CInotify_maskUnmount;         // IN_UNMOUNT
extern const uint32_t CInotify_maskOverflow;        // IN_Q_OVERFLOW
extern const uint32_t CInotify_maskIgnored;         // IN_IGNORED
extern const uint32_t CInotify_maskIsDirectory;     // IN_ISDIR
extern const uint32_t CInotify_maskOnlyDirectory;   // IN_ONLYDIR
extern const uint32_t CInotify_maskDoNotFollow;     // IN_DONT_FOLLOW
extern const uint32_t CInotify_maskExcludeUnlinked; // IN_EXCL_UNLINK

/// One inotify event with its name, made flat: the kernel's own structure ends in a flexible array.
typedef struct {
    int32_t watch; ///< watch descriptor, -1 for an overflow
    uint32_t mask;
    uint32_t cookie;     ///< joins the two halves of a rename
    const uint8_t *name; ///< inside the buffer that was read; not null-terminated as far as the caller is concerned
    size_t nameLength;   ///< bytes up to the first NUL, 0 for an event of the directory itself
} CInotify_event;

/// inotify_init1 with IN_NONBLOCK and IN_CLOEXEC, whose types differ between architectures' headers.
int CInotify_open(void);

/// inotify_add_watch; the watch descriptor.
int CInotify_addWatch(int descriptor, const char *path, uint32_t mask);

/// inotify_rm_watch.
int CInotify_removeWatch(int descriptor, int watch);

/// Takes the event at `offset` out of a buffer filled by read(2). Returns the offset of the next one, 0 when the
/// buffer is used up, -1 when a length in it points outside the buffer.
ssize_t CInotify_eventAt(const void *buffer, size_t length, size_t offset, CInotify_event *event);

#endif
