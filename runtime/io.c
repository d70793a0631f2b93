/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing; see cede/io.h.
 *
 * The life of a read: cede_read() fills in a struct transfer; run() attempts it without blocking; where that says
 * EAGAIN, cede__call_wait() (descriptor.c) registers the descriptor and parks the task (wait.c, sched.c) until the
 * poller (poller.c) finds it ready; then run() attempts it again. Calls that need no waiting are one system call.
 */
#include <cede/file.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "descriptor.h"
#include "file.h"
#include "inq.h"
#include "request.h"
#include "sys.h"

/* One read or write, and what is left of it. */
struct transfer {
    struct cede__call call;
    struct iovec *iov; /* to do next: an array of the caller's, which is never written to, or &part */
    size_t iov_count;
    struct iovec part; /* the only segment, or what is left of one that was transferred in part ... */
    struct iovec *rest; /* ... and those that follow it */
    size_t rest_count;
    int flags;         /* MSG_* */
    bool socket_only;  /* recv, send and relatives: other descriptors get ENOTSOCK */
    struct sockaddr *addr; /* of recvfrom and sendto */
    socklen_t *addrlen;
    struct msghdr *msg; /* of recvmsg and sendmsg: a copy of the caller's; the segments are those above */
    bool positioned;   /* pread and relatives: at `offset`, not at the descriptor's own position */
    bool more;         /* of a file: the last attempt may have come to its end early, so a short count means nothing */
    off_t offset;
    int left;          /* what the last read has left there, if it says so; else -1 */
    struct cede__buffer **lends; /* a buffer for each attempt, and lent if that brings something; else NULL */
    bool attempted;    /* by the caller of run(), already: with the result `first`, and errno `first_error` ... */
    int first_error;
    ssize_t first;
};

/* Moves on by n bytes. Whether that was the end. */
static bool advance(struct transfer *t, size_t n)
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

static size_t total(const struct iovec *iov, size_t count)
{
    size_t sum = 0;

    while (count-- > 0)
        sum += iov++->iov_len;
    return sum;
}

/* Flags with which a read takes bytes off the front of the stream and nothing else. */
static bool consumes(const struct transfer *t)
{
    return t->call.direction == CEDE__READS && !(t->msg && t->msg->msg_control)
           && !(t->flags & ~(MSG_WAITALL | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC));
}

/* ---- attempts: -1 with EAGAIN where the call would block ---- */

static ssize_t attempt_socket(struct transfer *t)
{
    int fd = t->call.fd, flags = t->flags | MSG_DONTWAIT;
    bool writes = t->call.direction == CEDE__WRITES;
    struct msghdr own, *msg = t->msg;

    if (!msg && t->iov_count == 1) {
        if (writes)
            return cede__sys_sendto(fd, t->iov->iov_base, t->iov->iov_len, flags, t->addr,
                                    t->addrlen ? *t->addrlen : 0);
        if (t->call.record->counts && consumes(t) && !t->addr)
            return cede__inq_recv(fd, t->iov->iov_base, t->iov->iov_len, t->flags, &t->left);
        return cede__sys_recvfrom(fd, t->iov->iov_base, t->iov->iov_len, flags, t->addr, t->addrlen);
    }
    if (!msg) {
        own = (struct msghdr){0};
        msg = &own;
    }
    if (msg->msg_control && !writes && t->call.record->counts)
        cede__inq_stop(t->call.record, fd);
    msg->msg_iov = t->iov;
    msg->msg_iovlen = t->iov_count;
    return writes ? cede__sys_sendmsg(fd, msg, flags) : cede__sys_recvmsg(fd, msg, flags);
}

static ssize_t attempt_plain(struct transfer *t)
{
    int fd = t->call.fd;

    if (t->positioned)
        return t->call.direction == CEDE__WRITES ? cede__sys_pwritev(fd, t->iov, (int)t->iov_count, t->offset)
                                                 : cede__sys_preadv(fd, t->iov, (int)t->iov_count, t->offset);
    if (t->iov_count != 1)
        return t->call.direction == CEDE__WRITES ? cede__sys_writev(fd, t->iov, (int)t->iov_count)
                                                 : cede__sys_readv(fd, t->iov, (int)t->iov_count);
    return t->call.direction == CEDE__WRITES ? cede__sys_write(fd, t->iov->iov_base, t->iov->iov_len)
                                             : cede__sys_read(fd, t->iov->iov_base, t->iov->iov_len);
}

/* Whether the descriptor is not open for this direction at all: then it is never ready, and the call fails at once. */
static bool is_one_way(const struct transfer *t)
{
    int flags = cede__sys_fcntl(t->call.fd, F_GETFL, 0);

    return flags >= 0 && (flags & O_ACCMODE) == (t->call.direction == CEDE__WRITES ? O_RDONLY : O_WRONLY);
}

/* Whether it would fail at once where it seems that it has to wait: an eventfd and a timerfd count in 8 bytes, and an
 * eventfd takes no UINT64_MAX. Nothing but the name tells what such a descriptor is. */
static bool is_refused(const struct transfer *t)
{
    size_t size = total(t->iov, t->iov_count);
    bool writes = t->call.direction == CEDE__WRITES;
    uint64_t value = 0;
    char path[32], name[32];
    ssize_t length;

    if (size > sizeof value || (size == sizeof value && !(writes && t->iov_count == 1)))
        return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", t->call.fd);
    length = syscall(SYS_readlinkat, AT_FDCWD, path, name, sizeof name - 1);
    name[length > 0 ? length : 0] = '\0';
    if (strcmp(name, "anon_inode:[timerfd]") == 0)
        return !writes;
    if (strcmp(name, "anon_inode:[eventfd]") != 0)
        return false;
    if (size == sizeof value)
        memcpy(&value, t->iov->iov_base, sizeof value);
    return size < sizeof value || value == UINT64_MAX;
}

/* The descriptor itself would block, so ask first. Somebody else may still be quicker (another process that reads from
 * the same terminal): then the thread waits. There is no way to know how much a write can take but that PIPE_BUF bytes
 * are always fine with a pipe that is writable. */
static ssize_t attempt_polled(struct transfer *t)
{
    static const struct timespec at_once = {0};
    bool writes = t->call.direction == CEDE__WRITES;
    struct pollfd ask = {.fd = t->call.fd, .events = writes ? POLLOUT : POLLIN};
    size_t size;

    if (cede__sys_ppoll(&ask, 1, &at_once, NULL) == 0 && !is_one_way(t)) {
        errno = is_refused(t) ? EINVAL : EAGAIN;
        return -1;
    }
    if (!writes || total(t->iov, t->iov_count) <= PIPE_BUF)
        return attempt_plain(t);
    size = t->iov->iov_len < PIPE_BUF ? t->iov->iov_len : PIPE_BUF;
    return cede__sys_write(t->call.fd, t->iov->iov_base, size);
}

static ssize_t nowait(struct transfer *t)
{
    off_t offset = t->positioned ? t->offset : -1;

    return t->call.direction == CEDE__WRITES
               ? cede__sys_writev_nowait(t->call.fd, t->iov, (int)t->iov_count, offset)
               : cede__sys_readv_nowait(t->call.fd, t->iov, (int)t->iov_count, offset);
}

static ssize_t attempt_nowait(struct transfer *t)
{
    bool *unknown = &t->call.record->slow[t->call.direction];
    ssize_t n = *unknown ? -1 : nowait(t);

    /* Terminals; writes to an eventfd; anything on old kernels (pipes: before Linux 6.4) and under qemu-user. */
    *unknown |= n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS);
    return *unknown ? attempt_polled(t) : n;
}

/* One task at a time may wait for a file at the descriptor's own position, which the kernel moves in the end. */
static int claim_position(struct cede__call *call)
{
    struct cede__waiter waiter = {.what = call->what, .subject = call->fd};
    enum cede__wake reason;

    while (call->record->positioned) {
        cede__list_append(&call->record->readers, &waiter.link);
        reason = cede__wait(&waiter, INT64_MAX);
        if (call->record->generation != call->generation)
            reason = CEDE__WAKE_CLOSED;
        if (reason != CEDE__WAKE_EVENT)
            return cede__wait_errno(reason);
    }
    call->record->positioned = true;
    return 0;
}

static void leave_position(struct cede__call *call)
{
    struct cede__list *next;

    if (call->record->generation != call->generation)
        return;
    call->record->positioned = false;
    next = cede__list_take(&call->record->readers);
    if (next)
        cede__sched_wake(CEDE__CONTAINER(next, struct cede__waiter, link), CEDE__WAKE_EVENT);
}

/* What is not in the page cache, or may not be known not to wait. */
static ssize_t attempt_slow(struct transfer *t)
{
    ssize_t n;

    if (t->positioned) {
        n = cede__file_transfer(&t->call, t->iov, t->iov_count, t->offset, &t->more);
    } else {
        if (claim_position(&t->call) != 0)
            return -1;
        n = cede__file_transfer(&t->call, t->iov, t->iov_count, -1, &t->more);
        leave_position(&t->call);
    }
    t->more |= n >= 0 && (size_t)n == total(t->iov, t->iov_count); /* not short: `rest` may follow */
    return n;
}

static ssize_t attempt_file(struct transfer *t)
{
    struct cede__fd *record = t->call.record;
    bool *slow = &record->slow[t->call.direction];
    ssize_t n;

    t->more = true;
    if (!*slow && (t->positioned || !record->positioned)) {
        n = nowait(t);
        if (n >= 0 || (errno != EAGAIN && errno != EOPNOTSUPP && errno != ENOSYS))
            return n;
        if (errno != EAGAIN && cede__file_in_memory(t->call.fd)) {
            record->kind = CEDE__FD_INSTANT;
            return attempt_plain(t);
        }
        *slow = errno != EAGAIN;
        if (t->call.direction == CEDE__READS) /* writes the kernel never tries in place then */
            record->waits_in_place = *slow;
    }
    n = attempt_slow(t);
    return n < 0 && errno == EAGAIN ? attempt_plain(t) : n; /* no means to do it elsewhere */
}

/* ---- the same as requests to the kernel, under a poller that makes them: they wait by themselves ---- */

/* Only what is simple, and of sockets of our own: of others it would have to be asked each time whether they may
 * wait. */
static bool requestable(const struct transfer *t)
{
    const struct cede__fd *record = t->call.record;

    return t->call.worker->poller.backend->requests && record->kind <= CEDE__FD_SOCKET && record->owned && !t->msg
           && !t->addr && t->iov_count == 1 && t->iov->iov_len > 0
           && !(t->flags & ~(MSG_NOSIGNAL | MSG_WAITALL | MSG_EOR));
}

static ssize_t attempt_request(struct transfer *t)
{
    struct cede__ring *ring = &t->call.worker->poller.ring;
    struct cede__waiter waiter = {.what = t->call.what, .subject = t->call.fd, .external = true};
    struct cede__ring_request request = {.waiter = &waiter.link};
    bool writes = t->call.direction == CEDE__WRITES;
    struct io_uring_sqe *entry;
    enum cede__wake reason;
    int64_t deadline_ns;

    if (cede__call_nonblocking(&t->call) != 0 || !(entry = cede__ring_entry(ring, &request)))
        return attempt_socket(t);
    entry->opcode = writes ? IORING_OP_SEND : IORING_OP_RECV;
    entry->fd = t->call.fd;
    entry->addr = (uintptr_t)t->iov->iov_base;
    entry->len = t->iov->iov_len < INT_MAX ? (unsigned)t->iov->iov_len : INT_MAX;
    entry->msg_flags = (unsigned)(t->flags & ~MSG_WAITALL); /* run() goes on by itself */
    if (!writes) /* whoever reads usually has to wait: the kernel need not find out by an attempt that fails */
        entry->ioprio = IORING_RECVSEND_POLL_FIRST;
    deadline_ns = cede__call_deadline(&t->call);
    waiter.interruptible = (uint8_t)cede__call_interruptible(deadline_ns);
    reason = cede__request_wait(ring, &request, &waiter, writes ? &t->call.record->writers : &t->call.record->readers,
                                deadline_ns);
    if (reason == CEDE__WAKE_DEADLINE)
        errno = EAGAIN; /* which run() asks about again */
    else if (reason != CEDE__WAKE_EVENT)
        return cede__wait_errno(reason);
    else if (request.result >= 0)
        return request.result;
    else if (request.result == -EPIPE && !(t->flags & MSG_NOSIGNAL))
        return attempt_socket(t); /* a request brings no signal */
    else
        errno = -request.result;
    return -1;
}

static ssize_t attempt_lending(struct transfer *t)
{
    struct cede__fd *record = t->call.record;
    struct cede__buffer *buffer;
    ssize_t n;

    if (record->inlet
        || (t->call.worker->poller.backend->requests && record->kind <= CEDE__FD_STREAM && record->owned
            && cede__call_nonblocking(&t->call) == 0)) {
        n = cede__buffer_await(&t->call, t->lends);
        if (n >= 0 || errno != ENOTSUP)
            return n;
    }
    buffer = cede__buffer_take(&t->call.worker->poller.buffers);
    if (!buffer)
        return -1;
    t->part = (struct iovec){buffer->bytes, sizeof buffer->bytes};
    n = attempt_socket(t);
    if (n > 0)
        *t->lends = buffer;
    else
        cede__buffer_give(buffer);
    return n;
}

static ssize_t attempt(struct transfer *t)
{
    if (t->lends)
        return attempt_lending(t);
    if (requestable(t))
        return attempt_request(t);
    if (t->socket_only)
        return attempt_socket(t);
    if (t->call.record->kind == CEDE__FD_FILE)
        return attempt_file(t);
    if (t->positioned)
        return attempt_plain(t);
    switch ((enum cede__fd_kind)t->call.record->kind) {
    case CEDE__FD_TCP:
    case CEDE__FD_STREAM:
    case CEDE__FD_SEQPACKET:
    case CEDE__FD_SOCKET:
        return attempt_socket(t);
    case CEDE__FD_NOWAIT:
        return attempt_nowait(t);
    case CEDE__FD_FILE:
    case CEDE__FD_INSTANT:
    case CEDE__FD_UNKNOWN:
        break;
    }
    return attempt_plain(t);
}

/* ---- the one loop ---- */

/* Whether an attempt is bound to fail, as far as is known. One that must not wait asks the kernel all the same. */
static bool known_to_block(const struct transfer *t)
{
    return t->call.record->drained && consumes(t) && !t->call.record->nonblocking;
}

/* Whether a call that transferred something, but not all, has to go on: blocking writes transfer everything. (What then
 * must not wait finds out by EAGAIN.) */
static bool wants_all(const struct transfer *t)
{
    unsigned kind = t->call.record->kind;

    if (t->positioned || kind == CEDE__FD_FILE)
        return t->more && kind == CEDE__FD_FILE;
    if (t->call.direction == CEDE__WRITES)
        return kind != CEDE__FD_INSTANT;
    return t->flags & MSG_WAITALL && consumes(t) && (kind == CEDE__FD_TCP || kind == CEDE__FD_STREAM);
}

/* Whether a read was the last for now: it was short, or has said that nothing is left. */
static void note_read(const struct transfer *t, ssize_t n)
{
    struct cede__fd *record = t->call.record;
    bool is_short;

    if (!record->short_is_empty || !consumes(t) || record->inlet)
        return;
    is_short = (size_t)n < total(t->iov, t->iov_count) + total(t->rest, t->rest_count);
    record->full = !is_short && t->left != 0;
    record->drained = !record->full && n > 0 && record->registered && !record->hangup;
}

/* What is still to be done after a part of a write: the first part took ancillary data with it; and a peer that is gone
 * by now makes a short count, not a signal. */
static void continue_write(struct transfer *t)
{
    if (t->msg)
        t->msg->msg_control = NULL, t->msg->msg_controllen = 0;
    t->flags |= MSG_NOSIGNAL;
}

/* Attempt, wait, attempt again, until something, or everything, has been transferred. */
static ssize_t run(struct transfer *t)
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
            if (n < 0 && record->full && errno == EAGAIN && consumes(t)) {
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

static ssize_t transfer(struct transfer *t, int fd, enum cede__direction direction, const char *what)
{
    if (cede__call_begin(&t->call, fd, direction, what) != 0)
        return -1;
    /* As write(2) does on such a socket, where send(2) leaves it to the caller. */
    if (!t->socket_only && direction == CEDE__WRITES && t->call.record->kind == CEDE__FD_SEQPACKET)
        t->flags = MSG_EOR;
    return run(t);
}

/* Most writes are to a stream socket that takes them whole at the first attempt: then that is all there is to do. Else
 * the general path goes on with what came of it. */
static ssize_t write_stream(int fd, const void *buf, size_t count, int flags, bool socket_only, const char *what)
{
    struct cede__worker *worker = cede__worker;
    struct cede__fd *record = cede__poller_fd_known(&worker->poller, fd);
    struct transfer t;
    int saved = errno;
    ssize_t n = 0;
    bool attempts = record && (record->kind == CEDE__FD_TCP || record->kind == CEDE__FD_STREAM);

    if (attempts) {
        n = cede__sys_sendto(fd, buf, count, flags | MSG_DONTWAIT, NULL, 0);
        if (__builtin_expect(n >= 0 && (size_t)n == count, 1)) {
            if (--worker->budget <= 0)
                cede__sched_yield(worker);
            errno = saved;
            return n;
        }
    }
    t = (struct transfer){.iov = &t.part, .iov_count = 1, .part = {(void *)buf, count}, .flags = flags,
                          .socket_only = socket_only, .attempted = attempts, .first = n, .first_error = errno};
    errno = saved;
    return transfer(&t, fd, CEDE__WRITES, what);
}

/* ---- any descriptor ---- */

ssize_t cede_read(int fd, void *buf, size_t count)
{
    struct transfer t = {.iov = &t.part, .iov_count = 1, .part = {buf, count}};

    /* Nothing to read: read(2) never waits for that, where recv(2) would. */
    if (!cede__in_task() || count == 0)
        return cede__sys_read(fd, buf, count);
    return transfer(&t, fd, CEDE__READS, "read");
}

ssize_t cede_readv(int fd, const struct iovec *iov, int iovcnt)
{
    struct transfer t = {.iov = (struct iovec *)iov, .iov_count = (size_t)iovcnt};

    if (!cede__in_task() || iovcnt <= 0 || iovcnt > IOV_MAX || !iov || total(iov, (size_t)iovcnt) == 0)
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
    struct transfer t = {.iov = (struct iovec *)iov, .iov_count = (size_t)iovcnt};

    if (!cede__in_task() || iovcnt <= 0 || iovcnt > IOV_MAX || !iov)
        return cede__sys_writev(fd, iov, iovcnt);
    return transfer(&t, fd, CEDE__WRITES, "writev");
}

/* ---- files, at a given offset ---- */

static ssize_t transfer_at(int fd, const struct iovec *iov, int iovcnt, off_t offset, enum cede__direction direction,
                           const char *what)
{
    struct transfer t = {.iov = (struct iovec *)iov, .iov_count = (size_t)iovcnt, .positioned = true,
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

ssize_t cede_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen)
{
    struct transfer t = {.iov = &t.part, .iov_count = 1, .part = {buf, len}, .flags = flags, .socket_only = true,
                         .addr = addr, .addrlen = addrlen};

    if (!cede__in_task())
        return cede__sys_recvfrom(fd, buf, len, flags, addr, addrlen);
    return transfer(&t, fd, CEDE__READS, "recv");
}

ssize_t cede_recv(int fd, void *buf, size_t len, int flags)
{
    return cede_recvfrom(fd, buf, len, flags, NULL, NULL);
}

ssize_t cede__io_lend(int fd, struct cede__buffer **lent)
{
    struct transfer t = {.iov = &t.part, .iov_count = 1, .part = {NULL, CEDE_BUFFER_SIZE}, .socket_only = true,
                         .lends = lent};

    return transfer(&t, fd, CEDE__READS, "recv");
}

ssize_t cede_recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct transfer t = {.flags = flags, .socket_only = true};
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

ssize_t cede_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, socklen_t addrlen)
{
    struct transfer t = {.iov = &t.part, .iov_count = 1, .part = {(void *)buf, len}, .flags = flags,
                         .socket_only = true, .addr = (struct sockaddr *)addr, .addrlen = &addrlen};

    if (!cede__in_task())
        return cede__sys_sendto(fd, buf, len, flags, addr, addrlen);
    if (!addr)
        return write_stream(fd, buf, len, flags, true, "send");
    return transfer(&t, fd, CEDE__WRITES, "send");
}

ssize_t cede_send(int fd, const void *buf, size_t len, int flags)
{
    return cede_sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t cede_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    struct transfer t = {.flags = flags, .socket_only = true};
    struct msghdr own;

    if (!cede__in_task() || !msg)
        return cede__sys_sendmsg(fd, msg, flags);
    own = *msg;
    t.msg = &own;
    t.iov = own.msg_iov;
    t.iov_count = own.msg_iovlen;
    return transfer(&t, fd, CEDE__WRITES, "sendmsg");
}
