#ifndef TEAROFF_CURING_H
#define TEAROFF_CURING_H

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

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

// What else of Linux Swift's Glibc module does not show. Functions, and not inline, because their headers need
// _GNU_SOURCE, which would give the C types of this module another shape than other modules have.

/// O_DIRECT.
int tearoff_open_direct(void);

/// RWF_DSYNC: the flag of a write that is durable when it completes.
int tearoff_write_durably(void);

/// An eventfd that is closed on exec and never blocks; -1 and errno on failure.
int tearoff_make_event(void);

/// Writes durably at an offset, as pwritev2 with RWF_DSYNC; bytes written, or -1 and errno.
ssize_t tearoff_write_now(int fd, const void *bytes, size_t count, off_t offset);

/// Gives memory that was freed, and that the allocator keeps for later, back to the system.
void tearoff_trim_memory(void);

/// 1 when something keeps the wall clock right (adjtimex without STA_UNSYNC), 0 when nothing does, -1 when the
/// kernel does not say.
int tearoff_clock_status(void);

/// What statfs says of the file system that a path is on; the bytes that are free are those for who is not root.
struct tearoff_file_system {
    uint32_t type;
    uint64_t free_bytes;
    uint64_t total_bytes;
};

/// 0, or -1 and errno.
int tearoff_look_at_file_system(const char *path, struct tearoff_file_system *result);

#endif
