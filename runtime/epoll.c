/* SPDX-License-Identifier: MIT */
/* epoll_wait and its relatives; see cede/io.h. An epoll descriptor can itself be polled: readable when it has
 * events. */
#include <cede/io.h>
#include <errno.h>
#include <sys/epoll.h>

#include "duration.h"
#include "sched.h"
#include "sys.h"

/* What there is, without waiting. */
static int look(int fd, struct epoll_event *events, int max)
{
    return (int)syscall(SYS_epoll_pwait, fd, events, max, 0, NULL, CEDE__SYS_SIGSET_BYTES);
}

static int wait_for(int fd, struct epoll_event *events, int max, int64_t duration_ns, const sigset_t *sigmask)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    int64_t until_ns = INT64_MAX;
    struct timespec left;
    int ready;

    if (duration_ns != CEDE_FOREVER)
        until_ns = cede__duration_after(cede__sched_now(cede__worker), duration_ns);
    while ((ready = look(fd, events, max)) == 0 && duration_ns != 0) {
        left = cede__duration_timespec(cede__duration_left(cede_now(), until_ns));
        ready = cede_ppoll(&readable, 1, until_ns == INT64_MAX ? NULL : &left, sigmask);
        if (ready <= 0)
            return ready;
        if (readable.revents & POLLNVAL) {
            errno = EBADF;
            return -1;
        }
    }
    cede__sched_tick(cede__worker);
    return ready;
}

int cede_epoll_pwait(int fd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *sigmask)
{
    if (!cede__in_task())
        return (int)syscall(SYS_epoll_pwait, fd, events, max, timeout_ms, sigmask, CEDE__SYS_SIGSET_BYTES);
    return wait_for(fd, events, max, timeout_ms < 0 ? CEDE_FOREVER : timeout_ms * CEDE_MILLISECOND, sigmask);
}

int cede_epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
    return cede_epoll_pwait(fd, events, max, timeout_ms, NULL);
}

int cede_epoll_pwait2(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                      const sigset_t *sigmask)
{
    int64_t duration_ns = timeout ? cede__duration_of(timeout) : CEDE_FOREVER;

    if (!cede__in_task())
        return (int)syscall(SYS_epoll_pwait2, fd, events, max, timeout, sigmask, CEDE__SYS_SIGSET_BYTES);
    return duration_ns < 0 ? -1 : wait_for(fd, events, max, duration_ns, sigmask);
}
