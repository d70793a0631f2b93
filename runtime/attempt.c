/* SPDX-License-Identifier: MIT */
/* The ways to attempt a read or write; see attempt.h. */
#include "attempt.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "inq.h"
#include "request.h"
#include "sys.h"

ssize_t cede__attempt_socket(struct cede__transfer *t)
{
    int fd = t->call.fd, flags = t->flags | MSG_DONTWAIT;
    bool writes = t->call.direction == CEDE__WRITES;
    struct msghdr own, *msg = t->msg;

    if (!msg && t->iov_count == 1) {
        if (writes)
            return cede__sys_sendto(fd, t->iov->iov_base, t->iov->iov_len, flags, t->addr,
                                    t->addrlen ? *t->addrlen : 0);
        if (t->call.record->counts && cede__attempt_consumes(t) && !t->addr)
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

ssize_t cede__attempt_plain(struct cede__transfer *t)
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
static bool is_one_way(const struct cede__transfer *t)
{
    int flags = cede__sys_fcntl(t->call.fd, F_GETFL, 0);

    return flags >= 0 && (flags & O_ACCMODE) == (t->call.direction == CEDE__WRITES ? O_RDONLY : O_WRONLY);
}

/* Whether it would fail at once where it seems that it has to wait: an eventfd and a timerfd count in 8 bytes, and an
 * eventfd takes no UINT64_MAX. Nothing but the name tells what such a descriptor is. */
static bool is_refused(const struct cede__transfer *t)
{
    size_t size = cede__attempt_total(t->iov, t->iov_count);
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
static ssize_t attempt_polled(struct cede__transfer *t)
{
    bool writes = t->call.direction == CEDE__WRITES;
    size_t size;

    if (!cede__call_ready(t->call.fd, writes ? POLLOUT : POLLIN) && !is_one_way(t)) {
        errno = is_refused(t) ? EINVAL : EAGAIN;
        return -1;
    }
    if (!writes || cede__attempt_total(t->iov, t->iov_count) <= PIPE_BUF)
        return cede__attempt_plain(t);
    size = t->iov->iov_len < PIPE_BUF ? t->iov->iov_len : PIPE_BUF;
    return cede__sys_write(t->call.fd, t->iov->iov_base, size);
}

static ssize_t nowait(struct cede__transfer *t)
{
    off_t offset = t->positioned ? t->offset : -1;

    return t->call.direction == CEDE__WRITES
               ? cede__sys_writev_nowait(t->call.fd, t->iov, (int)t->iov_count, offset)
               : cede__sys_readv_nowait(t->call.fd, t->iov, (int)t->iov_count, offset);
}

ssize_t cede__attempt_nowait(struct cede__transfer *t)
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
static ssize_t attempt_slow(struct cede__transfer *t)
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
    t->more |= n >= 0 && (size_t)n == cede__attempt_total(t->iov, t->iov_count); /* not short: `rest` may follow */
    return n;
}

ssize_t cede__attempt_file(struct cede__transfer *t)
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
            return cede__attempt_plain(t);
        }
        *slow = errno != EAGAIN;
        if (t->call.direction == CEDE__READS) /* writes the kernel never tries in place then */
            record->waits_in_place = *slow;
    }
    n = attempt_slow(t);
    return n < 0 && errno == EAGAIN ? cede__attempt_plain(t) : n; /* no means to do it elsewhere */
}

/* ---- the same as requests to the kernel, under a poller that makes them: they wait by themselves ---- */

ssize_t cede__attempt_request(struct cede__transfer *t)
{
    struct cede__ring *ring = &t->call.worker->poller.ring;
    struct cede__waiter waiter = {.what = t->call.what, .subject = t->call.fd, .external = true};
    struct cede__ring_request request = {.waiter = &waiter.link};
    bool writes = t->call.direction == CEDE__WRITES;
    struct io_uring_sqe *entry;
    enum cede__wake reason;
    int64_t deadline_ns;

    if (cede__call_nonblocking(&t->call) != 0 || !(entry = cede__ring_entry(ring, &request)))
        return cede__attempt_socket(t);
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
        return cede__attempt_socket(t); /* a request brings no signal */
    else
        errno = -request.result;
    return -1;
}
