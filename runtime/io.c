/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing; see cede/io.h.
 *
 * The life of a read: cede_read() fills in a struct cede__transfer; run() attempts it without blocking
 * (attempt.c); where that says EAGAIN, cede__call_wait() (call.c) registers the descriptor and parks the task (wait.c,
 * sched.c) until the poller (poller.c) finds it ready; then run() attempts it again. Calls that need no waiting are one
 * system call.
 */
#include <cede/file.h>
#include <cede/io.h>
#include <limits.h>
#include <stdbool.h>

#include "attempt.h"
#include "inq.h"
#include "sys.h"

/* Moves on by n bytes. Whether that was the end. */
static bool advance(struct cede__transfer *t, size_t n)
{
    while (t->iov_count > 0 && n >= t->iov->iov_len) {
        n -= t->iov++->iov_len;
        t->iov_count--;
    }
    if (t->iov_count > 0) {
        if (t->iov_count > 1) {
            t->rest = t->iov + 1;
            t->rest_count = t->iov_count - 1;
        }
        t->part = (struct iovec){(char *)t->iov->iov_base + n, t->iov->iov_len - n};
        t->iov = &t->part;
        t->iov_count = 1;
    } else {
        t->iov = t->rest;
        t->iov_count = t->rest_count;
        t->rest_count = 0;
    }
    return t->iov_count == 0;
}

/* ---- which attempt ---- */

/* Only what is simple, and of sockets of our own: of others it would have to be asked each time whether they may
 * wait. */
static bool requestable(const struct cede__transfer *t)
{
    const struct cede__fd *record = t->call.record;

    return t->call.worker->poller.backend->requests && record->kind <= CEDE__FD_SOCKET && record->owned && !t->msg
           && !t->addr && t->iov_count == 1 && t->iov->iov_len > 0
           && !(t->flags & ~(MSG_NOSIGNAL | MSG_WAITALL | MSG_EOR));
}

/* Without the ring, or at least not into memory that would have to stay while it waits. */
static ssize_t attempt_itself(struct cede__transfer *t)
{
    if (t->socket_only)
        return cede__attempt_socket(t);
    if (t->call.record->kind == CEDE__FD_FILE)
        return cede__attempt_file(t);
    if (t->positioned)
        return cede__attempt_plain(t);
    switch ((enum cede__fd_kind)t->call.record->kind) {
    case CEDE__FD_TCP:
    case CEDE__FD_STREAM:
    case CEDE__FD_SEQPACKET:
    case CEDE__FD_SOCKET:
        return cede__attempt_socket(t);
    case CEDE__FD_NOWAIT:
        return cede__attempt_nowait(t);
    case CEDE__FD_FILE:
    case CEDE__FD_INSTANT:
    case CEDE__FD_UNKNOWN:
        break;
    }
    return cede__attempt_plain(t);
}

/* Into a buffer that t->lends gets if that brings something. Parks as cede__attempt_request() does where the kernel
 * receives into buffers of its own choice, which only who asks for buffers lets it; ENOMEM.
 * It does so for TCP alone: of other streams (AF_UNIX, seen with Linux 6.18) it does not tell an end that was there
 * when it was asked, if there were data before it. */
static ssize_t attempt_lending(struct cede__transfer *t)
{
    struct cede__fd *record = t->call.record;
    struct cede__buffer *buffer;
    ssize_t n;

    if (t->socket_only
        && (record->inlet
            || (t->call.worker->poller.backend->requests && record->kind == CEDE__FD_TCP && record->owned
                && cede__call_nonblocking(&t->call) == 0))) {
        n = cede__buffer_await(&t->call, t->lends);
        if (n >= 0 || errno != ENOTSUP)
            return n;
    }
    buffer = cede__buffer_take(&t->call.worker->poller.buffers);
    if (!buffer)
        return -1;
    t->part = (struct iovec){buffer->bytes, t->lend_size};
    n = attempt_itself(t);
    t->more = false; /* of a file: what has come is enough */
    if (n > 0)
        *t->lends = buffer;
    else
        cede__buffer_give(buffer);
    return n;
}

static ssize_t attempt(struct cede__transfer *t)
{
    if (t->lends)
        return attempt_lending(t);
    return requestable(t) ? cede__attempt_request(t) : attempt_itself(t);
}

/* ---- the one loop ---- */

/* Whether an attempt is bound to fail, as far as is known. One that must not wait asks the kernel all the same. */
static bool known_to_block(const struct cede__transfer *t)
{
    return t->call.record->drained && cede__attempt_consumes(t) && !t->call.record->nonblocking;
}

/* Whether a call that transferred something, but not all, has to go on: blocking writes transfer everything. (What then
 * must not wait finds out by EAGAIN.) */
static bool wants_all(const struct cede__transfer *t)
{
    unsigned kind = t->call.record->kind;

    if (t->positioned || kind == CEDE__FD_FILE)
        return t->more && kind == CEDE__FD_FILE;
    if (t->call.direction == CEDE__WRITES)
        return kind != CEDE__FD_INSTANT;
    return t->flags & MSG_WAITALL && cede__attempt_consumes(t) && (kind == CEDE__FD_TCP || kind == CEDE__FD_STREAM);
}

/* A read has brought n bytes, and left something or not, as far as is known. */
static void note_rest(struct cede__fd *record, ssize_t n, bool more)
{
    record->full = more;
    record->drained = !more && n > 0 && record->registered && !record->hangup;
}

/* Whether a read was the last for now: it was short, or has said that nothing is left. */
static void note_read(const struct cede__transfer *t, ssize_t n)
{
    struct cede__fd *record = t->call.record;
    bool is_short;

    if (!record->short_is_empty || !cede__attempt_consumes(t) || record->inlet)
        return;
    is_short = (size_t)n < cede__attempt_total(t->iov, t->iov_count) + cede__attempt_total(t->rest, t->rest_count);
    note_rest(record, n, !is_short && t->left != 0);
}

/* What is still to be done after a part of a write: the first part took ancillary data with it; and a peer that is gone
 * by now makes a short count, not a signal. */
static void continue_write(struct cede__transfer *t)
{
    if (t->msg)
        t->msg->msg_control = NULL, t->msg->msg_controllen = 0;
    t->flags |= MSG_NOSIGNAL;
}

/* Attempt, wait, attempt again, until something, or everything, has been transferred. */
static ssize_t run(struct cede__transfer *t)
{
    struct cede__fd *record = t->call.record;
    ssize_t done = 0, n;

    for (;;) {
        if (t->attempted) {
            t->attempted = false;
            n = t->first;
            errno = t->first_error;
        } else if (known_to_block(t)) {
            n = -1;
            errno = EAGAIN;
        } else {
            t->left = -1;
            n = attempt(t);
            if (n < 0 && record->full && errno == EAGAIN && cede__attempt_consumes(t)) {
                record->full = false;
                cede__inq_missed(record, t->call.fd);
            }
        }
        if (n >= 0) {
            done += n;
            t->offset += n;
            note_read(t, n);
            if (n == 0 || advance(t, (size_t)n))
                break;
            if (!wants_all(t) || cede__call_continue(&t->call) != 0)
                break;
            if (t->call.direction == CEDE__WRITES)
                continue_write(t);
        } else if (errno == ENOTSOCK && record->kind <= CEDE__FD_SOCKET) {
            if (cede__call_restart(&t->call) != 0)
                break;
        } else if (errno != EAGAIN || t->flags & MSG_DONTWAIT || cede__call_wait(&t->call) != 0) {
            break;
        }
    }
    return cede__call_end(&t->call, done > 0 ? done : n < 0 ? -1 : n);
}

static ssize_t transfer(struct cede__transfer *t, int fd, enum cede__direction direction, const char *what)
{
    if (cede__call_begin(&t->call, fd, direction, what) != 0)
        return -1;
    /* As write(2) does on such a socket, where send(2) leaves it to the caller. */
    if (!t->socket_only && direction == CEDE__WRITES && t->call.record->kind == CEDE__FD_SEQPACKET)
        t->flags = MSG_EOR;
    return run(t);
}

/* Stands for the result of an attempt that was not made. */
enum { UNTRIED = -2 };

/* The general path, for a caller that has made the first attempt or has not. A function of its own, so that the frames
 * of those who seldom need it, which lie on the stack of every task that waits, are of a cache line or two. errno is
 * the attempt's, `saved` the caller's. */
static __attribute__((noinline)) ssize_t transfer_one(int fd, enum cede__direction direction, void *buf, size_t count,
                                                      int flags, bool socket_only, const char *what, ssize_t first,
                                                      int saved, struct cede__buffer **lends)
{
    struct cede__transfer t = {.iov = &t.part, .iov_count = 1, .part = {buf, count}, .flags = flags,
                               .socket_only = socket_only, .lends = lends, .lend_size = count,
                               .attempted = first != UNTRIED, .first = first, .first_error = errno};

    errno = saved;
    return transfer(&t, fd, direction, what);
}

/* Whether it is a stream socket that is known to be empty, so that a read has nothing to do but to wait. */
static inline bool known_empty_stream(const struct cede__fd *record)
{
    return record && record->drained && record->owned && record->registered && record->flags_known
           && !record->nonblocking && record->recv_timeout_ns == INT64_MAX && !record->counts && !record->inlet;
}

/* Most reads are of a stream socket that is known to be empty, so they wait, and then take what has come at the first
 * attempt. Else the general path goes on with what came of it. lends: buf is NULL, and the attempt is made into a
 * buffer that *lends gets if that brings something (but not over a poller that makes requests: attempt_lending()). */
static inline __attribute__((always_inline)) ssize_t read_stream(int fd, void *buf, size_t count, int flags,
                                                                 bool socket_only, const char *what,
                                                                 struct cede__buffer **lends)
{
    struct cede__worker *worker = cede__worker;
    struct cede__fd *record = cede__poller_fd_known(&worker->poller, fd);
    struct cede__buffer *buffer = NULL;
    ssize_t n = UNTRIED;
    int saved = errno;

    if (known_empty_stream(record) && flags == 0 && !(lends && worker->poller.backend->requests)) {
        if (cede__call_park_inline(record, CEDE__READS, record->generation, fd, what, INT64_MAX) != 0)
            return -1;
        if (lends && !(buffer = cede__buffer_take(&worker->poller.buffers)))
            return -1;
        n = cede__sys_recvfrom(fd, lends ? buffer->bytes : buf, count, MSG_DONTWAIT, NULL, NULL);
        if (__builtin_expect(n > 0, 1)) {
            note_rest(record, n, (size_t)n == count);
            if (lends)
                *lends = buffer;
            errno = saved;
            return n;
        }
        if (lends)
            cede__buffer_give(buffer);
    }
    return transfer_one(fd, CEDE__READS, buf, count, flags, socket_only, what, n, saved, lends);
}

/* Most writes are to a stream socket that takes them whole at the first attempt: then that is all there is to do. Else
 * the general path goes on with what came of it. */
static inline __attribute__((always_inline)) ssize_t write_stream(int fd, const void *buf, size_t count, int flags,
                                                                  bool socket_only, const char *what)
{
    struct cede__worker *worker = cede__worker;
    struct cede__fd *record = cede__poller_fd_known(&worker->poller, fd);
    ssize_t n = UNTRIED;
    int saved = errno;

    if (record && (record->kind == CEDE__FD_TCP || record->kind == CEDE__FD_STREAM)) {
        n = cede__sys_sendto(fd, buf, count, flags | MSG_DONTWAIT, NULL, 0);
        if (__builtin_expect(n >= 0 && (size_t)n == count, 1)) {
            if (--worker->budget <= 0)
                cede__sched_yield(worker);
            errno = saved;
            return n;
        }
    }
    return transfer_one(fd, CEDE__WRITES, (void *)buf, count, flags, socket_only, what, n, saved, NULL);
}

/* ---- any descriptor ---- */

ssize_t cede_read(int fd, void *buf, size_t count)
{
    /* Nothing to read: read(2) never waits for that, where recv(2) would. */
    if (!cede__in_task() || count == 0)
        return cede__sys_read(fd, buf, count);
    return read_stream(fd, buf, count, 0, false, "read", NULL);
}

ssize_t cede_readv(int fd, const struct iovec *iov, int iovcnt)
{
    struct cede__transfer t = {.iov = (struct iovec *)iov, .iov_count = (size_t)iovcnt};

    if (!cede__in_task() || iovcnt <= 0 || iovcnt > IOV_MAX || !iov || cede__attempt_total(iov, (size_t)iovcnt) == 0)
        return cede__sys_readv(fd, iov, iovcnt);
    return transfer(&t, fd, CEDE__READS, "readv");
}

ssize_t cede_write(int fd, const void *buf, size_t count)
{
    if (!cede__in_task())
        return cede__sys_write(fd, buf, count);
    return write_stream(fd, buf, count, 0, false, "write");
}

ssize_t cede_writev(int fd, const struct iovec *iov, int iovcnt)
{
    struct cede__transfer t = {.iov = (struct iovec *)iov, .iov_count = (size_t)iovcnt};

    if (!cede__in_task() || iovcnt <= 0 || iovcnt > IOV_MAX || !iov)
        return cede__sys_writev(fd, iov, iovcnt);
    return transfer(&t, fd, CEDE__WRITES, "writev");
}

/* ---- files, at a given offset ---- */

static ssize_t transfer_at(int fd, const struct iovec *iov, int iovcnt, off_t offset, enum cede__direction direction,
                           const char *what)
{
    struct cede__transfer t = {.iov = (struct iovec *)iov, .iov_count = (size_t)iovcnt, .positioned = true,
                         .offset = offset};

    if (!cede__in_task() || offset < 0 || iovcnt <= 0 || iovcnt > IOV_MAX || !iov)
        return direction == CEDE__WRITES ? cede__sys_pwritev(fd, iov, iovcnt, offset)
                                         : cede__sys_preadv(fd, iov, iovcnt, offset);
    return transfer(&t, fd, direction, what);
}

ssize_t cede_pread(int fd, void *buf, size_t count, off_t offset)
{
    const struct iovec iov = {buf, count};

    return transfer_at(fd, &iov, 1, offset, CEDE__READS, "pread");
}

ssize_t cede_pwrite(int fd, const void *buf, size_t count, off_t offset)
{
    const struct iovec iov = {(void *)buf, count};

    return transfer_at(fd, &iov, 1, offset, CEDE__WRITES, "pwrite");
}

ssize_t cede_preadv(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
    return transfer_at(fd, iov, iovcnt, offset, CEDE__READS, "preadv");
}

ssize_t cede_pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
    return transfer_at(fd, iov, iovcnt, offset, CEDE__WRITES, "pwritev");
}

/* ---- sockets ---- */

/* With an address, or of nothing. */
static __attribute__((noinline)) ssize_t receive_from(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                                                      socklen_t *addrlen)
{
    struct cede__transfer t = {.iov = &t.part, .iov_count = 1, .part = {buf, len}, .flags = flags,
                               .socket_only = true, .addr = addr, .addrlen = addrlen};

    return transfer(&t, fd, CEDE__READS, "recv");
}

ssize_t cede_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen)
{
    if (!cede__in_task())
        return cede__sys_recvfrom(fd, buf, len, flags, addr, addrlen);
    if (addr || len == 0)
        return receive_from(fd, buf, len, flags, addr, addrlen);
    return read_stream(fd, buf, len, flags, true, "recv", NULL);
}

ssize_t cede_recv(int fd, void *buf, size_t len, int flags)
{
    return cede_recvfrom(fd, buf, len, flags, NULL, NULL);
}

ssize_t cede__io_lend(int fd, struct cede__buffer **lent)
{
    return read_stream(fd, NULL, CEDE_BUFFER_SIZE, 0, true, "recv", lent);
}

ssize_t cede__io_lend_read(int fd, size_t size, struct cede__buffer **lent)
{
    return read_stream(fd, NULL, size, 0, false, "read", lent);
}

ssize_t cede_recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct cede__transfer t = {.flags = flags, .socket_only = true};
    struct msghdr own;
    ssize_t n;

    if (!cede__in_task() || !msg)
        return cede__sys_recvmsg(fd, msg, flags);
    own = *msg;
    t.msg = &own;
    t.iov = own.msg_iov;
    t.iov_count = own.msg_iovlen;
    n = transfer(&t, fd, CEDE__READS, "recvmsg");
    if (n >= 0) {
        msg->msg_namelen = own.msg_namelen;
        msg->msg_controllen = own.msg_controllen;
        msg->msg_flags = own.msg_flags;
    }
    return n;
}

static __attribute__((noinline)) ssize_t send_to(int fd, const void *buf, size_t len, int flags,
                                                 const struct sockaddr *addr, socklen_t addrlen)
{
    struct cede__transfer t = {.iov = &t.part, .iov_count = 1, .part = {(void *)buf, len}, .flags = flags,
                               .socket_only = true, .addr = (struct sockaddr *)addr, .addrlen = &addrlen};

    return transfer(&t, fd, CEDE__WRITES, "send");
}

ssize_t cede_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, socklen_t addrlen)
{
    if (!cede__in_task())
        return cede__sys_sendto(fd, buf, len, flags, addr, addrlen);
    if (addr)
        return send_to(fd, buf, len, flags, addr, addrlen);
    return write_stream(fd, buf, len, flags, true, "send");
}

ssize_t cede_send(int fd, const void *buf, size_t len, int flags)
{
    return cede_sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t cede_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    struct cede__transfer t = {.flags = flags, .socket_only = true};
    struct msghdr own;

    if (!cede__in_task() || !msg)
        return cede__sys_sendmsg(fd, msg, flags);
    own = *msg;
    t.msg = &own;
    t.iov = own.msg_iov;
    t.iov_count = own.msg_iovlen;
    return transfer(&t, fd, CEDE__WRITES, "sendmsg");
}
