#include "CInotify.h"

#include <string.h>
#include <sys/inotify.h>

const uint32_t CInotify_maskAttributes = IN_ATTRIB;
const uint32_t CInotify_maskCloseWrite = IN_CLOSE_WRITE;
const uint32_t CInotify_maskCreate = IN_CREATE;
const uint32_t CInotify_maskDelete = IN_DELETE;
const uint32_t CInotify_maskDeleteSelf = IN_DELETE_SELF;
const uint32_t CInotify_maskMovedFrom = IN_MOVED_FROM;
const uint32_t CInotify_maskMovedTo = IN_MOVED_TO;
const uint32_t CInotify_maskMoveSelf = IN_MOVE_SELF;
const uint32_t CInotify_maskUnmount = IN_UNMOUNT;
const uint32_t CInotify_maskOverflow = IN_Q_OVERFLOW;
const uint32_t CInotify_maskIgnored = IN_IGNORED;
const uint32_t CInotify_maskIsDirectory = IN_ISDIR;
const uint32_t CInotify_maskOnlyDirectory = IN_ONLYDIR;
const uint32_t CInotify_maskDoNotFollow = IN_DONT_FOLLOW;
const uint32_t CInotify_maskExcludeUnlinked = IN_EXCL_UNLINK;

int CInotify_open(void) { return inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }

int CInotify_addWatch(int descriptor, const char *path, uint32_t mask) {
    return inotify_add_watch(descriptor, path, mask);
}

int CInotify_removeWatch(int descriptor, int watch) { return inotify_rm_watch(descriptor, watch); }

ssize_t CInotify_eventAt(const void *buffer, size_t length, size_t offset, CInotify_event *event) {
    struct inotify_event header;
    if (offset >= length) return 0;
    if (length - offset < sizeof header) return -1;
    // The buffer carries no promise of alignment.
    memcpy(&header, (const char *)buffer + offset, sizeof header);
    if (header.len > length - offset - sizeof header) return -1;
    event->watch = header.wd;
    event->mask = header.mask;
    event->cookie = header.cookie;
    event->name = (const uint8_t *)buffer + offset + sizeof header;
    event->nameLength = strnlen((const char *)event->name, header.len);
    return (ssize_t)(offset + sizeof header + header.len);
}
