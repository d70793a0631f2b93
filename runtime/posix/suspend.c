/* SPDX-License-Identifier: MIT */
/* Waits for signals, and with a mask; see suspend.h. */
#include "suspend.h"

#include <errno.h>

#include <cede/time.h>

#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include "mask.h"
#include "pending.h"

struct wait {
    struct cede__posix_thread *self;
    unsigned handled; /* as self->handled, when it began */
    bool inner;       /* a handler waits, that has interrupted such a wait */
    uint64_t mask;    /* self's, but for the wait */
};

/* From here on any handler that belongs to the caller ends its waits, also those that it has yet to come to. Returns
 * false if the caller is no thread that has a mask. */
static bool begin(struct wait *wait)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_own() : NULL;

    wait->self = self;
    if (!self)
        return false;
    wait->handled = atomic_load(&self->handled);
    wait->inner = atomic_exchange(&self->awaiting, true);
    return true;
}

static bool is_handled(const struct wait *wait)
{
    return atomic_load(&wait->self->handled) != wait->handled;
}

/* Keeps errno. */
static void end(struct wait *wait)
{
    int saved = errno;

    atomic_store(&wait->self->awaiting, wait->inner);
    if (!wait->inner)
        cede_signal_post(wait->self->task, CEDE_SIGNAL_NONE);
    errno = saved;
}

/* The caller's mask is another for one wait. Returns false if that has let a signal through already. */
static bool open_mask(struct wait *wait, const sigset_t *mask)
{
    wait->mask = atomic_load(&wait->self->mask);
    cede__posix_mask_set(wait->self, cede__posix_mask_of(mask));
    return !is_handled(wait);
}

/* Gives the wait's result; else that is EINTR. */
static int close_mask(struct wait *wait, bool waited, int result)
{
    int saved = errno;

    end(wait);
    cede__posix_mask_set(wait->self, wait->mask);
    errno = waited ? saved : EINTR;
    return waited ? result : -1;
}

/* call: the same without a mask. */
#define WITH_MASK(mask, otherwise, call)                                                                        \
    do {                                                                                                        \
        struct wait own;                                                                                        \
        bool open;                                                                                              \
                                                                                                                \
        if (!(mask) || !begin(&own))                                                                            \
            return otherwise;                                                                                   \
        open = open_mask(&own, mask);                                                                           \
        return close_mask(&own, open, open ? (call) : -1);                                                      \
    } while (0)

int cede__posix_suspend_ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask)
{
    WITH_MASK(mask, cede_ppoll(fds, nfds, timeout, mask), cede_ppoll(fds, nfds, timeout, NULL));
}

int cede__posix_suspend_pselect(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,
                                const struct timespec *timeout, const sigset_t *mask)
{
    WITH_MASK(mask, cede_pselect(nfds, readfds, writefds, exceptfds, timeout, mask),
              cede_pselect(nfds, readfds, writefds, exceptfds, timeout, NULL));
}

int cede__posix_suspend_epoll_pwait(int fd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
    WITH_MASK(mask, cede_epoll_pwait(fd, events, max, timeout_ms, mask),
              cede_epoll_wait(fd, events, max, timeout_ms));
}

int cede__posix_suspend_epoll_pwait2(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                                     const sigset_t *mask)
{
    WITH_MASK(mask, cede_epoll_pwait2(fd, events, max, timeout, mask),
              cede_epoll_pwait2(fd, events, max, timeout, NULL));
}

int cede__posix_suspend_sigsuspend(const sigset_t *mask)
{
    WITH_MASK(mask, cede_sigsuspend(mask), cede_ppoll(NULL, 0, NULL, NULL));
}

int cede__posix_suspend_pause(void)
{
    struct wait own;
    int result;

    if (!begin(&own))
        return cede_pause();
    result = cede_ppoll(NULL, 0, NULL, NULL);
    end(&own);
    return result;
}

/* ---- sigtimedwait ---- */

/* What is left until then; the caller's own timeout, if that is NULL or no time. */
static const struct timespec *left(struct timespec *left, const struct timespec *timeout, int64_t until_ns)
{
    int64_t ns;

    if (!timeout || timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= CEDE_SECOND
        || timeout->tv_sec > INT64_MAX / CEDE_SECOND / 4)
        return timeout;
    ns = until_ns - cede_now();
    if (ns < 0)
        ns = 0;
    *left = (struct timespec){.tv_sec = ns / CEDE_SECOND, .tv_nsec = ns % CEDE_SECOND};
    return left;
}

static int64_t until(const struct timespec *timeout)
{
    return timeout && timeout->tv_sec <= INT64_MAX / CEDE_SECOND / 4
               ? cede_now() + timeout->tv_sec * CEDE_SECOND + timeout->tv_nsec : 0;
}

/* An interruption without a handler: there is something for this thread. */
static int wait_for(const struct wait *wait, const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    int64_t until_ns = until(timeout);
    struct timespec room;
    siginfo_t own;
    int signo;

    do {
        if (cede__posix_pending_take(wait->self, cede__posix_mask_of(set), &own)) {
            if (info)
                *info = own;
            return own.si_signo;
        }
        signo = cede_sigtimedwait(set, info, left(&room, timeout, until_ns));
    } while (signo < 0 && errno == EINTR && !is_handled(wait) && !CEDE__POSIX_JUMPS());
    return signo;
}

int cede__posix_suspend_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    struct wait own;
    int signo;

    if (!begin(&own))
        return cede_sigtimedwait(set, info, timeout);
    atomic_store(&own.self->awaited, cede__posix_mask_of(set));
    signo = wait_for(&own, set, info, timeout);
    atomic_store(&own.self->awaited, 0);
    end(&own);
    return signo;
}

#endif
