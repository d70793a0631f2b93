/* SPDX-License-Identifier: MIT */
/* What a descriptor number means; see descriptor.h and cede/io.h. */
#include "descriptor.h"

#include <cede/io.h>
#include <limits.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "file_number.h"
#include "fork.h"
#include "private.h"
#include "run.h"
#include "sys.h"
#include "wait.h"

/* How many times a descriptor has been closed through cede, in the whole process: tells a runtime that hears late that
 * another one has closed a number whether it meant the descriptor that has this number by now. */
static _Atomic uint64_t closings;

/* ---- what it is ---- */

enum cede__fd_kind cede__descriptor_kind(int domain, int type, int protocol)
{
    switch (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
    case SOCK_STREAM:
        return (domain == AF_INET || domain == AF_INET6) && (protocol == 0 || protocol == IPPROTO_TCP)
                   ? CEDE__FD_TCP
                   : CEDE__FD_STREAM;
    case SOCK_SEQPACKET:
        return CEDE__FD_SEQPACKET;
    default:
        return CEDE__FD_SOCKET;
    }
}

static int option(int fd, int name)
{
    int value = 0;
    socklen_t size = sizeof value;

    return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/* CEDE__FD_UNKNOWN with errno EBADF if it is nothing. */
static enum cede__fd_kind kind_of(int fd)
{
    struct stat status;

    if (cede__sys_fstat(fd, &status) != 0)
        return CEDE__FD_UNKNOWN;
    switch (status.st_mode & S_IFMT) {
    case S_IFSOCK:
        return cede__descriptor_kind(option(fd, SO_DOMAIN), option(fd, SO_TYPE), option(fd, SO_PROTOCOL));
    case S_IFREG:
    case S_IFBLK:
        return CEDE__FD_FILE;
    case S_IFDIR:
        return CEDE__FD_INSTANT;
    default:
        return CEDE__FD_NOWAIT; /* until it says that it cannot do that */
    }
}

void cede__descriptor_learn(struct cede__fd *record, int fd)
{
    if (!record->short_is_empty)
        record->short_is_empty = record->kind == CEDE__FD_TCP && record->owned && option(fd, SO_RCVLOWAT) == 1;
}

int cede__descriptor_identify(struct cede__fd *record, int fd)
{
    record->kind = (uint8_t)kind_of(fd);
    record->closings = atomic_load(&closings);
    /* With O_DIRECT, what need not wait for others waits for the disk all the same. */
    record->waits_in_place = false;
    record->slow[CEDE__READS] = record->slow[CEDE__WRITES] =
        record->kind == CEDE__FD_FILE && cede__sys_fcntl(fd, F_GETFL, 0) & O_DIRECT;
    return record->kind == CEDE__FD_UNKNOWN ? -1 : 0;
}

/* ---- what it means ---- */

/* A child of vfork(2) that closes descriptors before it calls exec must not take from its parent, whose memory it
 * borrows, what that knows of its own. To ask costs a system call, so not where there is nothing to lose. */
static bool worth_keeping(const struct cede__fd *record)
{
    return record->kind != CEDE__FD_UNKNOWN || !cede__list_empty(&record->readers)
           || !cede__list_empty(&record->writers);
}

struct cede__fd *cede__descriptor_record(struct cede__worker *worker, int fd)
{
    if (fd >= 0 && (unsigned)fd / CEDE__FDS_PER_PAGE >= worker->poller.page_count
        && cede__sys_fcntl(fd, F_GETFD, 0) < 0)
        return NULL;
    return cede__poller_fd(&worker->poller, fd);
}

bool cede__descriptor_forget(struct cede__worker *worker, int fd)
{
    struct cede__fd *record = cede__poller_fd_known(&worker->poller, fd);
    struct cede__list waiters = {0}, *link;

    if (!record)
        return true;
    if (worth_keeping(record) && cede__fork_unnoticed())
        return false;
    cede__poller_forget(&worker->poller, fd, &waiters);
    record->closings = atomic_load(&closings);
    while ((link = cede__list_take(&waiters)))
        cede__sched_wake(CEDE__CONTAINER(link, struct cede__waiter, link), CEDE__WAKE_CLOSED);
    return true;
}

/* The first record of a number between *fd, which becomes that number, and last; NULL: none is known. Private ones are
 * no part of a range. */
static struct cede__fd *next_known(const struct cede__poller *poller, int *fd, int last)
{
    struct cede__fd *record;
    int64_t end = (int64_t)poller->page_count * CEDE__FDS_PER_PAGE;

    for (; *fd <= last && *fd < end && *fd < INT_MAX; ++*fd) {
        record = cede__poller_fd_known(poller, *fd);
        if (record && worth_keeping(record) && !cede__private_has(*fd))
            return record;
    }
    return NULL;
}

/* Requests that name one of the numbers reach the kernel while it means what they mean. */
static void settle_and_forget(struct cede__worker *worker, int first, int last)
{
    int fd;

    if (cede__poller_queued(&worker->poller) && !cede__fork_unnoticed())
        cede__poller_settle(&worker->poller);
    for (fd = first; next_known(&worker->poller, &fd, last); fd++)
        cede__descriptor_forget(worker, fd);
}

/* Another runtime closes numbers, which this one may know. */
struct closing {
    struct cede__remote remote;
    struct cede__worker *worker;
    uint64_t number; /* of the closing, as counted by `closings`; 0: it is over */
    int first, last;
};

/* Who began to wait after the first notice, and before the number was closed, waits for what no longer exists: no event
 * will come, but another attempt tells. For all others it is an event too many. */
static void look_again(struct cede__fd *record)
{
    struct cede__list waiters = {0}, *link;

    record->drained = false;
    cede__list_move_all(&waiters, &record->readers);
    cede__list_move_all(&waiters, &record->writers);
    while ((link = cede__list_take(&waiters)))
        cede__sched_wake(CEDE__CONTAINER(link, struct cede__waiter, link), CEDE__WAKE_EVENT);
}

static void deliver_closing(struct cede__remote *remote)
{
    struct closing *closing = CEDE__CONTAINER(remote, struct closing, remote);
    struct cede__poller *poller = &closing->worker->poller;
    struct cede__fd *record;
    int fd;

    for (fd = closing->first; (record = next_known(poller, &fd, closing->last)); fd++) {
        if (closing->number == 0)
            look_again(record);
        else if (record->closings < closing->number)
            cede__descriptor_forget(closing->worker, fd);
    }
    free(closing);
}

/* Without memory it stays unsaid: tasks of that runtime that wait on fd then go on waiting, as threads would that are
 * in read(2) when another closes the descriptor; and it finds out as with any descriptor closed behind its back. */
static void tell(struct cede__worker *worker, int first, int last, uint64_t number)
{
    struct closing *closing = malloc(sizeof *closing);

    if (!closing)
        return;
    *closing = (struct closing){.remote.deliver = deliver_closing, .worker = worker, .number = number, .first = first,
                                .last = last};
    cede__sched_post(worker, &closing->remote);
}

/* To be called before, and after, these numbers are closed. */
static void closes(int first, int last)
{
    uint64_t number = atomic_fetch_add(&closings, 1) + 1;
    struct cede__worker *worker;

    for (worker = cede__run_workers(); worker; worker = worker->next) {
        if (worker == cede__worker)
            settle_and_forget(worker, first, last);
        else if (atomic_load(&worker->in_use) && !cede__fork_unnoticed())
            tell(worker, first, last, number);
    }
}

static void closed(int first, int last)
{
    struct cede__worker *worker;
    int saved = errno;

    for (worker = cede__run_workers(); worker; worker = worker->next)
        if (worker != cede__worker && atomic_load(&worker->in_use) && !cede__fork_unnoticed())
            tell(worker, first, last, 0);
    errno = saved;
}

void cede__descriptor_closes(int fd)
{
    if (fd >= 0)
        closes(fd, fd);
}

void cede__descriptor_closed(int fd)
{
    if (fd >= 0)
        closed(fd, fd);
}

void cede__descriptor_made(int fd, enum cede__fd_kind kind)
{
    struct cede__fd *record;
    int saved = errno;

    if (!cede__in_task() || fd < 0 || !cede__descriptor_forget(cede__worker, fd))
        return;
    record = cede__descriptor_record(cede__worker, fd);
    if (record) { /* else there is no memory to know it: it is treated as one that others made */
        record->kind = (uint8_t)kind;
        record->owned = true;
        record->closings = atomic_load(&closings);
    }
    errno = saved;
}

int cede__descriptor_private(int fd, enum cede__fd_kind kind)
{
    fd = cede__private_take(fd);
    cede__descriptor_made(fd, kind);
    return fd;
}

void cede__descriptor_private_close(int fd)
{
    int saved = errno;

    cede__private_forget(fd);
    closes(fd, fd);
    cede__sys_close(fd);
    closed(fd, fd);
    errno = saved;
}

/* newfd is a duplicate of fd: neither can be told from one that others made. */
static void duplicated(int fd, int newfd)
{
    struct cede__fd *record;

    if (!cede__in_task() || newfd < 0)
        return;
    cede__descriptor_forget(cede__worker, newfd);
    record = cede__poller_fd_known(&cede__worker->poller, fd);
    if (record)
        record->owned = record->short_is_empty = record->drained = record->counts = false;
}

/* ---- the public calls that are about numbers ---- */

int cede_close(int fd)
{
    int result;

    if (cede__private_has(fd) && !cede__fork_unnoticed()) {
        errno = EBADF;
        return -1;
    }
    /* First, so that when the kernel hands the number out again nobody waits on it any more. */
    cede__descriptor_closes(fd);
    result = cede__file_number_close(fd);
    cede__descriptor_closed(fd);
    return result;
}

/* The next number, from this one on, that must not just be closed: a private one, or one that a helper works on. */
static int next_special(unsigned from)
{
    int private = from > INT_MAX ? -1 : cede__private_next((int)from);
    int held = from > INT_MAX ? -1 : cede__file_number_next((int)from);

    return private < 0 || (held >= 0 && held < private) ? held : private;
}

static int close_between(unsigned first, unsigned last, int flags)
{
    int special = -1, result = 0;
    unsigned from, end;

    for (from = first; from <= last && result == 0; from = (unsigned)special + 1) {
        special = next_special(from);
        end = special < 0 || (unsigned)special > last ? last : (unsigned)special - 1;
        if ((unsigned)special != from)
            result = (int)syscall(SYS_close_range, from, end, flags);
        if (end == last)
            break;
        if (!cede__private_has(special))
            cede__file_number_close(special);
    }
    return result;
}

int cede_close_range(unsigned first, unsigned last, int flags)
{
    int from = first > INT_MAX ? INT_MAX : (int)first, to = last > INT_MAX ? INT_MAX : (int)last, result;

    if (first > last || flags & (int)CLOSE_RANGE_CLOEXEC || cede__fork_unnoticed())
        return (int)syscall(SYS_close_range, first, last, flags);
    /* Closes nothing: says whether there is such a call, and what is wrong with the flags. */
    if (syscall(SYS_close_range, UINT_MAX, UINT_MAX, flags) != 0)
        return -1;
    closes(from, to);
    result = close_between(first, last, flags);
    closed(from, to);
    return result;
}

void cede_fd_closes(int fd)
{
    int saved = errno;

    cede__descriptor_closes(fd);
    errno = saved;
}

void cede_fd_made(int fd)
{
    int saved = errno;

    if (cede__in_task() && fd >= 0)
        cede__descriptor_forget(cede__worker, fd);
    errno = saved;
}

void cede_fd_changed(int fd)
{
    struct cede__fd *record = cede__in_task() ? cede__poller_fd_known(&cede__worker->poller, fd) : NULL;

    if (!record)
        return;
    record->flags_known = record->short_is_empty = record->drained = record->counts = false;
    record->recv_timeout_ns = record->send_timeout_ns = 0;
}

int cede_dup(int fd)
{
    int newfd = cede__sys_dup(fd);

    duplicated(fd, newfd);
    return newfd;
}

/* Moves a private descriptor away from a number that the program wants. 0, or -1 with errno. */
static int make_room(int fd)
{
    struct cede__worker *worker;
    int moved = 0;

    for (worker = cede__run_workers(); worker && moved == 0; worker = worker->next)
        moved = cede__poller_move(&worker->poller, fd, worker == cede__worker);
    if (moved == 0)
        errno = EBUSY;
    if (moved > 0)
        cede__private_forget(fd);
    return moved > 0 ? 0 : -1;
}

int cede_dup3(int fd, int newfd, int flags)
{
    /* Replaces newfd, but only if nothing is wrong with the other arguments. */
    bool replaces = fd != newfd && !(flags & ~O_CLOEXEC) && cede__sys_fcntl(fd, F_GETFD, 0) >= 0;
    bool private = replaces && cede__private_has(newfd) && !cede__fork_unnoticed();
    int result;

    if (private && make_room(newfd) != 0)
        return -1;
    if (replaces)
        cede__descriptor_closes(newfd);
    result = cede__sys_dup3(fd, newfd, flags);
    if (replaces)
        cede__descriptor_closed(newfd);
    if (private && result < 0)
        cede__private_close(newfd);
    duplicated(fd, result);
    return result;
}

int cede_pipe2(int fds[2], int flags)
{
    if (cede__sys_pipe2(fds, flags) != 0)
        return -1;
    cede__descriptor_made(fds[0], CEDE__FD_NOWAIT);
    cede__descriptor_made(fds[1], CEDE__FD_NOWAIT);
    return 0;
}

int cede_fcntl(int fd, int command, ...)
{
    struct cede__fd *record = cede__in_task() ? cede__poller_fd_known(&cede__worker->poller, fd) : NULL;
    va_list arguments;
    unsigned argument;
    int result;

    va_start(arguments, command);
    argument = va_arg(arguments, unsigned);
    va_end(arguments);
    result = cede__sys_fcntl(fd, command, argument);
    if (result < 0 || !cede__in_task())
        return result;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        duplicated(fd, result);
        break;
    case F_SETFL:
        if (record) {
            if (record->kind == CEDE__FD_FILE)
                record->slow[CEDE__READS] = record->slow[CEDE__WRITES] = argument & O_DIRECT;
            record->nonblocking = argument & O_NONBLOCK;
            record->flags_known = true;
        }
        break;
    }
    return result;
}
