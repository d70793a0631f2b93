/* SPDX-License-Identifier: MIT */
/* One call that may wait for a descriptor; see call.h. */
#include "call.h"

#include <cede/time.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "sys.h"
#include "wait.h"

/* Whether what the record says still holds. One that cede did not make, and no task has waited on, may be closed in any
 * way: of those only sockets are taken at the record's word, because they say when it is wrong. */
static bool trusted(const struct cede__fd *record)
{
    return record->owned || record->registered;
}

int cede__call_restart(struct cede__call *call)
{
    cede__descriptor_forget(call->worker, call->fd);
    call->generation = call->record->generation;
    return cede__descriptor_identify(call->record, call->fd);
}

int cede__call_begin(struct cede__call *call, int fd, enum cede__direction direction, const char *what)
{
    struct cede__worker *worker = cede__worker;
    struct cede__fd *record = cede__poller_fd_known(&worker->poller, fd);

    if (__builtin_expect(!record, 0) && !(record = cede__descriptor_record(worker, fd)))
        return -1;
    call->worker = worker;
    call->record = record;
    call->fd = fd;
    call->generation = record->generation;
    call->direction = (uint8_t)direction;
    call->saved_errno = errno;
    call->what = what;
    call->deadline_ns = 0;
    if (record->kind == CEDE__FD_UNKNOWN || (record->kind > CEDE__FD_SOCKET && !trusted(record)))
        return cede__descriptor_identify(record, fd);
    return 0;
}

bool cede__call_ready(int fd, short events)
{
    static const struct timespec at_once = {0};
    struct pollfd ask = {.fd = fd, .events = events};
    int ready;

    do
        ready = cede__sys_ppoll(&ask, 1, &at_once, NULL);
    while (ready < 0 && errno == EINTR);
    return ready != 0;
}

int cede__call_nonblocking(struct cede__call *call)
{
    struct cede__fd *record = call->record;
    int flags;

    if (!record->flags_known || !trusted(record)) {
        flags = cede__sys_fcntl(call->fd, F_GETFL, 0);
        if (flags < 0)
            return -1;
        record->nonblocking = flags & O_NONBLOCK;
        record->flags_known = true;
    }
    return record->nonblocking;
}

static int64_t timeout_of(int fd, int name)
{
    struct timeval value;
    socklen_t size = sizeof value;

    if (getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0 || (value.tv_sec == 0 && value.tv_usec == 0)
        || value.tv_sec > INT32_MAX)
        return INT64_MAX;
    return value.tv_sec * CEDE_SECOND + value.tv_usec * CEDE_MICROSECOND;
}

static int64_t deadline_of(const struct cede__call *call)
{
    struct cede__fd *record = call->record;
    int64_t *timeout_ns = call->direction == CEDE__WRITES ? &record->send_timeout_ns : &record->recv_timeout_ns;

    if (record->kind > CEDE__FD_SOCKET)
        return INT64_MAX;
    if (*timeout_ns == 0) {
        *timeout_ns = timeout_of(call->fd, call->direction == CEDE__WRITES ? SO_SNDTIMEO : SO_RCVTIMEO);
        if (call->direction == CEDE__READS)
            cede__descriptor_learn(record, call->fd);
    }
    return *timeout_ns == INT64_MAX ? INT64_MAX : cede__sched_now(call->worker) + *timeout_ns;
}

int64_t cede__call_deadline(struct cede__call *call)
{
    if (!call->deadline_ns)
        call->deadline_ns = deadline_of(call);
    return call->deadline_ns;
}

int cede__call_park(struct cede__fd *record, enum cede__direction direction, uint32_t generation, int fd,
                    const char *what, int64_t deadline_ns)
{
    return cede__call_park_inline(record, direction, generation, fd, what, deadline_ns);
}

int cede__call_wait(struct cede__call *call)
{
    struct cede__fd *record = call->record;
    int nonblocking = cede__call_nonblocking(call);
    int64_t deadline_ns;

    if (nonblocking > 0)
        errno = EAGAIN;
    if (nonblocking != 0)
        return -1;
    deadline_ns = cede__call_deadline(call);
    /* Nothing is lost between the failed attempt and the wait. Registered just now: the kernel says at once whether it
     * is ready. Registered before: what has come since the attempt makes an edge, and nobody else looks at the poller
     * before this task is parked. */
    if (cede__poller_register(&call->worker->poller, record, call->fd) != 0) {
        if (errno != EPERM)
            return -1;
        record->kind = CEDE__FD_INSTANT;
        return 0;
    }
    return cede__call_park(record, call->direction, call->generation, call->fd, call->what, deadline_ns);
}

int cede__call_continue(struct cede__call *call)
{
    cede__sched_tick(call->worker);
    if (call->record->generation != call->generation) {
        errno = EBADF;
        return -1;
    }
    return 0;
}

ssize_t cede__call_end(struct cede__call *call, ssize_t result)
{
    int error = result < 0 ? errno : call->saved_errno;

    if (!call->deadline_ns)
        cede__sched_tick(call->worker);
    errno = error;
    return result;
}
