/* SPDX-License-Identifier: MIT */
/*
 * What the blocking-style calls share: whether a descriptor may wait, and the wait itself.
 *
 *     struct cede__call call;
 *
 *     if (cede__call_begin(&call, fd, CEDE__READS, "read") != 0)
 *         return -1;
 *     while ((n = try it without blocking) < 0 && errno == EAGAIN && cede__call_wait(&call) == 0)
 *         ;
 *     return cede__call_end(&call, n);
 *
 * All in a task.
 */
#ifndef CEDE_RUNTIME_CALL_H
#define CEDE_RUNTIME_CALL_H

#include <sys/types.h>

#include "descriptor.h"
#include "sched.h"
#include "wait.h"

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

/* Which signal handlers end a wait until the deadline: as in the kernel, a call with a time-out is never restarted. */
static inline enum cede__interruptible cede__call_interruptible(int64_t deadline_ns)
{
    return deadline_ns == INT64_MAX ? CEDE__INTERRUPTIBLE_UNLESS_RESTARTED : CEDE__INTERRUPTIBLE;
}

/* The wait alone, for an event of a descriptor that is registered with the poller. As above; EAGAIN: the deadline has
 * passed. generation: the record's when the call began. */
int cede__call_park(struct cede__fd *record, enum cede__direction direction, uint32_t generation, int fd,
                    const char *what, int64_t deadline_ns);

/* The same for the calls where every instruction counts: inline, so that most waits are one frame of the task's
 * stack. */
static inline __attribute__((always_inline)) int cede__call_park_inline(struct cede__fd *record,
                                                                        enum cede__direction direction,
                                                                        uint32_t generation, int fd, const char *what,
                                                                        int64_t deadline_ns)
{
    struct cede__waiter waiter = {.what = what, .subject = fd, .external = true,
                                  .interruptible = (uint8_t)cede__call_interruptible(deadline_ns)};
    enum cede__wake reason;

    cede__list_append(direction == CEDE__WRITES ? &record->writers : &record->readers, &waiter.link);
    if (deadline_ns == INT64_MAX)
        reason = cede__wait_endless(&waiter, true, false);
    else
        reason = cede__wait(&waiter, deadline_ns);
    if (reason == CEDE__WAKE_EVENT && record->generation != generation)
        reason = CEDE__WAKE_CLOSED; /* after the event, before it was this task's turn */
    if (__builtin_expect(reason == CEDE__WAKE_EVENT, 1))
        return 0;
    if (reason == CEDE__WAKE_DEADLINE) {
        errno = EAGAIN;
        return -1;
    }
    return cede__wait_errno(reason);
}

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

/* Whether poll(2) finds it ready for one of `events`, or has to say anything else of it. Not that a signal handler has
 * run meanwhile: whoever took that for ready would block the thread. */
bool cede__call_ready(int fd, short events);

/* Whether the user has set O_NONBLOCK: 1, 0, or -1 with errno EBADF if fd is not open any more. */
int cede__call_nonblocking(struct cede__call *call);

#endif
