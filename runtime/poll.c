/* SPDX-License-Identifier: MIT */
/*
 * poll and ppoll; see cede/io.h.
 *
 * What is reported always comes from the kernel's own poll, asked without waiting: once before the task parks, and once
 * after an event has woken it. In between the task waits on the poller, with one waiter for each descriptor and
 * direction.
 */
#include <cede/io.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "descriptor.h"
#include "duration.h"
#include "mask.h"
#include "sys.h"
#include "wait.h"

/* One interest: a descriptor, for reading or for writing. */
struct watch {
    struct cede__waiter waiter;
    uint32_t index;      /* of the descriptor in the caller's array; NO_INDEX: the signals' */
    uint32_t generation; /* of the descriptor when the wait began: another one means that it was closed */
};

#define NO_INDEX UINT32_MAX

/* A call that has to wait. */
struct call {
    struct pollfd *fds;
    nfds_t nfds;
    const sigset_t *sigmask;
    int signal_fd;       /* becomes readable when a signal that sigmask lets through is pending; -1: none */
    int64_t deadline_ns;
    struct watch *watches;
    unsigned count;      /* of them, that are linked */
};

/* Waiters lie on the task's stack as long as that costs no page more; see wait_with_few(). */
enum { FEW = 4, SOME = 64 };

enum {
    READ_EVENTS = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP,
    WRITE_EVENTS = POLLOUT | POLLWRNORM | POLLWRBAND,
};

/* Errors and hang-ups are always of interest, and reach readers and writers alike. */
static bool wants_reading(const struct pollfd *fd)
{
    return fd->events & READ_EVENTS || !(fd->events & WRITE_EVENTS);
}

static bool wants_writing(const struct pollfd *fd)
{
    return fd->events & WRITE_EVENTS;
}

/* ---- asking the kernel ---- */

/* What is ready now, as ppoll(2). A signal ends it only where the caller asked for signals. */
static int look(struct pollfd *fds, nfds_t nfds, const sigset_t *sigmask)
{
    static const struct timespec zero;
    struct cede__fd *record;
    int ready, left;

    do
        ready = cede__sys_ppoll(fds, nfds, &zero, sigmask);
    while (ready < 0 && errno == EINTR && !sigmask);
    for (left = ready; left > 0; fds++) {
        if (!fds->revents)
            continue;
        left--;
        /* The event itself may still be on its way; the read to come need not wait for it. */
        record = cede__poller_fd_known(&cede__worker->poller, fds->fd);
        if (record)
            record->drained = false;
    }
    return ready;
}

/* Whether the answer is known to be no: the common case of a client that has read its answer, and polls for the next.
 * An interrupted task asks nevertheless, for it must not wait, but gets what is there. */
static bool known_empty(const struct pollfd *fds, nfds_t nfds)
{
    const struct cede__fd *record;

    if (nfds != 1 || !fds || !(fds->events & (POLLIN | POLLRDNORM)) || fds->events & ~(POLLIN | POLLRDNORM))
        return false;
    record = cede__poller_fd_known(&cede__worker->poller, fds->fd);
    return record && record->drained && !cede__worker->current->interrupt;
}

/* ---- waiting ---- */

/* 0, or -1 with errno. */
static int link_watch(struct call *call, int fd, bool writing, uint32_t index)
{
    struct cede__poller *poller = &cede__worker->poller;
    struct cede__fd *record = cede__poller_fd(poller, fd);
    struct watch *watch = &call->watches[call->count];

    if (!record)
        return -1;
    if (cede__poller_register(poller, record, fd) != 0)
        /* EPERM: always ready or never. EBADF: closed by another thread since; the next look will tell. */
        return errno == EPERM || errno == EBADF ? 0 : -1;
    if (!writing)
        cede__descriptor_learn(record, fd); /* for known_empty() of the next poll */
    *watch = (struct watch){
        .waiter = {.task = cede__worker->current, .what = "poll", .subject = fd},
        .index = index,
        .generation = record->generation};
    cede__list_append(writing ? &record->writers : &record->readers, &watch->waiter.link);
    call->count++;
    return 0;
}

static int link_watches(struct call *call)
{
    nfds_t i;

    call->count = 0;
    for (i = 0; i < call->nfds; i++) {
        const struct pollfd *fd = &call->fds[i];

        if (fd->fd < 0)
            continue;
        if (wants_reading(fd) && link_watch(call, fd->fd, false, (uint32_t)i) != 0)
            return -1;
        if (wants_writing(fd) && link_watch(call, fd->fd, true, (uint32_t)i) != 0)
            return -1;
    }
    return call->signal_fd < 0 ? 0 : link_watch(call, call->signal_fd, false, NO_INDEX);
}

static void unlink_watches(struct call *call)
{
    unsigned i;

    for (i = 0; i < call->count; i++)
        cede__list_remove(&call->watches[i].waiter.link);
}

/* Corrects the kernel's answer for descriptors that were closed since the wait began: their numbers may mean something
 * else by now. */
static int report_closed(struct call *call, int ready)
{
    const struct cede__fd *record;
    const struct watch *watch;
    struct pollfd *fd;

    for (watch = call->watches; watch < call->watches + call->count; watch++) {
        record = cede__poller_fd_known(&cede__worker->poller, (int)watch->waiter.subject);
        if (record->generation == watch->generation || watch->index == NO_INDEX)
            continue;
        fd = &call->fds[watch->index];
        ready += !fd->revents;
        fd->revents = POLLNVAL;
    }
    return ready;
}

/* Parks until something may be ready. */
static enum cede__wake park(struct call *call)
{
    struct cede__waiter alone = {.what = "poll", .subject = -1};
    struct cede__waiter *first = call->count ? &call->watches[0].waiter : &alone; /* stands for all */

    first->interruptible = CEDE__INTERRUPTIBLE;
    first->external = call->count || call->deadline_ns == INT64_MAX; /* with nothing to wait for: a sleep */
    return cede__wait(first, call->deadline_ns);
}

static int wait_ready(struct call *call, struct watch *watches)
{
    enum cede__wake reason;
    int ready;

    call->watches = watches;
    do {
        if (link_watches(call) != 0) {
            unlink_watches(call);
            return -1;
        }
        reason = park(call);
        unlink_watches(call);
        if (reason != CEDE__WAKE_EVENT && reason != CEDE__WAKE_DEADLINE && reason != CEDE__WAKE_CLOSED)
            return cede__wait_errno(reason);
        ready = look(call->fds, call->nfds, call->sigmask);
        if (ready >= 0)
            ready = report_closed(call, ready);
    } while (ready == 0 && reason != CEDE__WAKE_DEADLINE);
    return ready;
}

/* Frames of their own: a task that polls one descriptor, as client libraries do, must not keep pages of its stack for
 * the waiters of sixty-four. */
static __attribute__((noinline)) int wait_with_few(struct call *call)
{
    struct watch watches[FEW];

    return wait_ready(call, watches);
}

static __attribute__((noinline)) int wait_with_some(struct call *call)
{
    struct watch watches[SOME];

    return wait_ready(call, watches);
}

static int wait_with(struct call *call)
{
    unsigned interests = call->signal_fd >= 0;
    struct watch *watches;
    int ready, error;
    nfds_t i;

    for (i = 0; i < call->nfds; i++)
        if (call->fds[i].fd >= 0)
            interests += wants_reading(&call->fds[i]) + wants_writing(&call->fds[i]);
    if (interests <= FEW)
        return wait_with_few(call);
    if (interests <= SOME)
        return wait_with_some(call);
    watches = malloc(interests * sizeof *watches);
    if (!watches)
        return -1;
    ready = wait_ready(call, watches);
    error = errno;
    free(watches);
    errno = error;
    return ready;
}

/* ---- signals ---- */

/* A descriptor that becomes readable when a signal is pending that is blocked now and is not in sigmask: the next look
 * will then run its handler and answer EINTR. -1 if there is no such signal. -2 with errno if it cannot be made. */
static int open_signals(const sigset_t *sigmask)
{
    uint64_t blocked = cede__mask_os();
    sigset_t awaited;
    bool any = false;
    int signo, fd;

    sigemptyset(&awaited);
    for (signo = 1; signo < _NSIG; signo++) {
        if (!(blocked >> (signo - 1) & 1) || sigismember(sigmask, signo) == 1)
            continue;
        sigaddset(&awaited, signo);
        any = true;
    }
    if (!any)
        return -1;
    fd = (int)syscall(SYS_signalfd4, -1, &awaited, CEDE__SYS_SIGSET_BYTES, O_CLOEXEC | O_NONBLOCK);
    fd = cede__descriptor_private(fd, CEDE__FD_NOWAIT);
    return fd < 0 ? -2 : fd;
}

static int wait_with_signals(struct call *call)
{
    int ready;

    call->signal_fd = call->sigmask ? open_signals(call->sigmask) : -1;
    if (call->signal_fd == -2)
        return -1;
    ready = wait_with(call);
    if (call->signal_fd >= 0)
        cede__descriptor_private_close(call->signal_fd);
    return ready;
}

/* ---- poll ---- */

/* For a task. */
static int poll_for(struct pollfd *fds, nfds_t nfds, int64_t duration_ns, const sigset_t *sigmask)
{
    struct call call = {.fds = fds, .nfds = nfds, .sigmask = sigmask};
    int ready;

    if (nfds > INT_MAX) { /* the kernel would look at 32 bits of it */
        errno = EINVAL;
        return -1;
    }
    if (duration_ns == 0 || !known_empty(fds, nfds)) {
        ready = look(fds, nfds, sigmask);
        if (ready != 0 || duration_ns == 0) {
            cede__sched_tick(cede__worker);
            return ready;
        }
    }
    call.deadline_ns = INT64_MAX;
    if (duration_ns != CEDE_FOREVER)
        call.deadline_ns = cede__duration_after(cede__sched_now(cede__worker), duration_ns);
    return wait_with_signals(&call);
}

int cede_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
    int64_t duration_ns = timeout_ms < 0 ? CEDE_FOREVER : timeout_ms * CEDE_MILLISECOND;
    struct timespec timeout;

    if (cede__in_task())
        return poll_for(fds, nfds, duration_ns, NULL);
    timeout = cede__duration_timespec(duration_ns);
    return cede__sys_ppoll(fds, nfds, timeout_ms < 0 ? NULL : &timeout, NULL);
}

int cede_ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *sigmask)
{
    int64_t duration_ns;

    if (!cede__in_task())
        return cede__sys_ppoll(fds, nfds, timeout, sigmask);
    duration_ns = timeout ? cede__duration_of(timeout) : CEDE_FOREVER;
    return duration_ns < 0 ? -1 : poll_for(fds, nfds, duration_ns, sigmask);
}
