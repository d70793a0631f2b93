/* SPDX-License-Identifier: MIT */
/* Several messages in one call: recvmmsg, sendmmsg; see cede/io.h. */
#include <cede/io.h>
#include <errno.h>

#include "call.h"
#include "duration.h"
#include "sys.h"

/* Attempt, wait, attempt again, until all, or what is enough, is done. */
static int run(struct cede__call *call, struct mmsghdr *messages, unsigned count, int flags, int64_t until_ns)
{
    bool writes = call->direction == CEDE__WRITES;
    unsigned done = 0;
    long n;

    for (;;) {
        n = syscall(writes ? SYS_sendmmsg : SYS_recvmmsg, call->fd, messages + done, count - done,
                    (flags | MSG_DONTWAIT) & ~MSG_WAITFORONE, NULL);
        done += n > 0 ? (unsigned)n : 0;
        if (done == count || (n < 0 && errno != EAGAIN) || flags & MSG_DONTWAIT || (done > 0 && flags & MSG_WAITFORONE)
            || (done > 0 && cede_now() >= until_ns))
            break;
        if (n < 0 && cede__call_wait(call) != 0)
            break;
    }
    return (int)cede__call_end(call, done > 0 ? (ssize_t)done : n);
}

int cede_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    int64_t duration_ns = timeout ? cede__duration_of(timeout) : CEDE_FOREVER, until_ns;
    struct cede__call call;
    int received;

    if (!cede__in_task() || count == 0)
        return (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
    if (duration_ns < 0 || cede__call_begin(&call, fd, CEDE__READS, "recvmmsg") != 0)
        return -1;
    until_ns = timeout ? cede__duration_after(cede_now(), duration_ns) : INT64_MAX;
    received = run(&call, messages, count, flags, until_ns);
    if (timeout && received > 0)
        *timeout = cede__duration_timespec(cede__duration_left(cede_now(), until_ns));
    return received;
}

int cede_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    struct cede__call call;

    if (!cede__in_task() || count == 0)
        return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
    if (cede__call_begin(&call, fd, CEDE__WRITES, "sendmmsg") != 0)
        return -1;
    return run(&call, messages, count, flags, INT64_MAX);
}
