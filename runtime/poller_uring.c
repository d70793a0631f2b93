/* SPDX-License-Identifier: MIT */
/*
 * The poller backend over io_uring(7): what tasks want to be done to sockets and files goes to the kernel as requests,
 * those of all tasks together, with the one system call that also waits.
 *
 * Who must wait until a descriptor is ready (poll, pipes, terminals, connect) is registered with an epoll, and the ring
 * polls that: one multishot request for all of them. A poll request for each descriptor would save nothing more, and
 * would hold the open file: close(2), by whoever does not know of it, would no longer close a connection. It also could
 * not tell a number that was registered before from one that was closed and used again behind our back.
 */
#include <errno.h>
#include <poll.h>

#include "poller.h"

enum { ENTRIES = 1024 };

static int backend_open(struct cede__poller *poller)
{
    int error;

    if (cede__poller_epoll.open(poller) != 0)
        return -1;
    if (cede__ring_open(&poller->ring, ENTRIES, -1) == 0) {
        poller->epoll_ready = (struct cede__ring_request){.done = true};
        return 0;
    }
    error = errno;
    cede__poller_epoll.close(poller);
    errno = error;
    return -1;
}

static void backend_close(struct cede__poller *poller)
{
    cede__ring_close(&poller->ring);
    cede__poller_epoll.close(poller);
}

static int backend_add(struct cede__poller *poller, int fd, uint64_t tag)
{
    return cede__poller_epoll.add(poller, fd, tag);
}

static int backend_retag(struct cede__poller *poller, int fd, uint64_t tag)
{
    return cede__poller_epoll.retag(poller, fd, tag);
}

/* Has the ring tell when the epoll has events, from now on. */
static void watch_epoll(struct cede__poller *poller)
{
    struct io_uring_sqe *entry = cede__ring_entry(&poller->ring, &poller->epoll_ready);

    if (!entry)
        return; /* the next wait tries again */
    poller->epoll_ready.done = false;
    entry->opcode = IORING_OP_POLL_ADD;
    entry->fd = poller->backend_fd;
    entry->len = IORING_POLL_ADD_MULTI;
    entry->poll32_events = POLLIN;
}

static int backend_wait(struct cede__poller *poller, int64_t timeout_ns, struct cede__event *events, int max)
{
    struct cede__ring_request *ready = &poller->epoll_ready;
    int count;

    if (ready->done)
        watch_epoll(poller);
    /* What did not fit last time makes no edge. */
    cede__ring_wait(&poller->ring, ready->result > 0 ? 0 : timeout_ns);
    if (ready->result <= 0)
        return 0;
    count = cede__poller_epoll.wait(poller, 0, events, max);
    if (count < max)
        ready->result = 0;
    return count;
}

const struct cede__backend cede__poller_uring = {
    .name = "io_uring",
    .open = backend_open,
    .close = backend_close,
    .add = backend_add,
    .retag = backend_retag,
    .wait = backend_wait,
    .requests = true,
};
