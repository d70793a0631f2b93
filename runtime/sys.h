/* SPDX-License-Identifier: MIT */
/*
 * System calls by number.
 *
 * libcede-posix defines libc's names (read, poll, close ...) in terms of cede, so cede itself must never go through
 * them: a call by name would come back here. Same results and errno as libc's wrappers; not cancellation points of
 * pthread_cancel(3). Calls that newer CPUs lack (poll, epoll_wait ...) are made by their general form everywhere.
 */
#ifndef CEDE_RUNTIME_SYS_H
#define CEDE_RUNTIME_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The kernel's sigset_t, which is shorter than libc's. */
#define CEDE__SYS_SIGSET_BYTES (_NSIG / 8)

static inline ssize_t cede__sys_read(int fd, void *buf, size_t count)
{
    return syscall(SYS_read, fd, buf, count);
}

static inline ssize_t cede__sys_write(int fd, const void *buf, size_t count)
{
    return syscall(SYS_write, fd, buf, count);
}

static inline int cede__sys_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

static inline int cede__sys_fcntl(int fd, int command, unsigned long argument)
{
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

static inline int cede__sys_ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout,
                                  const sigset_t *sigmask)
{
    struct timespec left; /* the kernel writes to its argument; ppoll(3) promises not to */

    if (timeout)
        left = *timeout;
    return (int)syscall(SYS_ppoll, fds, nfds, timeout ? &left : NULL, sigmask, CEDE__SYS_SIGSET_BYTES);
}

#endif
