#define _GNU_SOURCE
#include "CUring.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/eventfd.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <sys/uio.h>

int tearoff_open_direct(void) { return O_DIRECT; }

int tearoff_write_durably(void) { return RWF_DSYNC; }

int tearoff_make_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

ssize_t tearoff_write_now(int fd, const void *bytes, size_t count, off_t offset) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    return pwritev2(fd, &part, 1, offset, RWF_DSYNC);
}

void tearoff_trim_memory(void) { (void)malloc_trim(0); }

int tearoff_clock_status(void) {
    struct timex state = {.modes = 0};
    if (adjtimex(&state) < 0) {
        return -1;
    }
    return (state.status & STA_UNSYNC) == 0;
}

int tearoff_look_at_file_system(const char *path, struct tearoff_file_system *result) {
    struct statfs info;
    if (statfs(path, &info) != 0) {
        return -1;
    }
    result->type = (uint32_t)info.f_type;
    result->free_bytes = (uint64_t)info.f_bavail * (uint64_t)info.f_bsize;
    result->total_bytes = (uint64_t)info.f_blocks * (uint64_t)info.f_bsize;
    return 0;
}
