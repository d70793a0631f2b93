/* SPDX-License-Identifier: MIT */
/* See test_posix_calls.h. TABLE is the name of the table. */
#include "test_posix_calls.h"

#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What gcc makes of these calls under -D_FORTIFY_SOURCE; clang leaves most of them as they are. */
#if defined _FORTIFY_SOURCE && defined __clang__
ssize_t __read_chk(int fd, void *buf, size_t count, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags, struct sockaddr *addr, socklen_t *length);
int __poll_chk(struct pollfd *fds, nfds_t nfds, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask, size_t size);
#define read(fd, buf, count)                           __read_chk(fd, buf, count, sizeof(buf))
#define recv(fd, buf, len, flags)                      __recv_chk(fd, buf, len, sizeof(buf), flags)
#define recvfrom(fd, buf, len, flags, addr, length)    __recvfrom_chk(fd, buf, len, sizeof(buf), flags, addr, length)
#define poll(fds, nfds, timeout)                       __poll_chk(fds, nfds, timeout, sizeof(fds))
#define ppoll(fds, nfds, timeout, mask)                __ppoll_chk(fds, nfds, timeout, mask, sizeof(fds))
#endif

static int by_read(int fd, size_t size)
{
    char buf[POSIX_CALL_BUFFER];

    return (int)read(fd, buf, size);
}

static int by_readv(int fd, size_t size)
{
    char buf[POSIX_CALL_BUFFER];
    struct iovec iov = {buf, size};

    return (int)readv(fd, &iov, 1);
}

static int by_recv(int fd, size_t size)
{
    char buf[POSIX_CALL_BUFFER];

    return (int)recv(fd, buf, size, 0);
}

static int by_recvfrom(int fd, size_t size)
{
    char buf[POSIX_CALL_BUFFER];

    return (int)recvfrom(fd, buf, size, 0, NULL, NULL);
}

static int by_recvmsg(int fd, size_t size)
{
    char buf[POSIX_CALL_BUFFER];
    struct iovec iov = {buf, size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    return (int)recvmsg(fd, &msg, 0);
}

static int by_poll(int fd, size_t size)
{
    struct pollfd fds[POSIX_CALL_BUFFER] = {{.fd = fd, .events = POLLIN}};
    size_t i;

    for (i = 1; i < POSIX_CALL_BUFFER; i++)
        fds[i].fd = -1;
    return poll(fds, size, -1);
}

static int by_ppoll(int fd, size_t size)
{
    struct pollfd fds[POSIX_CALL_BUFFER] = {{.fd = fd, .events = POLLIN}};
    size_t i;

    for (i = 1; i < POSIX_CALL_BUFFER; i++)
        fds[i].fd = -1;
    return ppoll(fds, size, NULL, NULL);
}

static int by_select(int fd, size_t size)
{
    fd_set readable;

    (void)size;
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    return select(fd + 1, &readable, NULL, NULL, NULL);
}

const struct posix_call TABLE[] = {
    {"read", by_read},   {"readv", by_readv}, {"recv", by_recv},   {"recvfrom", by_recvfrom}, {"recvmsg", by_recvmsg},
    {"poll", by_poll},   {"ppoll", by_ppoll}, {"select", by_select}, {0},
};
