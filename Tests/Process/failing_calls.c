// Counts the system calls of a process on files below one directory, and fails the n-th. To be loaded before the C
// library (LD_PRELOAD); test_failing_calls.py builds it and says what it is for.
//
//     TEAROFF_FAIL_UNDER    the directory, as the process names it
//     TEAROFF_FAIL_CALL     which call, from 1; 0: none
//     TEAROFF_FAIL_WITH     an errno; or "short0", "short1", "short2": a read or write that moves no byte, one, or half
//     TEAROFF_FAIL_REPORT   a file of one page, where counts and the call that failed are told
//     TEAROFF_FAIL_TRACE    a file that all calls are told to in their order, as "call path"; none: they are not

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS = 4096 };

struct report {
    _Atomic uint64_t count;
    _Atomic uint64_t failed;
    char what[1024];
};

static struct report nowhere;
static struct report *report = &nowhere;
static const char *under;
static size_t under_length;
static uint64_t failing_call;
static int failing_errno;
static int short_kind = -1;
static int trace = -1;
static const char *_Atomic names[DESCRIPTORS];

__attribute__((constructor)) static void begin(void) {
    under = getenv("TEAROFF_FAIL_UNDER");
    under_length = under == NULL ? 0 : strlen(under);
    const char *call = getenv("TEAROFF_FAIL_CALL");
    failing_call = call == NULL ? 0 : strtoull(call, NULL, 10);
    const char *with = getenv("TEAROFF_FAIL_WITH");
    if (with != NULL && strncmp(with, "short", 5) == 0) {
        short_kind = atoi(with + 5);
    } else if (with != NULL) {
        failing_errno = atoi(with);
    }
    const char *path = getenv("TEAROFF_FAIL_REPORT");
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (file >= 0) {
        void *page = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (page != MAP_FAILED) {
            report = page;
        }
        close(file);
    }
    path = getenv("TEAROFF_FAIL_TRACE");
    trace = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

enum { WHOLE_PATH = 8192 };

// The server names its files below a directory that it holds open: that directory's path, and what follows.
static const char *whole(const char *path, char buffer[WHOLE_PATH]) {
    int descriptor, length = 0;
    if (path == NULL || sscanf(path, "/proc/self/fd/%d%n", &descriptor, &length) != 1) {
        return path;
    }
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, buffer, WHOLE_PATH / 2);
    if (count < 0) {
        return path;
    }
    snprintf(buffer + count, WHOLE_PATH / 2, "%s", path + length);
    return buffer;
}

static bool is_below(const char *path) {
    return under_length > 0 && path != NULL && strncmp(path, under, under_length) == 0;
}

static const char *name_of(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS ? atomic_load(&names[descriptor]) : NULL;
}

// One write, since other threads tell theirs between two.
static void tell(const char *call, const char *path, const char *new_path) {
    if (trace >= 0 && new_path != NULL) {
        dprintf(trace, "%s %s\n%s-to %s\n", call, path, call, new_path);
    } else if (trace >= 0) {
        dprintf(trace, "%s %s\n", call, path);
    }
}

// Counts a call. `may_be_short`: whether it moves bytes; only such a call is cut short, and it counts alone then.
static bool is_turn(const char *call, const char *path, const char *new_path, bool may_be_short) {
    tell(call, path, new_path);
    if (short_kind >= 0 && !may_be_short) {
        return false;
    }
    if (atomic_fetch_add(&report->count, 1) + 1 != failing_call) {
        return false;
    }
    snprintf(report->what, sizeof report->what, "%s %s", call, path);
    atomic_store(&report->failed, failing_call);
    return true;
}

static bool fails_to(const char *call, const char *named, const char *new_name) {
    char buffer[WHOLE_PATH], new_buffer[WHOLE_PATH];
    const char *path = whole(named, buffer);
    if (!is_below(path) || !is_turn(call, path, whole(new_name, new_buffer), false)) {
        return false;
    }
    errno = failing_errno;
    return true;
}

static bool fails(const char *call, const char *named) { return fails_to(call, named, NULL); }

static bool fails_at(const char *call, int descriptor) {
    const char *name = name_of(descriptor);
    if (name == NULL || !is_turn(call, name, NULL, false)) {
        return false;
    }
    errno = failing_errno;
    return true;
}

// How many bytes a read or write may move: all, fewer, or -1 for an error.
static ssize_t granted(const char *call, int descriptor, size_t count) {
    const char *name = name_of(descriptor);
    if (name == NULL || !is_turn(call, name, NULL, true)) {
        return (ssize_t)count;
    }
    switch (short_kind) {
    case 0: return 0;
    case 1: return 1;
    case 2: return (ssize_t)(count / 2);
    default: errno = failing_errno; return -1;
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int opened(int descriptor, const char *named) {
    char buffer[WHOLE_PATH];
    const char *path = whole(named, buffer);
    if (descriptor >= 0 && descriptor < DESCRIPTORS && is_below(path)) {
        atomic_store(&names[descriptor], strdup(path));
    }
    return descriptor;
}

#define OPEN(name)                                        \
    int name(const char *path, int flags, ...) {          \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode_t mode = va_arg(rest, mode_t);               \
        va_end(rest);                                     \
        if (fails("open", path)) {                        \
            return -1;                                    \
        }                                                 \
        return opened(REAL(name)(path, flags, mode), path); \
    }
OPEN(open)
OPEN(open64)

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS) {
        free((void *)atomic_exchange(&names[descriptor], NULL));
    }
    return REAL(close)(descriptor);
}

#define WRITE(name)                                                                    \
    ssize_t name(int descriptor, const void *bytes, size_t count, off_t offset) {      \
        ssize_t part = granted("pwrite", descriptor, count);                           \
        return part <= 0 && count > 0 ? part : REAL(name)(descriptor, bytes, (size_t)part, offset); \
    }
WRITE(pwrite)
WRITE(pwrite64)

#define READ(name)                                                                     \
    ssize_t name(int descriptor, void *bytes, size_t count, off_t offset) {            \
        ssize_t part = granted("pread", descriptor, count);                            \
        return part <= 0 && count > 0 ? part : REAL(name)(descriptor, bytes, (size_t)part, offset); \
    }
READ(pread)
READ(pread64)

#define WRITE_VECTOR(name)                                                                        \
    ssize_t name(int descriptor, const struct iovec *vector, int count, off_t offset, int flags) { \
        if (count != 1) {                                                                         \
            return REAL(name)(descriptor, vector, count, offset, flags);                          \
        }                                                                                         \
        ssize_t part = granted("pwritev2", descriptor, vector->iov_len);                          \
        struct iovec cut = {vector->iov_base, part < 0 ? 0 : (size_t)part};                       \
        return part <= 0 ? part : REAL(name)(descriptor, &cut, 1, offset, flags);                 \
    }
WRITE_VECTOR(pwritev2)
WRITE_VECTOR(pwritev64v2)

int fsync(int descriptor) { return fails_at("fsync", descriptor) ? -1 : REAL(fsync)(descriptor); }

int fdatasync(int descriptor) { return fails_at("fdatasync", descriptor) ? -1 : REAL(fdatasync)(descriptor); }

#define ALLOCATE(name)                                                            \
    int name(int descriptor, off_t offset, off_t count) {                         \
        /* It returns its error, and leaves errno alone. */                       \
        return fails_at("posix_fallocate", descriptor) ? failing_errno            \
                                                       : REAL(name)(descriptor, offset, count); \
    }
ALLOCATE(posix_fallocate)
ALLOCATE(posix_fallocate64)

#define STAT(name, type)                                                                   \
    int name(int descriptor, struct type *info) {                                          \
        return fails_at("fstat", descriptor) ? -1 : REAL(name)(descriptor, info);          \
    }
STAT(fstat, stat)
STAT(fstat64, stat64)

int flock(int descriptor, int operation) {
    return fails_at("flock", descriptor) ? -1 : REAL(flock)(descriptor, operation);
}

int rename(const char *old, const char *new) {
    return fails_to("rename", old, new) ? -1 : REAL(rename)(old, new);
}

int unlink(const char *path) { return fails("unlink", path) ? -1 : REAL(unlink)(path); }

int mkdir(const char *path, mode_t mode) { return fails("mkdir", path) ? -1 : REAL(mkdir)(path, mode); }

int link(const char *old, const char *new) { return fails("link", new) ? -1 : REAL(link)(old, new); }

int access(const char *path, int mode) { return fails("access", path) ? -1 : REAL(access)(path, mode); }

DIR *opendir(const char *path) {
    if (fails("opendir", path)) {
        return NULL;
    }
    DIR *stream = REAL(opendir)(path);
    if (stream != NULL) {
        opened(dirfd(stream), path);
    }
    return stream;
}

#define READ_DIRECTORY(name, type)                                            \
    struct type *name(DIR *stream) {                                          \
        return fails_at("readdir", dirfd(stream)) ? NULL : REAL(name)(stream); \
    }
READ_DIRECTORY(readdir, dirent)
READ_DIRECTORY(readdir64, dirent64)

int closedir(DIR *stream) {
    int descriptor = dirfd(stream);
    if (descriptor >= 0 && descriptor < DESCRIPTORS) {
        free((void *)atomic_exchange(&names[descriptor], NULL));
    }
    return REAL(closedir)(stream);
}
