/* SPDX-License-Identifier: MIT */
/* Making and connecting sockets; see cede/io.h. */
#include <cede/io.h>
#include <cede/time.h>
#include <stdbool.h>

#include "call.h"
#include "descriptor.h"
#include "sys.h"
#include "wait.h"

enum { RETRY_FIRST_MS = 1, RETRY_LONGEST_MS = 20 };

int cede_socket(int domain, int type, int protocol)
{
    int fd = cede__sys_socket(domain, type, protocol);

    cede__descriptor_made(fd, cede__descriptor_kind(domain, type, protocol));
    return fd;
}

int cede_socketpair(int domain, int type, int protocol, int fds[2])
{
    enum cede__fd_kind kind = cede__descriptor_kind(domain, type, protocol);

    if (cede__sys_socketpair(domain, type, protocol, fds) != 0)
        return -1;
    cede__descriptor_made(fds[0], kind);
    cede__descriptor_made(fds[1], kind);
    return 0;
}

/* ---- accept ---- */

/* Whether accept4(2) can get as far as having to wait. */
static bool may_accept(int fd, int flags)
{
    int listens = 0;
    socklen_t size = sizeof listens;

    return !(flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
           && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

/* accept4(2) without blocking, on a socket whose flags say that it blocks: ask first. If another thread or process
 * takes the connection before we do, the thread waits for the next one; see cede_listen(). */
static int attempt_accept(struct cede__call *call, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
    if (!cede__call_nonblocking(call) && !cede__call_ready(call->fd, POLLIN)
        && may_accept(call->fd, flags)) {
        errno = EAGAIN;
        return -1;
    }
    return cede__sys_accept4(call->fd, addr, addrlen, flags);
}

int cede_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
    struct cede__call call;
    int connection;

    if (!cede__in_task())
        return cede__sys_accept4(fd, addr, addrlen, flags);
    if (cede__call_begin(&call, fd, CEDE__READS, "accept") != 0)
        return -1;
    do
        connection = attempt_accept(&call, addr, addrlen, flags);
    while (connection < 0 && errno == EAGAIN && cede__call_wait(&call) == 0);
    cede__descriptor_made(connection, call.record->kind);
    return (int)cede__call_end(&call, connection);
}

int cede_accept(int fd, struct sockaddr *addr, socklen_t *addrlen)
{
    return cede_accept4(fd, addr, addrlen, 0);
}

/* ---- connect ---- */

/* connect(2) has no flag to keep it from blocking, so the descriptor gets one, for just this call: no other task runs
 * before it is taken back. (Another thread or process that shares the open file could see it.) */
static int attempt_connect(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
    int flags = cede__sys_fcntl(fd, F_GETFL, 0), result, error;

    if (flags < 0 || flags & O_NONBLOCK || cede__sys_fcntl(fd, F_SETFL, (unsigned)flags | O_NONBLOCK) != 0)
        return cede__sys_connect(fd, addr, addrlen);
    result = cede__sys_connect(fd, addr, addrlen);
    error = errno;
    cede__sys_fcntl(fd, F_SETFL, (unsigned)flags);
    errno = error;
    return result;
}

/* The connection is being made; waits until that is over. Being woken is no proof, because an event may be late from
 * what the socket did before. */
static int finish_connect(struct cede__call *call, const struct sockaddr *addr, socklen_t addrlen)
{
    int error = 0;
    socklen_t size = sizeof error;

    while (!cede__call_ready(call->fd, POLLOUT)) {
        if (cede__call_wait(call) == 0)
            continue;
        if (errno == EAGAIN)
            errno = EINPROGRESS; /* O_NONBLOCK, or SO_SNDTIMEO has passed */
        return -1;
    }
    /* For TCP, connecting again ends the matter as a blocking connect would have: the socket knows that it is
     * connected, or can try again. */
    if (call->record->kind == CEDE__FD_TCP)
        return cede__sys_connect(call->fd, addr, addrlen);
    if (getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return -1;
    errno = error;
    return error ? -1 : 0;
}

/* The listener's backlog is full, and no event will tell when it no longer is: asks again now and then. */
static int retry_connect(struct cede__call *call, const struct sockaddr *addr, socklen_t addrlen)
{
    struct cede__waiter waiter = {.what = call->what, .subject = call->fd, .external = true,
                                  .interruptible = CEDE__INTERRUPTIBLE_UNLESS_RESTARTED};
    int64_t pause_ns = RETRY_FIRST_MS * CEDE_MILLISECOND, now_ns;
    enum cede__wake reason;
    int result;

    do {
        now_ns = cede__sched_now(call->worker);
        if (now_ns >= cede__call_deadline(call)) {
            errno = EAGAIN;
            return -1;
        }
        cede__list_append(&call->record->writers, &waiter.link); /* for cede_close() to find */
        reason = cede__wait(&waiter, now_ns + pause_ns);
        if (call->record->generation != call->generation)
            reason = CEDE__WAKE_CLOSED;
        if (reason != CEDE__WAKE_EVENT && reason != CEDE__WAKE_DEADLINE)
            return cede__wait_errno(reason);
        if (pause_ns < RETRY_LONGEST_MS * CEDE_MILLISECOND)
            pause_ns *= 2;
        result = attempt_connect(call->fd, addr, addrlen);
    } while (result != 0 && errno == EAGAIN);
    return result;
}

int cede_connect(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
    struct cede__call call;
    int result;

    if (!cede__in_task())
        return cede__sys_connect(fd, addr, addrlen);
    if (cede__call_begin(&call, fd, CEDE__WRITES, "connect") != 0)
        return -1;
    /* Datagram sockets only note the address. */
    result = call.record->kind >= CEDE__FD_SOCKET ? cede__sys_connect(fd, addr, addrlen)
                                                  : attempt_connect(fd, addr, addrlen);
    if (result != 0 && errno == EINPROGRESS && !cede__call_nonblocking(&call))
        result = finish_connect(&call, addr, addrlen);
    else if (result != 0 && errno == EAGAIN && addr->sa_family == AF_UNIX && !cede__call_nonblocking(&call))
        result = retry_connect(&call, addr, addrlen);
    return (int)cede__call_end(&call, result);
}
