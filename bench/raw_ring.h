/* SPDX-License-Identifier: MIT */
/*
 * What the servers share that are written by hand for io_uring: a ring (SINGLE_ISSUER and DEFER_TASKRUN), one multishot
 * accept, and a loop in which one system call submits everything and waits. For files that include this one, each of
 * which is a server of its own.
 */
#ifndef CEDE_BENCH_RAW_RING_H
#define CEDE_BENCH_RAW_RING_H

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

enum { RAW_RING_ENTRIES = 4096, RAW_RING_FLAGS = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };

static struct io_uring raw_ring;

/* False: it is forbidden, or the kernel is older than 6.1. */
static inline bool raw_ring_possible(void)
{
    struct io_uring probe;

    if (io_uring_queue_init(8, &probe, RAW_RING_FLAGS) != 0)
        return false;
    io_uring_queue_exit(&probe);
    return true;
}

static inline void raw_ring_open(void)
{
    struct io_uring_params params = {.flags = RAW_RING_FLAGS | IORING_SETUP_CQSIZE,
                                     .cq_entries = 8 * RAW_RING_ENTRIES};

    if (io_uring_queue_init_params(RAW_RING_ENTRIES, &raw_ring, &params) != 0)
        bench_fail("io_uring_queue_init_params");
}

/* An entry for one of io_uring_prep_*(), to be followed by io_uring_sqe_set_data64(). */
static inline struct io_uring_sqe *raw_ring_entry(void)
{
    struct io_uring_sqe *entry;

    while (!(entry = io_uring_get_sqe(&raw_ring)))
        io_uring_submit(&raw_ring); /* what the kernel does not take for now, it takes later */
    return entry;
}

/* data: of its completions. */
static inline void raw_ring_accept(int listener, uint64_t data)
{
    struct io_uring_sqe *entry = raw_ring_entry();

    io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(entry, data);
}

/* The connection that the completion brings; goes on accepting. */
static inline int raw_ring_accepted(int listener, const struct io_uring_cqe *completion)
{
    if (completion->res < 0) {
        errno = -completion->res;
        bench_fail("accept");
    }
    if (!(completion->flags & IORING_CQE_F_MORE))
        raw_ring_accept(listener, completion->user_data);
    return completion->res;
}

/*
 * Listens, tells the port, and serves until so many connections have ended: handle() gets each completion, those of the
 * accept with `accept_data`, and returns how many connections ended with it.
 */
static inline __attribute__((always_inline)) void raw_ring_serve(
    long connections, uint64_t accept_data, int (*handle)(int listener, const struct io_uring_cqe *completion))
{
    struct io_uring_cqe *completion;
    int port, listener = server_listen(&port), error;
    unsigned head, seen;

    raw_ring_accept(listener, accept_data);
    server_ready(port);
    while (connections > 0) {
        error = -io_uring_submit_and_wait(&raw_ring, 1);
        if (error > 0 && error != EINTR && error != EAGAIN && error != EBUSY) {
            errno = error;
            bench_fail("io_uring_submit_and_wait");
        }
        seen = 0;
        io_uring_for_each_cqe (&raw_ring, head, completion) {
            seen++;
            connections -= handle(listener, completion);
        }
        io_uring_cq_advance(&raw_ring, seen);
    }
    io_uring_queue_exit(&raw_ring);
    close(listener);
}

#endif
