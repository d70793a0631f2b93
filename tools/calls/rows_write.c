/* SPDX-License-Identifier: MIT */
/* Writing to what is full; see row.h. */
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ends.h"
#include "raw.h"
#include "row.h"

static int by_write(struct state *s)
{
    return expect(write(s->fd[1], "12345678", 8), 8);
}

static int by_writev(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};

    return expect(writev(s->fd[1], &iov, 1), 8);
}

static int by_pwritev2(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};

    return expect(pwritev2(s->fd[1], &iov, 1, -1, 0), 8);
}

static int by_send(struct state *s)
{
    return expect(send(s->fd[1], "12345678", 8, 0), 8);
}

static int by_sendto(struct state *s)
{
    return expect(sendto(s->fd[1], "12345678", 8, 0, NULL, 0), 8);
}

static int by_sendmsg(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    return expect(sendmsg(s->fd[1], &message, 0), 8);
}

static int by_sendmmsg(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

    return expect(sendmmsg(s->fd[1], &message, 1, 0), 1);
}

extern const struct row ROWS(write)[];
const struct row ROWS(write)[] = {
    {"write, pipe", RAW_TOO, .prepare = make_full_pipe, .call_it = by_write, .end_it = drain},
    {"write, FIFO", RAW_TOO, .prepare = make_full_fifo, .call_it = by_write, .end_it = drain},
    {"write, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_write, .end_it = drain},
    {"write, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_write, .end_it = drain},
    {"write, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_write, .end_it = drain},
    {"write, tty", RAW_TOO, .prepare = make_full_tty, .call_it = by_write, .end_it = drain},
    {"write, eventfd", RAW_TOO, .prepare = make_full_eventfd, .call_it = by_write, .end_it = empty_eventfd},
    {"writev, pipe", RAW_TOO, .prepare = make_full_pipe, .call_it = by_writev, .end_it = drain},
    {"writev, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_writev, .end_it = drain},
    {"writev, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_writev, .end_it = drain},
    {"writev, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_writev, .end_it = drain},
    {"pwritev2, pipe", .prepare = make_full_pipe, .call_it = by_pwritev2, .end_it = drain},
    {"send, TCP", .prepare = make_full_tcp, .call_it = by_send, .end_it = drain},
    {"send, UNIX socket", .prepare = make_full_unix, .call_it = by_send, .end_it = drain},
    {"send, socketpair", .prepare = make_full_socket, .call_it = by_send, .end_it = drain},
    {"sendto, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_sendto, .end_it = drain},
    {"sendto, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_sendto, .end_it = drain},
    {"sendto, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_sendto, .end_it = drain},
    {"sendmsg, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_sendmsg, .end_it = drain},
    {"sendmsg, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_sendmsg, .end_it = drain},
    {"sendmsg, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_sendmsg, .end_it = drain},
    {"sendmmsg, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_sendmmsg, .end_it = drain},
    {"sendmmsg, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_sendmmsg, .end_it = drain},
    {"sendmmsg, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_sendmmsg, .end_it = drain},
    {0},
};
