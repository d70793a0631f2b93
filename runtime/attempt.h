/* SPDX-License-Identifier: MIT */
/*
 * One read or write, and the ways to attempt it: io.c chooses one and repeats it, with the waiting in between.
 *
 * Each attempt does as much as can be done now, of what t->iov says, and returns how much that was. -1 with errno
 * EAGAIN: the call would have to wait; with any other errno: that of the call, which is over. None blocks the thread,
 * but for what its comment names; those that park the task say so. t->call has begun.
 */
#ifndef CEDE_RUNTIME_ATTEMPT_H
#define CEDE_RUNTIME_ATTEMPT_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "buffer.h"
#include "call.h"

/* One read or write, and what is left of it. */
struct cede__transfer {
    struct cede__call call;
    struct iovec *iov; /* to do next: an array of the caller's, which is never written to, or &part */
    size_t iov_count;
    struct iovec part; /* the only segment, or what is left of one that was transferred in part ... */
    struct iovec *rest; /* ... and those that follow it */
    size_t rest_count;
    int flags;         /* MSG_* */
    bool socket_only;  /* recv, send and relatives: other descriptors get ENOTSOCK */
    struct sockaddr *addr; /* of recvfrom and sendto */
    socklen_t *addrlen;
    struct msghdr *msg; /* of recvmsg and sendmsg: a copy of the caller's; the segments are those above */
    bool positioned;   /* pread and relatives: at `offset`, not at the descriptor's own position */
    bool more;         /* of a file: the last attempt may have come to its end early, so a short count means nothing */
    off_t offset;
    int left;          /* what the last read has left there, if it says so; else -1 */
    struct cede__buffer **lends; /* a buffer for each attempt, and lent if that brings something; else NULL ... */
    size_t lend_size;  /* ... and how much of it may be used */
    bool attempted;    /* by the caller of run(), already: with the result `first`, and errno `first_error` ... */
    int first_error;
    ssize_t first;
};

static inline size_t cede__attempt_total(const struct iovec *iov, size_t count)
{
    size_t sum = 0;

    while (count-- > 0)
        sum += iov++->iov_len;
    return sum;
}

/* Flags with which a read takes bytes off the front of the stream and nothing else. */
static inline bool cede__attempt_consumes(const struct cede__transfer *t)
{
    return t->call.direction == CEDE__READS && !(t->msg && t->msg->msg_control)
           && !(t->flags & ~(MSG_WAITALL | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC));
}

/* Of a socket of any kind, or of what is to be told that it is none (ENOTSOCK). */
ssize_t cede__attempt_socket(struct cede__transfer *t);

/* The plain system call: of what never waits, or is ready. Blocks the thread where that is wrong. */
ssize_t cede__attempt_plain(struct cede__transfer *t);

/* Of CEDE__FD_NOWAIT. Blocks the thread if the kernel can be asked only in advance whether it would, and somebody else
 * is quicker then. */
ssize_t cede__attempt_nowait(struct cede__transfer *t);

/* Of CEDE__FD_FILE: waits for storage by itself, parked, as cede__file_transfer(); EAGAIN never. */
ssize_t cede__attempt_file(struct cede__transfer *t);

/* As a request to the kernel, under a poller that makes them: waits by itself, parked. EAGAIN: the user has set
 * O_NONBLOCK, or SO_RCVTIMEO or SO_SNDTIMEO has passed: cede__call_wait() says which. */
ssize_t cede__attempt_request(struct cede__transfer *t);

#endif
