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
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* libcede-posix defines syscall(2) as well, and knows cede's own calls by the address that they return to. A compiler
 * that turned the last call of a function into a jump would put the address of that function's caller there: what is
 * done with the result keeps it a call. */
static inline long cede__sys_returned(long result)
{
    __asm__ volatile("" : "+r"(result));
    return result;
}

#define syscall(...) cede__sys_returned((syscall)(__VA_ARGS__))

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

static inline ssize_t cede__sys_readv(int fd, const struct iovec *iov, int iovcnt)
{
    return syscall(SYS_readv, fd, iov, iovcnt);
}

static inline ssize_t cede__sys_writev(int fd, const struct iovec *iov, int iovcnt)
{
    return syscall(SYS_writev, fd, iov, iovcnt);
}

/* Only as much as goes without blocking; offset -1: at the descriptor's own position. The offset goes in two halves. */
static inline ssize_t cede__sys_readv_nowait(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
    return syscall(SYS_preadv2, fd, iov, (long)iovcnt, (long)offset, (long)offset >> 63, RWF_NOWAIT);
}

static inline ssize_t cede__sys_writev_nowait(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
    return syscall(SYS_pwritev2, fd, iov, (long)iovcnt, (long)offset, (long)offset >> 63, RWF_NOWAIT);
}

static inline ssize_t cede__sys_preadv(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
    return syscall(SYS_preadv, fd, iov, (long)iovcnt, (long)offset, 0L);
}

static inline ssize_t cede__sys_pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
    return syscall(SYS_pwritev, fd, iov, (long)iovcnt, (long)offset, 0L);
}

static inline ssize_t cede__sys_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                                         socklen_t *addrlen)
{
    return syscall(SYS_recvfrom, fd, buf, len, flags, addr, addrlen);
}

static inline ssize_t cede__sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
    return syscall(SYS_recvmsg, fd, msg, flags);
}

static inline ssize_t cede__sys_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                                       socklen_t addrlen)
{
    return syscall(SYS_sendto, fd, buf, len, flags, addr, addrlen);
}

static inline ssize_t cede__sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    return syscall(SYS_sendmsg, fd, msg, flags);
}

static inline int cede__sys_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
    return (int)syscall(SYS_accept4, fd, addr, addrlen, flags);
}

static inline int cede__sys_connect(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
    return (int)syscall(SYS_connect, fd, addr, addrlen);
}

static inline int cede__sys_socket(int domain, int type, int protocol)
{
    return (int)syscall(SYS_socket, domain, type, protocol);
}

static inline int cede__sys_socketpair(int domain, int type, int protocol, int fds[2])
{
    return (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}

static inline int cede__sys_pipe2(int fds[2], int flags)
{
    return (int)syscall(SYS_pipe2, fds, flags);
}

static inline int cede__sys_dup(int fd)
{
    return (int)syscall(SYS_dup, fd);
}

static inline int cede__sys_dup3(int fd, int newfd, int flags)
{
    return (int)syscall(SYS_dup3, fd, newfd, flags);
}

static inline int cede__sys_open(const char *path, int flags, unsigned mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static inline int cede__sys_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

/* The kernel's structure is libc's on the CPUs that there are ports for. */
static inline int cede__sys_fstat(int fd, struct stat *status)
{
    return (int)syscall(SYS_fstat, fd, status);
}

static inline int cede__sys_fcntl(int fd, int command, unsigned long argument)
{
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

/* The descriptor; or a copy of it above the standard three if it is one of them, and fd is closed. -1 with errno, and
 * fd closed too; fd may be -1. */
static inline int cede__sys_move_up(int fd)
{
    int moved;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    moved = cede__sys_fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    cede__sys_close(fd);
    return moved;
}

/* A copy of the descriptor for the runtime's own use: if possible far above the numbers that programs choose
 * themselves, as `exec 3<file` of a shell does; and never one of the standard three: where a program was started
 * without its standard input, a read of that must fail, and not read from the runtime. -1 with errno. */
static inline int cede__sys_copy_away(int fd)
{
    int copy = cede__sys_fcntl(fd, F_DUPFD_CLOEXEC, 512);

    return copy >= 0 ? copy : cede__sys_fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1); /* so few may be open */
}

/* The copy, and fd, which may be -1, is closed; or fd itself, where there is no room for both. */
static inline int cede__sys_move_away(int fd)
{
    int moved = fd < 0 ? -1 : cede__sys_copy_away(fd);

    if (moved < 0)
        return cede__sys_move_up(fd);
    cede__sys_close(fd);
    return moved;
}

static inline int cede__sys_ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout,
                                  const sigset_t *sigmask)
{
    struct timespec left; /* the kernel writes to its argument; ppoll(3) promises not to */

    if (timeout)
        left = *timeout;
    return (int)syscall(SYS_ppoll, fds, nfds, timeout ? &left : NULL, sigmask, CEDE__SYS_SIGSET_BYTES);
}

/* Sleeps while *word == value, for timeout_ns at most (INT64_MAX: no limit); may return early. */
static inline void cede__sys_futex_wait(const uint32_t *word, uint32_t value, int64_t timeout_ns)
{
    const struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};

    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns == INT64_MAX ? NULL : &timeout, NULL, 0);
}

/* Wakes one that sleeps on the word, which may not exist any more. */
static inline void cede__sys_futex_wake(const uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif
