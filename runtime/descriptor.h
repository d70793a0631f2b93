/* SPDX-License-Identifier: MIT */
/*
 * What the blocking-style calls share: what a descriptor is, whether it may wait, and the wait itself.
 *
 *     struct cede__call call;
 *
 *     if (cede__call_begin(&call, fd, CEDE__READS, "read") != 0)
 *         return -1;
 *     while ((n = try it without blocking) < 0 && errno == EAGAIN && cede__call_wait(&call) == 0)
 *         ;
 *     return cede__call_end(&call, n);
 *
 * And what has to be said when a number comes to mean something else. All in a task, where nothing else is said.
 */
#ifndef CEDE_RUNTIME_DESCRIPTOR_H
#define CEDE_RUNTIME_DESCRIPTOR_H

#include <sys/types.h>

#include "sched.h"

enum cede__direction { CEDE__READS, CEDE__WRITES };

/* One call that may wait for a descriptor, on its task's stack. */
struct cede__call {
    struct cede__worker *worker;
    struct cede__fd *record; /* its kind is known */
    int fd;
    uint32_t generation;     /* of the record when the call began: another one means that fd was closed meanwhile */
    uint8_t direction;       /* enum cede__direction */
    int saved_errno;         /* the caller's, for a call that succeeds */
    const char *what;        /* for reports */
    int64_t deadline_ns;     /* by SO_RCVTIMEO or SO_SNDTIMEO; 0 until the call has to wait for the first time */
};

/* Looks the descriptor up. 0, or -1 with errno EBADF or ENOMEM. */
int cede__call_begin(struct cede__call *call, int fd, enum cede__direction direction, const char *what);

/*
 * The attempt would have blocked: waits until it is worth another one. 0, or -1 with errno
 *   EAGAIN  the user has set O_NONBLOCK, or SO_RCVTIMEO or SO_SNDTIMEO has passed
 *   ENOMEM, ENOSPC  it cannot be registered with the poller
 *   those of cede__wait_errno(): EBADF if fd was closed meanwhile
 * Where poll(2) calls the descriptor always ready, its kind becomes CEDE__FD_INSTANT instead.
 */
int cede__call_wait(struct cede__call *call);

/* In a call that goes on without having to wait: lets others have their turn, now and then. 0, or -1 with errno EBADF
 * if fd was closed meanwhile. */
int cede__call_continue(struct cede__call *call);

/* The end of each call that began. Returns result; errno is as the call left it, if result is negative, else as it
 * found it. A call that never waited lets others have their turn, now and then. */
ssize_t cede__call_end(struct cede__call *call, ssize_t result);

/* A socket call says ENOTSOCK to a descriptor that was known as a socket: the number was closed and used again behind
 * our back. Looks it up again. 0, or -1 with errno as cede__call_begin(). */
int cede__call_restart(struct cede__call *call);

/* For a call that has to wait now: until when, by SO_RCVTIMEO or SO_SNDTIMEO; INT64_MAX: for ever. */
int64_t cede__call_deadline(struct cede__call *call);

/* Which signal handlers end a wait until then: as in the kernel, a call with a time-out is never restarted. */
static inline enum cede__interruptible cede__call_interruptible(int64_t deadline_ns)
{
    return deadline_ns == INT64_MAX ? CEDE__INTERRUPTIBLE_UNLESS_RESTARTED : CEDE__INTERRUPTIBLE;
}

/* Whether the user has set O_NONBLOCK: 1, 0, or -1 with errno EBADF if fd is not open any more. */
int cede__call_nonblocking(struct cede__call *call);

/* A task is about to wait until fd is readable: finds out whether a short read of it will mean that it is empty. */
void cede__descriptor_learn(struct cede__fd *record, int fd);

/* The kind of a socket that socket(domain, type, protocol) makes. */
enum cede__fd_kind cede__descriptor_kind(int domain, int type, int protocol);

/* The kernel has handed out fd, of this kind, to a call of ours: whatever the number meant before is over. Any thread;
 * does nothing outside a task, nor if fd is negative. */
void cede__descriptor_made(int fd, enum cede__fd_kind kind);

/* A descriptor that the runtime has for itself, and tasks wait on: see private.h. fd may be -1. The number that it has
 * from now on, or -1 with errno. Any thread. */
int cede__descriptor_private(int fd, enum cede__fd_kind kind);
void cede__descriptor_private_close(int fd); /* keeps errno */

/* To be called before fd is closed: wakes those who wait on it with EBADF, in every runtime of the process. Any
 * thread. */
void cede__descriptor_closes(int fd);

/* To be called after it was closed: tasks of other runtimes that began to wait on it in between look again. Any thread;
 * keeps errno. */
void cede__descriptor_closed(int fd);

#endif
