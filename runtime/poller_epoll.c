/* SPDX-License-Identifier: MIT */
/* The poller backend over epoll(7). */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "poller.h"
#include "private.h"
#include "sys.h"

_Static_assert(CEDE__READABLE == (int)EPOLLIN && CEDE__URGENT == (int)EPOLLPRI
                   && CEDE__WRITABLE == (int)EPOLLOUT,
               "most bits of an event are the kernel's own");

static int backend_open(struct cede__poller *poller)
{
    poller->backend_fd = cede__private_take((int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC));
    if (poller->backend_fd < 0)
        return -1;
    poller->backend_data = malloc(CEDE__POLLER_EVENTS * sizeof(struct epoll_event));
    if (!poller->backend_data) {
        cede__private_close(poller->backend_fd);
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

static void backend_close(struct cede__poller *poller)
{
    cede__private_close(poller->backend_fd);
    poller->backend_fd = -1;
    free(poller->backend_data);
}

static int control(struct cede__poller *poller, int operation, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET, .data.u64 = tag};

    return (int)syscall(SYS_epoll_ctl, poller->backend_fd, operation, fd, &event);
}

static int backend_add(struct cede__poller *poller, int fd, uint64_t tag)
{
    return control(poller, EPOLL_CTL_ADD, fd, tag);
}

static int backend_retag(struct cede__poller *poller, int fd, uint64_t tag)
{
    return control(poller, EPOLL_CTL_MOD, fd, tag);
}

/* epoll_pwait2 (Linux 5.11) takes nanoseconds; before it, and under qemu-user, round up to milliseconds: never
 * early. */
static __attribute__((noinline)) int wait_until(int fd, struct epoll_event *events, int max, int64_t timeout_ns)
{
    static atomic_bool lacks_pwait2; /* benign if several workers find out */
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int64_t timeout_ms = (timeout_ns + 999999) / 1000000;
    int saved = errno;
    long count;

    if (!atomic_load_explicit(&lacks_pwait2, memory_order_relaxed)) {
        count = syscall(SYS_epoll_pwait2, fd, events, max, &timeout, NULL, 0);
        if (count >= 0 || errno != ENOSYS)
            return (int)count;
        atomic_store_explicit(&lacks_pwait2, true, memory_order_relaxed);
        errno = saved;
    }
    if (timeout_ms > INT32_MAX)
        timeout_ms = INT32_MAX;
    return (int)syscall(SYS_epoll_pwait, fd, events, max, (int)timeout_ms, NULL, 0);
}

static int backend_wait(struct cede__poller *poller, int64_t timeout_ns, struct cede__event *events, int max)
{
    struct epoll_event *raw = poller->backend_data;
    int count, i;

    if (timeout_ns == 0 || timeout_ns == INT64_MAX)
        count = (int)syscall(SYS_epoll_pwait, poller->backend_fd, raw, max, timeout_ns == 0 ? 0 : -1, NULL, 0);
    else
        count = wait_until(poller->backend_fd, raw, max, timeout_ns);
    for (i = 0; i < count; i++) {
        uint32_t bits = raw[i].events;

        events[i] = (struct cede__event){
            .tag = raw[i].data.u64,
            .bits = (bits & (CEDE__READABLE | CEDE__URGENT | CEDE__WRITABLE))
                    | (bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? CEDE__HANGUP : 0)};
    }
    return count < 0 ? 0 : count; /* EINTR: the caller looks around and comes back */
}

const struct cede__backend cede__poller_epoll = {
    .name = "epoll",
    .open = backend_open,
    .close = backend_close,
    .add = backend_add,
    .retag = backend_retag,
    .wait = backend_wait,
};
