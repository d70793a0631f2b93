/* SPDX-License-Identifier: MIT */
/* The waits for signals of POSIX; see cede/signal.h. */
#include <cede/signal.h>
#include <errno.h>

#include <cede/io.h>

#include "descriptor.h"
#include "duration.h"
#include "mask.h"
#include "sys.h"

/* ---- sigtimedwait ---- */

static int take(const sigset_t *set, siginfo_t *info)
{
    static const struct timespec at_once = {0};

    return (int)syscall(SYS_rt_sigtimedwait, set, info, &at_once, CEDE__SYS_SIGSET_BYTES);
}

/* Until one is pending, another thread may take it first: then again. */
static int wait_until(const sigset_t *set, siginfo_t *info, int fd, int64_t until_ns)
{
    struct pollfd pending = {.fd = fd, .events = POLLIN};
    struct timespec left;
    int signo, found;

    do {
        left = cede__duration_timespec(cede__duration_left(cede_now(), until_ns));
        found = cede_ppoll(&pending, 1, until_ns == INT64_MAX ? NULL : &left, NULL);
        if (found < 0)
            return -1;
        signo = take(set, info);
    } while (found > 0 && signo < 0 && errno == EAGAIN);
    return signo;
}

int cede_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    int64_t duration_ns = timeout ? cede__duration_of(timeout) : CEDE_FOREVER;
    int signo, fd;

    if (!cede__in_task())
        return (int)syscall(SYS_rt_sigtimedwait, set, info, timeout, CEDE__SYS_SIGSET_BYTES);
    if (duration_ns < 0)
        return -1;
    signo = take(set, info);
    if (signo >= 0 || errno != EAGAIN || duration_ns == 0)
        return signo;
    fd = (int)syscall(SYS_signalfd4, -1, set, CEDE__SYS_SIGSET_BYTES, O_CLOEXEC | O_NONBLOCK);
    fd = cede__descriptor_private(fd, CEDE__FD_NOWAIT);
    if (fd < 0)
        return -1;
    signo = wait_until(set, info, fd, cede__duration_after(cede_now(), duration_ns));
    cede__descriptor_private_close(fd);
    return signo;
}

/* ---- sigsuspend ---- */

int cede_sigsuspend(const sigset_t *mask)
{
    int result, error;

    if (!cede__in_task())
        return (int)syscall(SYS_rt_sigsuspend, mask, CEDE__SYS_SIGSET_BYTES);
    if (!mask) {
        errno = EFAULT;
        return -1;
    }
    cede__mask_hold(mask);
    do
        result = cede_ppoll(NULL, 0, NULL, mask);
    while (result == 0);
    error = errno;
    cede__mask_hold_end(mask);
    errno = error;
    return -1;
}

int cede_pause(void)
{
    sigset_t mask;

    cede_sigprocmask(SIG_BLOCK, NULL, &mask);
    return cede_sigsuspend(&mask);
}
