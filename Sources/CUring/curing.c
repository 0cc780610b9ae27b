#define _GNU_SOURCE
#include "CUring.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

int tearoff_open_direct(void) { return O_DIRECT; }

int tearoff_write_durably(void) { return RWF_DSYNC; }

int tearoff_make_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

ssize_t tearoff_write_now(int fd, const void *bytes, size_t count, off_t offset) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    return pwritev2(fd, &part, 1, offset, RWF_DSYNC);
}

void tearoff_trim_memory(void) { (void)malloc_trim(0); }
