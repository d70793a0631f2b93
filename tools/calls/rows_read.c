/* SPDX-License-Identifier: MIT */
/* Reading from what is empty; see row.h. */
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ends.h"
#include "raw.h"
#include "row.h"

static int read_some(struct state *s)
{
    char buffer[BUFFER];

    return read(s->fd[0], buffer, (size_t)s->number ? (size_t)s->number : sizeof buffer) > 0 ? 0 : -1;
}

static int read_timer(struct state *s)
{
    return set_timer(s) != 0 ? -1 : read_some(s);
}

static int by_readv(struct state *s)
{
    char buffer[BUFFER];
    struct iovec iov = {buffer, sizeof buffer};

    return expect(readv(s->fd[0], &iov, 1), 8);
}

static int by_preadv2(struct state *s)
{
    char buffer[BUFFER];
    struct iovec iov = {buffer, sizeof buffer};

    return expect(preadv2(s->fd[0], &iov, 1, -1, 0), 8);
}

static int by_recv(struct state *s)
{
    char buffer[BUFFER];

    return expect(recv(s->fd[0], buffer, (size_t)s->number + sizeof buffer, 0), 8);
}

static int by_recvfrom(struct state *s)
{
    char buffer[BUFFER];

    return expect(recvfrom(s->fd[0], buffer, (size_t)s->number + sizeof buffer, 0, NULL, NULL), 8);
}

static int by_recvmsg(struct state *s)
{
    char buffer[BUFFER];
    struct iovec iov = {buffer, sizeof buffer};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    return expect(recvmsg(s->fd[0], &message, 0), 8);
}

static int by_recvmmsg(struct state *s)
{
    char buffer[BUFFER];
    struct iovec iov = {buffer, sizeof buffer};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

    return expect(recvmmsg(s->fd[0], &message, 1, 0, NULL), 1);
}

extern const struct row ROWS(read)[];
const struct row ROWS(read)[] = {
    {"read, pipe", RAW_TOO, .prepare = make_pipe, .call_it = read_some, .end_it = put_eight},
    {"read, FIFO", RAW_TOO, .prepare = make_fifo, .call_it = read_some, .end_it = put_eight},
    {"read, TCP", RAW_TOO, .prepare = make_tcp, .call_it = read_some, .end_it = put_eight},
    {"read, UNIX socket", RAW_TOO, .prepare = make_unix, .call_it = read_some, .end_it = put_eight},
    {"read, socketpair", RAW_TOO, .prepare = make_socketpair, .call_it = read_some, .end_it = put_eight},
    {"read, eventfd", RAW_TOO, .prepare = make_eventfd, .call_it = read_some, .end_it = put_eight},
    {"read, timerfd", RAW_TOO, .prepare = make_timerfd, .call_it = read_timer},
    {"read, signalfd", RAW_TOO, .prepare = make_signalfd, .call_it = read_some, .end_it = put_signal},
    {"read, inotify", RAW_TOO, .prepare = make_inotify, .call_it = read_some, .end_it = put_file},
    {"read, tty", RAW_TOO, .prepare = make_tty, .call_it = read_some, .end_it = put_eight},
    {"readv, pipe", RAW_TOO, .prepare = make_pipe, .call_it = by_readv, .end_it = put_eight},
    {"readv, TCP", RAW_TOO, .prepare = make_tcp, .call_it = by_readv, .end_it = put_eight},
    {"readv, socketpair", RAW_TOO, .prepare = make_socketpair, .call_it = by_readv, .end_it = put_eight},
    {"readv, tty", RAW_TOO, .prepare = make_tty, .call_it = by_readv, .end_it = put_eight},
    {"preadv2, pipe", .prepare = make_pipe, .call_it = by_preadv2, .end_it = put_eight},
    {"recv, TCP", .prepare = make_tcp, .call_it = by_recv, .end_it = put_eight},
    {"recv, UNIX socket", .prepare = make_unix, .call_it = by_recv, .end_it = put_eight},
    {"recv, socketpair", .prepare = make_socketpair, .call_it = by_recv, .end_it = put_eight},
    {"recv, datagrams", .prepare = make_datagrams, .call_it = by_recv, .end_it = put_eight},
    {"recvfrom, TCP", RAW_TOO, .prepare = make_tcp, .call_it = by_recvfrom, .end_it = put_eight},
    {"recvfrom, UNIX socket", RAW_TOO, .prepare = make_unix, .call_it = by_recvfrom, .end_it = put_eight},
    {"recvfrom, socketpair", RAW_TOO, .prepare = make_socketpair, .call_it = by_recvfrom, .end_it = put_eight},
    {"recvfrom, datagrams", RAW_TOO, .prepare = make_datagrams, .call_it = by_recvfrom, .end_it = put_eight},
    {"recvmsg, TCP", RAW_TOO, .prepare = make_tcp, .call_it = by_recvmsg, .end_it = put_eight},
    {"recvmsg, UNIX socket", RAW_TOO, .prepare = make_unix, .call_it = by_recvmsg, .end_it = put_eight},
    {"recvmsg, socketpair", RAW_TOO, .prepare = make_socketpair, .call_it = by_recvmsg, .end_it = put_eight},
    {"recvmsg, datagrams", RAW_TOO, .prepare = make_datagrams, .call_it = by_recvmsg, .end_it = put_eight},
    {"recvmmsg, TCP", RAW_TOO, .prepare = make_tcp, .call_it = by_recvmmsg, .end_it = put_eight},
    {"recvmmsg, UNIX socket", RAW_TOO, .prepare = make_unix, .call_it = by_recvmmsg, .end_it = put_eight},
    {"recvmmsg, socketpair", RAW_TOO, .prepare = make_socketpair, .call_it = by_recvmmsg, .end_it = put_eight},
    {"recvmmsg, datagrams", RAW_TOO, .prepare = make_datagrams, .call_it = by_recvmmsg, .end_it = put_eight},
    {0},
};
