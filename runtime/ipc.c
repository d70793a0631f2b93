/* SPDX-License-Identifier: MIT */
/* Message queues and semaphores of System V and of POSIX; see cede/ipc.h. */
#include <cede/ipc.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include <cede/io.h>

#include "duration.h"
#include "retry.h"
#include "sched.h"
#include "sys.h"

/* ---- System V: it tells nobody, so try again now and then ---- */

/* Whether to make another attempt, after a wait: the last one ended with errno `nothing`, "not now". */
static bool again(struct cede__retry *retry, int nothing, const char *what, int64_t until_ns)
{
    if (errno == EINVAL && retry->pause_ns > 0)
        errno = EIDRM; /* what was there at first is not a mistake of the caller's */
    return errno == nothing && cede__retry_wait(retry, what, until_ns) == 0;
}

int cede_msgsnd(int queue, const void *message, size_t size, int flags)
{
    struct cede__retry retry = {0};
    int result;

    if (!cede__in_task() || flags & IPC_NOWAIT)
        return (int)syscall(SYS_msgsnd, queue, message, size, flags);
    do
        result = (int)syscall(SYS_msgsnd, queue, message, size, flags | IPC_NOWAIT);
    while (result != 0 && again(&retry, EAGAIN, "msgsnd", INT64_MAX));
    return result;
}

ssize_t cede_msgrcv(int queue, void *message, size_t size, long type, int flags)
{
    struct cede__retry retry = {0};
    ssize_t result;

    if (!cede__in_task() || flags & IPC_NOWAIT)
        return syscall(SYS_msgrcv, queue, message, size, type, flags);
    do
        result = syscall(SYS_msgrcv, queue, message, size, type, flags | IPC_NOWAIT);
    while (result < 0 && again(&retry, ENOMSG, "msgrcv", INT64_MAX));
    return result;
}

/* Whether there are more operations than the system takes in one call: then they must not even be read. Of a few
 * it is as well to hear it from the call itself. */
static bool are_too_many(size_t count)
{
    enum { FEW = 32 };
    struct seminfo limits;

    return count > FEW && semctl(0, 0, IPC_INFO, &limits) >= 0 && count > (size_t)limits.semopm;
}

int cede_semtimedop(int set, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
    int64_t duration_ns = timeout ? cede__duration_of(timeout) : CEDE_FOREVER, until_ns = INT64_MAX;
    struct cede__retry retry = {0};
    struct sembuf *at_once;
    int result, error;
    size_t i;

    if (!cede__in_task() || count == 0)
        return (int)syscall(SYS_semtimedop, set, operations, count, timeout);
    if (duration_ns < 0)
        return -1;
    if (are_too_many(count)) {
        errno = E2BIG;
        return -1;
    }
    if (!operations) {
        errno = EFAULT;
        return -1;
    }
    at_once = malloc(count * sizeof *at_once);
    if (!at_once)
        return -1;
    memcpy(at_once, operations, count * sizeof *at_once);
    for (i = 0; i < count; i++)
        at_once[i].sem_flg |= IPC_NOWAIT;
    if (timeout)
        until_ns = cede__duration_after(cede__sched_now(cede__worker), duration_ns);
    do {
        result = (int)syscall(SYS_semtimedop, set, at_once, count, NULL);
        for (i = 0; result != 0 && errno == EAGAIN && i < count; i++)
            if (operations[i].sem_flg & IPC_NOWAIT)
                until_ns = 0; /* it may have been that one which must not wait */
    } while (result != 0 && again(&retry, EAGAIN, "semop", until_ns));
    error = errno;
    free(at_once);
    errno = error;
    return result;
}

/* ---- POSIX: in Linux a queue is a descriptor ---- */

/* Waits until the queue is ready. `until` is by CLOCK_REALTIME. 0, or -1 with errno. */
static int await_queue(int queue, short events, const struct timespec *until)
{
    struct pollfd ready = {.fd = queue, .events = events};
    int64_t until_ns = until ? cede__duration_of(until) : INT64_MAX, now_ns;
    struct timespec now, left;
    int flags = cede__sys_fcntl(queue, F_GETFL, 0), found;

    if (flags < 0 || until_ns < 0)
        return -1;
    if (flags & O_NONBLOCK) {
        errno = EAGAIN;
        return -1;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    now_ns = cede__duration_of(&now);
    left = cede__duration_timespec(cede__duration_left(now_ns, until_ns));
    found = cede_ppoll(&ready, 1, until ? &left : NULL, NULL);
    if (found == 0)
        errno = ETIMEDOUT;
    return found > 0 ? 0 : -1;
}

static const struct timespec long_ago = {0}; /* what cannot be done at once ends with ETIMEDOUT */

ssize_t cede_mq_timedreceive(int queue, char *message, size_t size, unsigned *priority, const struct timespec *until)
{
    ssize_t result;

    if (!cede__in_task())
        return syscall(SYS_mq_timedreceive, queue, message, size, priority, until);
    do
        result = syscall(SYS_mq_timedreceive, queue, message, size, priority, &long_ago);
    while (result < 0 && errno == ETIMEDOUT && await_queue(queue, POLLIN, until) == 0);
    return result;
}

ssize_t cede_mq_receive(int queue, char *message, size_t size, unsigned *priority)
{
    return cede_mq_timedreceive(queue, message, size, priority, NULL);
}

int cede_mq_timedsend(int queue, const char *message, size_t size, unsigned priority, const struct timespec *until)
{
    int result;

    if (!cede__in_task())
        return (int)syscall(SYS_mq_timedsend, queue, message, size, priority, until);
    do
        result = (int)syscall(SYS_mq_timedsend, queue, message, size, priority, &long_ago);
    while (result != 0 && errno == ETIMEDOUT && await_queue(queue, POLLOUT, until) == 0);
    return result;
}

int cede_mq_send(int queue, const char *message, size_t size, unsigned priority)
{
    return cede_mq_timedsend(queue, message, size, priority, NULL);
}
