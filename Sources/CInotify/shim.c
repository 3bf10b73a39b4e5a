#define _GNU_SOURCE
#include "CInotify.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

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

// These two belong to the kernel's interface; headers that predate renameat2 lack them.
enum { renameNoReplace = 1, renameExchange = 2 };

static int resultOf(int value) {
    return value < 0 ? -errno : value;
}

int CInotify_open(void) {
    return resultOf(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
}

int CInotify_addWatch(int descriptor, const char *path, uint32_t mask) {
    return resultOf(inotify_add_watch(descriptor, path, mask));
}

int CInotify_removeWatch(int descriptor, int watch) {
    return resultOf(inotify_rm_watch(descriptor, watch));
}

ssize_t CInotify_eventAt(const void *buffer, size_t length, size_t offset, CInotify_event *event) {
    struct inotify_event header;
    if (offset >= length) return 0;
    if (length - offset < sizeof header) return -EBADMSG;
    // The buffer carries no promise of alignment.
    memcpy(&header, (const char *)buffer + offset, sizeof header);
    if (header.len > length - offset - sizeof header) return -EBADMSG;
    event->watch = header.wd;
    event->mask = header.mask;
    event->cookie = header.cookie;
    event->name = (const uint8_t *)buffer + offset + sizeof header;
    event->nameLength = strnlen((const char *)event->name, header.len);
    return (ssize_t)(offset + sizeof header + header.len);
}

int CInotify_openAt(int directory, const char *path, int flags, mode_t mode) {
    return resultOf(openat(directory, path, flags, mode));
}

int CInotify_openUnnamed(int directory, mode_t mode) {
    return resultOf(openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
}

int CInotify_linkOpenFile(int descriptor, int directory, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    if (linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW) == 0) return 0;
    if (errno != ENOENT) return -errno;
    // Without /proc; needs CAP_DAC_READ_SEARCH.
    return resultOf(linkat(descriptor, "", directory, name, AT_EMPTY_PATH));
}

int CInotify_rename(int fromDirectory, const char *from, int toDirectory, const char *to, int noReplace, int exchange) {
    unsigned int flags = (noReplace ? renameNoReplace : 0) | (exchange ? renameExchange : 0);
    return resultOf((int)syscall(SYS_renameat2, fromDirectory, from, toDirectory, to, flags));
}

int CInotify_fileSystemMagic(int descriptor, uint64_t *magic) {
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return -errno;
    *magic = (uint32_t)status.f_type;  // some magics have the sign bit set
    return 0;
}

int CInotify_reserve(int descriptor, off_t length) {
    if (length <= 0) return 0;
    if (fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, length) == 0) return 0;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return 0;
    return -errno;
}

int CInotify_statAt(int directory, const char *name, struct stat *status) {
    return resultOf(fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW));
}

const char *CInotify_nextEntry(DIR *directory, int *error) {
    errno = 0;
    struct dirent *entry = readdir(directory);
    *error = entry ? 0 : -errno;
    return entry ? entry->d_name : NULL;
}

int CInotify_nameMatches(const char *pattern, const char *name) {
    return fnmatch(pattern, name, FNM_CASEFOLD) == 0;
}

void CInotify_nameThread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

int CInotify_setAttribute(int descriptor, const char *name, const void *value, size_t length) {
    return resultOf(fsetxattr(descriptor, name, value, length, 0));
}

ssize_t CInotify_attribute(const char *path, const char *name, void *value, size_t capacity) {
    ssize_t length = lgetxattr(path, name, value, capacity);
    return length < 0 ? -errno : length;
}

pid_t CInotify_peerProcess(int socket) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? credentials.pid : 0;
}

int CInotify_openWakeup(void) {
    return resultOf(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}
