#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

// These belong to the kernel's interface; headers that predate renameat2 lack them.
const unsigned int CLinux_renameNoReplace = 1;
const unsigned int CLinux_renameExchange = 2;

int CLinux_rename(const char *from, const char *to, unsigned int flags) {
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

int CLinux_fileSystemMagic(int descriptor, uint64_t *magic) {
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return -1;
    *magic = (uint32_t)status.f_type; // some magics have the sign bit set
    return 0;
}

int CLinux_setAttribute(int descriptor, const char *name, const void *value, size_t length) {
    return fsetxattr(descriptor, name, value, length, 0);
}

ssize_t CLinux_attribute(const char *path, const char *name, void *value, size_t capacity) {
    return lgetxattr(path, name, value, capacity);
}

int CLinux_nameMatches(const char *pattern, const char *name) { return fnmatch(pattern, name, FNM_CASEFOLD) == 0; }

void CLinux_nameThread(const char *name) { pthread_setname_np(pthread_self(), name); }

int CLinux_openWakeup(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

pid_t CLinux_peerProcess(int socket) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? credentials.pid : 0;
}

int CLinux_processorsInAffinity(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return (int)sysconf(_SC_NPROCESSORS_ONLN);
    return CPU_COUNT(&set);
}

void CLinux_trimHeap(void) { malloc_trim(0); }

void CLinux_limitHeaps(int count, int mapped) {
    mallopt(M_ARENA_MAX, count);
    mallopt(M_MMAP_THRESHOLD, mapped);
}
