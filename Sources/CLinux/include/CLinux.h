// The Linux calls that Swift cannot import by itself: GNU extensions, and headers outside glibc's module map. Each
// keeps its call's convention: -1 and `errno` where it fails, unless it says otherwise.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

extern const unsigned int CLinux_renameNoReplace; ///< RENAME_NOREPLACE: EEXIST where the new name is taken
extern const unsigned int CLinux_renameExchange;  ///< RENAME_EXCHANGE: the two names are swapped

/// renameat2(2) on paths as they are; older libcs have no wrapper.
int CLinux_rename(const char *from, const char *to, unsigned int flags);

/// The file system's magic number (statfs f_type) as an unsigned number: its type differs between architectures.
int CLinux_fileSystemMagic(int descriptor, uint64_t *magic);

/// fsetxattr(2).
int CLinux_setAttribute(int descriptor, const char *name, const void *value, size_t length);

/// lgetxattr(2): the value's length (ENODATA where there is none).
ssize_t CLinux_attribute(const char *path, const char *name, void *value, size_t capacity);

/// Whether a name matches a glob pattern (*, ?, [...]), capitals and small letters alike (a GNU flag of fnmatch).
int CLinux_nameMatches(const char *pattern, const char *name);

/// Names the calling thread (15 bytes at most) so that it can be told apart in ps and in a debugger.
void CLinux_nameThread(const char *name);

/// An eventfd that wakes a poll(2), non-blocking and close-on-exec.
int CLinux_openWakeup(void);

/// Has the kernel send this process a signal when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).
int CLinux_signalAtParentsDeath(int signal);

/// Gives the calling thread, and those that it will start, only what processors would otherwise idle away (SCHED_IDLE).
int CLinux_runWhenIdle(void);

/// The same for input and output (ioprio_set(2), IOPRIO_CLASS_IDLE).
int CLinux_readAndWriteWhenIdle(void);

/// Limits this process's own memory (RLIMIT_DATA), in bytes; Swift knows the resource's type under another name in each
/// libc.
int CLinux_limitMemory(uint64_t bytes);

/// Starts a program (posix_spawn(3)) in a process group of its own, with no signal blocked, ignored or handled, and no
/// descriptor but `input`, and `output` for standard output and standard error. 0, or the error's number.
int CLinux_spawn(pid_t *process, const char *program, char *const arguments[], char *const environment[], int input,
                 int output);

/// The process at the other end of a UNIX socket (SO_PEERCRED); 0 where it is outside this namespace, or where that
/// fails.
pid_t CLinux_peerProcess(int socket);

/// Processors in this process's affinity mask (all that are online, where it is wider than the mask's type).
int CLinux_processorsInAffinity(void);

/// malloc_trim(3): free memory goes back to the kernel.
void CLinux_trimHeap(void);

/// mallopt(3): threads share `count` heaps, each of which keeps what was freed in it (M_ARENA_MAX), and memory of
/// `mapped` bytes and more never comes from a heap (M_MMAP_THRESHOLD, which else grows to 32 MB with what is freed):
/// freed, it goes back to the kernel.
void CLinux_limitHeaps(int count, int mapped);

#endif
