/* SPDX-License-Identifier: MIT */
/* select; see cede/io.h. In a task it is a poll of the descriptors in the sets, which may be larger than fd_set. */
#include <cede/io.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "sched.h"
#include "sys.h"

enum {
    WORD_BITS = sizeof(unsigned long) * CHAR_BIT,
    ON_STACK = 64, /* as many descriptors as poll takes without memory */

    /* What of poll's answer makes a descriptor a member of which set. */
    READ_ANSWER = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
    WRITE_ANSWER = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR,
    EXCEPT_ANSWER = POLLPRI,
};

/* The caller's sets, any of which may be NULL. */
struct sets {
    int nfds;
    fd_set *read, *write, *except;
    const sigset_t *sigmask;
};

static bool has(const fd_set *set, int fd)
{
    return set && ((const unsigned long *)set)[fd / WORD_BITS] >> fd % WORD_BITS & 1;
}

static void put(fd_set *set, int fd, bool member)
{
    unsigned long *word = (unsigned long *)set + fd / WORD_BITS, bit = 1UL << fd % WORD_BITS;

    if (set)
        *word = member ? *word | bit : *word & ~bit;
}

static bool has_any(const struct sets *sets, int fd)
{
    return has(sets->read, fd) || has(sets->write, fd) || has(sets->except, fd);
}

static void to_poll(const struct sets *sets, struct pollfd *fds)
{
    int fd;

    for (fd = 0; fd < sets->nfds; fd++)
        if (has_any(sets, fd))
            *fds++ = (struct pollfd){.fd = fd,
                                     .events = (short)((has(sets->read, fd) ? POLLIN | POLLRDNORM | POLLRDBAND : 0)
                                                       | (has(sets->write, fd) ? POLLOUT | POLLWRNORM | POLLWRBAND : 0)
                                                       | (has(sets->except, fd) ? POLLPRI : 0))};
}

/* How many memberships the answer amounts to. -1 with errno EBADF if a descriptor is not open. A hang-up or error that
 * the caller did not ask about would be reported again and again: such a descriptor is taken out. */
static int count_members(const struct sets *sets, struct pollfd *fds, int count)
{
    int total = 0, members;

    for (; count-- > 0; fds++) {
        if (!fds->revents || fds->fd < 0)
            continue;
        if (fds->revents & POLLNVAL) {
            errno = EBADF;
            return -1;
        }
        members = (has(sets->read, fds->fd) && fds->revents & READ_ANSWER)
                  + (has(sets->write, fds->fd) && fds->revents & WRITE_ANSWER)
                  + (has(sets->except, fds->fd) && fds->revents & EXCEPT_ANSWER);
        if (members == 0)
            fds->fd = -1;
        total += members;
    }
    return total;
}

/* Takes out of the sets what is not ready. */
static void to_sets(const struct sets *sets, const struct pollfd *fds, int count)
{
    const struct pollfd *end = fds + count;
    int fd;

    for (fd = 0; fd < sets->nfds; fd++) {
        short answer;

        if (!has_any(sets, fd))
            continue;
        while (fds < end && fds->fd < fd) /* those that were taken out are behind or at -1 */
            fds++;
        answer = fds < end && fds->fd == fd ? fds->revents : 0;
        put(sets->read, fd, has(sets->read, fd) && answer & READ_ANSWER);
        put(sets->write, fd, has(sets->write, fd) && answer & WRITE_ANSWER);
        put(sets->except, fd, has(sets->except, fd) && answer & EXCEPT_ANSWER);
    }
}

static int select_by_poll(const struct sets *sets, struct pollfd *fds, int count, int64_t until_ns)
{
    int ready, members;

    to_poll(sets, fds);
    do {
        struct timespec left = cede__duration_timespec(cede__duration_left(cede_now(), until_ns));

        ready = cede_ppoll(fds, (nfds_t)count, until_ns == INT64_MAX ? NULL : &left, sets->sigmask);
        if (ready < 0)
            return -1;
        members = count_members(sets, fds, count);
    } while (ready > 0 && members == 0);
    if (members >= 0)
        to_sets(sets, fds, count);
    return members;
}

static int select_in_task(const struct sets *sets, int64_t until_ns)
{
    struct pollfd few[ON_STACK], *fds = few;
    int count = 0, fd, ready, error;

    for (fd = 0; fd < sets->nfds; fd++)
        count += has_any(sets, fd);
    if (count > ON_STACK) {
        fds = malloc((size_t)count * sizeof *fds);
        if (!fds)
            return -1;
    }
    ready = select_by_poll(sets, fds, count, until_ns);
    error = errno;
    if (fds != few)
        free(fds);
    errno = error;
    return ready;
}

/* Nanoseconds; microseconds may be more than a second, as in Linux. -1 with errno EINVAL. */
static int64_t duration_of(const struct timeval *timeout)
{
    struct timespec whole;

    if (timeout->tv_sec < 0 || timeout->tv_usec < 0) {
        errno = EINVAL;
        return -1;
    }
    whole.tv_nsec = timeout->tv_usec % 1000000 * 1000;
    if (__builtin_add_overflow(timeout->tv_sec, timeout->tv_usec / 1000000, &whole.tv_sec))
        return INT64_MAX;
    return cede__duration_of(&whole);
}

/* nfds, or the size of the process's table of descriptors if that is less: Linux looks at no more of the sets, which
 * need not be as large as a caller of select(getdtablesize(), ...) claims. -1 with errno if it cannot be known. */
static int cut_to_table(int nfds)
{
    static const char label[] = "\nFDSize:\t";
    char text[1024], *found;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
    ssize_t size;
    long slots;

    if (fd < 0)
        return -1;
    size = cede__sys_read(fd, text, sizeof text - 1);
    cede__sys_close(fd);
    text[size > 0 ? size : 0] = '\0';
    found = strstr(text, label);
    if (!found) {
        errno = ENOSYS;
        return -1;
    }
    slots = strtol(found + strlen(label), NULL, 10);
    return slots < nfds ? (int)slots : nfds;
}

/* In a task. */
static int select_until(struct sets *sets, int64_t until_ns)
{
    if (sets->nfds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (sets->nfds > FD_SETSIZE) {
        sets->nfds = cut_to_table(sets->nfds);
        if (sets->nfds < 0)
            return -1;
    }
    return select_in_task(sets, until_ns);
}

int cede_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, struct timeval *timeout)
{
    struct sets sets = {nfds, readfds, writefds, exceptfds, NULL};
    int64_t duration_ns = timeout ? duration_of(timeout) : INT64_MAX, until_ns;
    struct timespec left;
    int ready, error;

    if (duration_ns < 0)
        return -1;
    until_ns = timeout ? cede__duration_after(cede_now(), duration_ns) : INT64_MAX;
    if (cede__in_task()) {
        ready = select_until(&sets, until_ns);
    } else {
        left = cede__duration_timespec(duration_ns);
        ready = (int)syscall(SYS_pselect6, nfds, readfds, writefds, exceptfds, timeout ? &left : NULL, NULL);
    }
    if (timeout && until_ns != INT64_MAX) {
        error = errno;
        left = cede__duration_timespec(cede__duration_left(cede_now(), until_ns));
        *timeout = (struct timeval){.tv_sec = left.tv_sec, .tv_usec = left.tv_nsec / 1000};
        errno = error;
    }
    return ready;
}

int cede_pselect(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, const struct timespec *timeout,
                 const sigset_t *sigmask)
{
    struct sets sets = {nfds, readfds, writefds, exceptfds, sigmask};
    const struct { const sigset_t *mask; size_t size; } signals = {sigmask, CEDE__SYS_SIGSET_BYTES};
    int64_t duration_ns = timeout ? cede__duration_of(timeout) : INT64_MAX;
    struct timespec left;

    if (duration_ns < 0)
        return -1;
    if (cede__in_task())
        return select_until(&sets, timeout ? cede__duration_after(cede_now(), duration_ns) : INT64_MAX);
    left = cede__duration_timespec(duration_ns);
    return (int)syscall(SYS_pselect6, nfds, readfds, writefds, exceptfds, timeout ? &left : NULL, &signals);
}
