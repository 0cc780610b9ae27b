// Loaded into tearoffd (LD_PRELOAD) by powerloss.py: keeps, beside the files, what a disk would still have if the power
// failed now. Nothing is durable but by fsync, fdatasync and RWF_DSYNC: no byte that was only written, no name whose
// directory was not synced. It is the most forgetful disk that POSIX allows; LazyFS (DSN 2024) had the idea.
//
// Environment: POWER_ROOTS, the directories that are looked after, with ':' between; POWER_STORE, where the durable state
// is kept: f<inode> for a file's bytes, d<inode> for a directory's names; POWER_CUT, the number of the call before which
// the process is killed, or 0; POWER_COUNT, a file that is told how many calls there were.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS = 4096, ROOTS = 8, PATH = 4096 };

static char roots[ROOTS][PATH];
static int rootCount;
static char store[PATH];
static char countFile[PATH];
static long cut, calls;
static unsigned char isTracked[DESCRIPTORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*realOpen)(const char *, int, ...);
static int (*realClose)(int);
static int (*realFsync)(int);
static int (*realFdatasync)(int);
static int (*realRename)(const char *, const char *);
static int (*realUnlink)(const char *);
static int (*realMkdir)(const char *, mode_t);
static int (*realLink)(const char *, const char *);
static ssize_t (*realPwrite)(int, const void *, size_t, off_t);
static ssize_t (*realPwritev2)(int, const struct iovec *, int, off_t, int);

__attribute__((constructor)) static void begin(void) {
    realOpen = dlsym(RTLD_NEXT, "open");
    realClose = dlsym(RTLD_NEXT, "close");
    realFsync = dlsym(RTLD_NEXT, "fsync");
    realFdatasync = dlsym(RTLD_NEXT, "fdatasync");
    realRename = dlsym(RTLD_NEXT, "rename");
    realUnlink = dlsym(RTLD_NEXT, "unlink");
    realMkdir = dlsym(RTLD_NEXT, "mkdir");
    realLink = dlsym(RTLD_NEXT, "link");
    realPwrite = dlsym(RTLD_NEXT, "pwrite");
    realPwritev2 = dlsym(RTLD_NEXT, "pwritev2");
    const char *list = getenv("POWER_ROOTS");
    while (list && *list && rootCount < ROOTS) {
        size_t length = strcspn(list, ":");
        snprintf(roots[rootCount++], PATH, "%.*s", (int)length, list);
        list += length + (list[length] == ':');
    }
    snprintf(store, PATH, "%s", getenv("POWER_STORE") ? getenv("POWER_STORE") : "");
    snprintf(countFile, PATH, "%s", getenv("POWER_COUNT") ? getenv("POWER_COUNT") : "");
    cut = getenv("POWER_CUT") ? atol(getenv("POWER_CUT")) : 0;
}

// The server names its files below a directory that it holds open.
static int isOurs(const char *path) {
    char link[64], whole[2 * PATH];
    int descriptor, length = 0;
    if (sscanf(path, "/proc/self/fd/%d%n", &descriptor, &length) == 1) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t count = readlink(link, whole, PATH - 1);
        if (count < 0) {
            return 0;
        }
        snprintf(whole + count, PATH, "%s", path + length);
        path = whole;
    }
    for (int index = 0; index < rootCount; index++) {
        if (strncmp(path, roots[index], strlen(roots[index])) == 0) {
            return 1;
        }
    }
    return 0;
}

// Counts a call that changes something; under the lock. The power fails before the one that was asked for.
static void count(void) {
    calls++;
    if (cut == calls) {
        kill(getpid(), SIGKILL);
    }
    if (countFile[0]) {
        int file = realOpen(countFile, O_WRONLY | O_CREAT, 0600);
        char text[32];
        int length = snprintf(text, sizeof text, "%20ld\n", calls);
        if (realPwrite(file, text, (size_t)length, 0) < 0) {
            abort();
        }
        realClose(file);
    }
}

static void storeName(char *name, char kind, ino_t inode) {
    snprintf(name, PATH, "%s/%c%lu", store, kind, (unsigned long)inode);
}

// The process may be killed at any moment, so that each change of the store is one rename.
static int beginChange(char *temporary, char kind, ino_t inode) {
    snprintf(temporary, PATH, "%s/tmp%c%lu", store, kind, (unsigned long)inode);
    return realOpen(temporary, O_RDWR | O_CREAT | O_TRUNC, 0600);
}

static void endChange(int file, const char *temporary, char kind, ino_t inode) {
    char name[PATH];
    storeName(name, kind, inode);
    realClose(file);
    if (realRename(temporary, name) != 0) {
        abort();
    }
}

static void keepFile(int descriptor, ino_t inode) {
    char temporary[PATH], path[64];
    static char piece[1 << 16];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    int source = realOpen(path, O_RDONLY);
    int target = beginChange(temporary, 'f', inode);
    off_t offset = 0;
    ssize_t got;
    while ((got = pread(source, piece, sizeof piece, offset)) > 0) {
        if (realPwrite(target, piece, (size_t)got, offset) != got) {
            abort();
        }
        offset += got;
    }
    realClose(source);
    endChange(target, temporary, 'f', inode);
}

static void keepDirectory(int descriptor, ino_t inode) {
    char temporary[PATH], path[64], line[PATH];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    DIR *names = opendir(path);
    if (!names) {
        abort();
    }
    int target = beginChange(temporary, 'd', inode);
    off_t offset = 0;
    struct dirent *entry;
    while ((entry = readdir(names))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        struct stat info;
        if (fstatat(dirfd(names), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        int length = snprintf(
            line, sizeof line, "%c %lu %s\n", S_ISDIR(info.st_mode) ? 'd' : 'f', (unsigned long)info.st_ino, entry->d_name);
        if (realPwrite(target, line, (size_t)length, offset) != length) {
            abort();
        }
        offset += length;
    }
    closedir(names);
    endChange(target, temporary, 'd', inode);
}

static int openTracked(const char *path, int flags, mode_t mode) {
    if (!isOurs(path)) {
        return realOpen(path, flags, mode);
    }
    pthread_mutex_lock(&lock);
    int isNew = (flags & O_CREAT) && access(path, F_OK) != 0;
    if (flags & (O_CREAT | O_TRUNC)) {
        count();
    }
    int descriptor = realOpen(path, flags, mode);
    int reason = errno;
    if (descriptor >= 0 && descriptor < DESCRIPTORS) {
        isTracked[descriptor] = 1;
        struct stat info;
        char name[PATH];
        if (isNew && fstat(descriptor, &info) == 0) {
            // An inode's number may have been another file's.
            storeName(name, 'f', info.st_ino);
            realUnlink(name);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = reason;
    return descriptor;
}

#define OPEN(NAME)                                                                                                     \
    int NAME(const char *path, int flags, ...) {                                                                       \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(list, mode_t) : 0;                                      \
        va_end(list);                                                                                                  \
        return openTracked(path, flags, mode);                                                                         \
    }
OPEN(open)
OPEN(open64)

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS) {
        isTracked[descriptor] = 0;
    }
    return realClose(descriptor);
}

static int syncTracked(int descriptor, int (*sync)(int)) {
    if (descriptor < 0 || descriptor >= DESCRIPTORS || !isTracked[descriptor]) {
        return sync(descriptor);
    }
    pthread_mutex_lock(&lock);
    count();
    struct stat info;
    // The medium is ours to imitate, so that it need not be waited for.
    int result = fstat(descriptor, &info);
    if (result == 0) {
        if (S_ISDIR(info.st_mode)) {
            keepDirectory(descriptor, info.st_ino);
        } else {
            keepFile(descriptor, info.st_ino);
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int descriptor) { return syncTracked(descriptor, realFsync); }
int fdatasync(int descriptor) { return syncTracked(descriptor, realFdatasync); }

static ssize_t writeTracked(int descriptor, const void *bytes, size_t length, off_t offset) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS && isTracked[descriptor]) {
        pthread_mutex_lock(&lock);
        count();
        pthread_mutex_unlock(&lock);
    }
    return realPwrite(descriptor, bytes, length, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset) {
    return writeTracked(descriptor, bytes, length, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off_t offset) {
    return writeTracked(descriptor, bytes, length, offset);
}

static ssize_t writeNow(int descriptor, const struct iovec *parts, int partCount, off_t offset, int flags) {
    if (descriptor < 0 || descriptor >= DESCRIPTORS || !isTracked[descriptor]) {
        return realPwritev2(descriptor, parts, partCount, offset, flags);
    }
    pthread_mutex_lock(&lock);
    count();
    int isDurable = (flags & (RWF_DSYNC | RWF_SYNC)) != 0;
    ssize_t written = realPwritev2(descriptor, parts, partCount, offset, flags & ~(RWF_DSYNC | RWF_SYNC));
    int reason = errno;
    struct stat info;
    if (isDurable && written > 0 && fstat(descriptor, &info) == 0) {
        char name[PATH];
        storeName(name, 'f', info.st_ino);
        int file = realOpen(name, O_RDWR | O_CREAT, 0600);
        ssize_t left = written;
        for (int index = 0; index < partCount && left > 0; index++) {
            size_t length = parts[index].iov_len < (size_t)left ? parts[index].iov_len : (size_t)left;
            if (realPwrite(file, parts[index].iov_base, length, offset) != (ssize_t)length) {
                abort();
            }
            offset += (off_t)length;
            left -= (ssize_t)length;
        }
        realClose(file);
    }
    pthread_mutex_unlock(&lock);
    errno = reason;
    return written;
}

ssize_t pwritev2(int descriptor, const struct iovec *parts, int partCount, off_t offset, int flags) {
    return writeNow(descriptor, parts, partCount, offset, flags);
}
ssize_t pwritev64v2(int descriptor, const struct iovec *parts, int partCount, off_t offset, int flags) {
    return writeNow(descriptor, parts, partCount, offset, flags);
}

#define COUNTED(PATH_ARGUMENT, CALL)                                                                                   \
    if (!isOurs(PATH_ARGUMENT)) {                                                                                      \
        return CALL;                                                                                                   \
    }                                                                                                                  \
    pthread_mutex_lock(&lock);                                                                                         \
    count();                                                                                                           \
    int result = CALL;                                                                                                 \
    int reason = errno;                                                                                                \
    pthread_mutex_unlock(&lock);                                                                                       \
    errno = reason;                                                                                                    \
    return result;

int rename(const char *from, const char *to) { COUNTED(to, realRename(from, to)) }
int unlink(const char *path) { COUNTED(path, realUnlink(path)) }
int mkdir(const char *path, mode_t mode) { COUNTED(path, realMkdir(path, mode)) }
int link(const char *from, const char *to) { COUNTED(to, realLink(from, to)) }
