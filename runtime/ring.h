/* SPDX-License-Identifier: MIT */
/*
 * An io_uring(7) of one worker: requests to the kernel, many in one system call, and what became of them.
 *
 *     struct cede__waiter waiter = {.what = "fsync", .subject = fd, .external = true};
 *     struct cede__ring_request request = {.waiter = &waiter.link};
 *     struct io_uring_sqe *entry = cede__ring_entry(ring, &request);
 *
 *     entry->opcode = IORING_OP_FSYNC;
 *     entry->fd = fd;
 *     cede__wait(&waiter, INT64_MAX);
 *     if (!request.done) ...               (ended early: the kernel still has the request; see request.h)
 *
 * Entries reach the kernel with the worker's next look at the poller, all together, and so do their completions. What
 * a request points to, itself included, must stay until it is done: the kernel reads and writes there.
 *
 * The kernel lets one thread only submit, and does the work of a completion when that thread asks (SINGLE_ISSUER,
 * DEFER_TASKRUN: Linux 6.1; without them there is no ring): so a ring lives as long as one run of a worker.
 */
#ifndef CEDE_RUNTIME_RING_H
#define CEDE_RUNTIME_RING_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"

struct cede__ring_request {
    struct cede__list *waiter; /* the link of who is to be woken, which is taken out of its list; NULL: nobody */
    int32_t result;            /* as a system call of the kernel: >= 0 or a negated errno; valid once it is done */
    bool done;                 /* nothing more will come */

    /* If set, called instead of all that with each completion: of a request that has many (IORING_CQE_F_MORE). It may
     * make entries, and append whom to wake to the ring's `ready`. */
    void (*arrived)(struct cede__ring_request *request, const struct io_uring_cqe *completion);
};

struct cede__ring {
    bool open;
    int fd;
    int registered;                         /* its number among the thread's own rings, which io_uring_enter(2) finds
                                             * faster than a descriptor; -1: none */
    unsigned *sq_head, *sq_tail, *sq_flags; /* shared with the kernel, which writes sq_head and sq_flags */
    unsigned sq_mask, sq_count;
    struct io_uring_sqe *entries;
    unsigned *cq_head, *cq_tail;            /* the kernel writes cq_tail */
    unsigned cq_mask;
    struct io_uring_cqe *completions;
    void *memory;                           /* both queues */
    size_t memory_bytes, entries_bytes;
    struct cede__list ready;                /* of requests that are done: links of waiters, until somebody takes them */
};

/* 0, or -1 with errno: ENOSYS, EPERM or EINVAL where the kernel has none, or none such, or forbids it; EMFILE, ENOMEM
 * ... event_fd: an eventfd(2), which the kernel writes to when it is time for cede__ring_turn(); or -1. (The ring's own
 * descriptor does not tell: to the kernel, work that waits for this thread is no event yet.) */
int cede__ring_open(struct cede__ring *ring, unsigned entries, int event_fd);

/* Nothing may be under way. Does nothing to one that is not open. */
void cede__ring_close(struct cede__ring *ring);

/* In a child of fork(2), which has the descriptor but not the memory: closes it. */
void cede__ring_forked(struct cede__ring *ring);

/* A zeroed entry to be filled in before anything else is done with the ring; request NULL: nobody wants to hear of it.
 * NULL with errno EAGAIN or EBUSY if the kernel takes no more for now. */
struct io_uring_sqe *cede__ring_entry(struct cede__ring *ring, struct cede__ring_request *request);

/* How many entries the kernel has not been given yet. */
static inline unsigned cede__ring_queued(const struct cede__ring *ring)
{
    return *ring->sq_tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
}

/* Gives the kernel what is queued. What it does not take (for want of memory) stays queued. */
void cede__ring_submit(struct cede__ring *ring);

/* The same, and has the kernel do what it can do now: then it holds no longer the files of requests that were cancelled
 * before. Marks nothing as done. O(requests that something has happened to). */
void cede__ring_flush(struct cede__ring *ring);

/* Asks for a request back that is not done: with an entry, or at once where there is no room for one. It is done when
 * that says so; but one that the kernel has not been given never gets there, and then is done with -ECANCELED on
 * return, of which nobody is woken. */
void cede__ring_cancel(struct cede__ring *ring, struct cede__ring_request *request);

/* Submits, and marks what has completed as done: `ready` has whom to wake. A system call only if there is a reason. */
void cede__ring_turn(struct cede__ring *ring);

/* The same, and waits until something has completed, up to timeout_ns (0: look only; INT64_MAX: for ever). */
void cede__ring_wait(struct cede__ring *ring, int64_t timeout_ns);

#endif
