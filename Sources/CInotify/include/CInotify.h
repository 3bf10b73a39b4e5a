// The Linux calls behind DirectoryWatching that Swift cannot import by itself. Every function returns its result, or
// a negative errno: the value of `errno` does not survive the way into Swift reliably.
#ifndef CINOTIFY_H
#define CINOTIFY_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

// Typed copies of the inotify constants: Swift imports some of the macros as Int and others not at all.
extern const uint32_t CInotify_maskAttributes;   // IN_ATTRIB
extern const uint32_t CInotify_maskCloseWrite;   // IN_CLOSE_WRITE
extern const uint32_t CInotify_maskCreate;       // IN_CREATE
extern const uint32_t CInotify_maskDelete;       // IN_DELETE
extern const uint32_t CInotify_maskDeleteSelf;   // IN_DELETE_SELF
extern const uint32_t CInotify_maskMovedFrom;    // IN_MOVED_FROM
extern const uint32_t CInotify_maskMovedTo;      // IN_MOVED_TO
extern const uint32_t CInotify_maskMoveSelf;     // IN_MOVE_SELF
extern const uint32_t CInotify_maskUnmount;      // IN_UNMOUNT
extern const uint32_t CInotify_maskOverflow;     // IN_Q_OVERFLOW
extern const uint32_t CInotify_maskIgnored;      // IN_IGNORED
extern const uint32_t CInotify_maskIsDirectory;  // IN_ISDIR
extern const uint32_t CInotify_maskOnlyDirectory;   // IN_ONLYDIR
extern const uint32_t CInotify_maskDoNotFollow;     // IN_DONT_FOLLOW
extern const uint32_t CInotify_maskExcludeUnlinked; // IN_EXCL_UNLINK

/// One inotify event with its name, made flat: the kernel's own structure ends in a flexible array.
typedef struct {
    int32_t watch;          ///< watch descriptor, -1 for an overflow
    uint32_t mask;
    uint32_t cookie;        ///< joins the two halves of a rename
    const uint8_t *name;    ///< inside the buffer that was read; not null-terminated as far as the caller is concerned
    size_t nameLength;      ///< bytes up to the first NUL, 0 for an event of the directory itself
} CInotify_event;

/// inotify_init1 with IN_NONBLOCK and IN_CLOEXEC, whose types differ between architectures' headers.
int CInotify_open(void);

/// inotify_add_watch; the watch descriptor or a negative errno.
int CInotify_addWatch(int descriptor, const char *path, uint32_t mask);

/// inotify_rm_watch; 0 or a negative errno.
int CInotify_removeWatch(int descriptor, int watch);

/// Takes the event at `offset` out of a buffer filled by read(2). Returns the offset of the next one, 0 when the
/// buffer is used up, -EBADMSG when a length in it points outside the buffer.
ssize_t CInotify_eventAt(const void *buffer, size_t length, size_t offset, CInotify_event *event);

/// openat(2) is variadic, which Swift does not import. The mode is used with O_CREAT and O_TMPFILE only.
int CInotify_openAt(int directory, const char *path, int flags, mode_t mode);

/// O_TMPFILE is composed of two flags in a way that the importer gives up on: an unnamed file in `directory`.
int CInotify_openUnnamed(int directory, mode_t mode);

/// Gives an unnamed file (or any open one) a name, never replacing another file (EEXIST).
int CInotify_linkOpenFile(int descriptor, int directory, const char *name);

/// renameat2(2): `noReplace` fails with EEXIST, `exchange` swaps the two names. Older libcs have no wrapper.
int CInotify_rename(int fromDirectory, const char *from, int toDirectory, const char *to, int noReplace, int exchange);

/// The file system's magic number (statfs f_type) as an unsigned number: its type differs between architectures.
/// Returns 0 or a negative errno.
int CInotify_fileSystemMagic(int descriptor, uint64_t *magic);

/// Reserves space so that a full disk shows before writing (fallocate); falls back to 0 where unsupported.
int CInotify_reserve(int descriptor, off_t length);

/// fstatat(2) without following symbolic links; 0 or a negative errno.
int CInotify_statAt(int directory, const char *name, struct stat *status);

/// The next entry's name or NULL at the end; `error` tells the two NULLs of readdir(3) apart. Swift sees d_name as a
/// tuple of 256 numbers.
const char *CInotify_nextEntry(DIR *directory, int *error);

/// Whether a name matches a glob pattern (*, ?, [...]), capitals and small letters alike (a GNU flag of fnmatch).
int CInotify_nameMatches(const char *pattern, const char *name);

/// Names the calling thread (15 bytes at most) so that it can be told apart in ps and in a debugger; a GNU extension.
void CInotify_nameThread(const char *name);

/// fsetxattr(2), whose header is not imported; 0 or a negative errno.
int CInotify_setAttribute(int descriptor, const char *name, const void *value, size_t length);

/// lgetxattr(2): the value's length or a negative errno (ENODATA where there is none).
ssize_t CInotify_attribute(const char *path, const char *name, void *value, size_t capacity);

/// The process at the other end of a UNIX socket (SO_PEERCRED, a GNU structure); 0 where it is outside this namespace.
pid_t CInotify_peerProcess(int socket);

/// An eventfd that wakes a poll(2), non-blocking and close-on-exec.
int CInotify_openWakeup(void);

#endif
