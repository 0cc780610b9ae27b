#ifndef TEAROFF_CURING_H
#define TEAROFF_CURING_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

// liburing's own helpers are inline functions and macros over unions that Swift cannot see. These
// wrap exactly those; what to submit, when, and what a result means is decided by the caller.

/// Queues one positioned write with the given RWF_ flags and IOSQE_ flags; false when the queue is full.
static inline bool tearoff_uring_queue_write(
    struct io_uring *ring, int fd, const void *bytes, unsigned count, uint64_t offset, int write_flags,
    unsigned entry_flags, uint64_t tag) {
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    if (entry == NULL) {
        return false;
    }
    io_uring_prep_write(entry, fd, bytes, count, offset);
    entry->rw_flags = write_flags;
    entry->flags |= (__u8)entry_flags;
    io_uring_sqe_set_data64(entry, tag);
    return true;
}

/// Queues a pure timeout; `duration` must live until the entry was submitted.
static inline bool tearoff_uring_queue_timeout(
    struct io_uring *ring, struct __kernel_timespec *duration, uint64_t tag) {
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    if (entry == NULL) {
        return false;
    }
    io_uring_prep_timeout(entry, duration, 0, 0);
    io_uring_sqe_set_data64(entry, tag);
    return true;
}

/// Takes one completion out of the ring without waiting; false when there is none.
static inline bool tearoff_uring_take(struct io_uring *ring, uint64_t *tag, int *result) {
    struct io_uring_cqe *entry = NULL;
    if (io_uring_peek_cqe(ring, &entry) != 0 || entry == NULL) {
        return false;
    }
    *tag = io_uring_cqe_get_data64(entry);
    *result = entry->res;
    io_uring_cqe_seen(ring, entry);
    return true;
}

/// Waits until a completion can be taken; 0 or a negative errno.
static inline int tearoff_uring_await(struct io_uring *ring) {
    struct io_uring_cqe *entry = NULL;
    return io_uring_wait_cqe(ring, &entry);
}

/// Whether completions signal the registered eventfd.
static inline void tearoff_uring_notify(struct io_uring *ring, bool enabled) {
    (void)io_uring_cq_eventfd_toggle(ring, enabled);
}

// What else of Linux Swift's Glibc module does not show.

enum {
    /// Flags of a write that is durable when it completes.
    tearoff_write_durably = RWF_DSYNC,
    tearoff_open_direct = O_DIRECT,
    tearoff_uring_link = IOSQE_IO_LINK,
};

/// An eventfd that is closed on exec and never blocks; -1 and errno on failure.
static inline int tearoff_make_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// Writes durably at an offset; as pwritev2 with RWF_DSYNC.
static inline ssize_t tearoff_write_now(int fd, const void *bytes, size_t count, off_t offset) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    return pwritev2(fd, &part, 1, offset, RWF_DSYNC);
}

#endif
