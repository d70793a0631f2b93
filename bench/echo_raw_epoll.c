/* SPDX-License-Identifier: MIT */
/* The loop that one would write by hand: level-triggered epoll, one read and one write for each event. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

enum { EVENTS = 64 }; /* with 512 the first ones drive what the last ones need out of the cache (README.md) */

struct connection {
    int fd;
    size_t begin, end; /* of what could not be sent yet, in bytes */
    char bytes[];      /* ECHO_BUFFER_BYTES of it; untouched pages cost nothing */
};

static int loop;

static void watch(struct connection *connection, int operation, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};

    if (epoll_ctl(loop, operation, connection->fd, &event) != 0)
        bench_fail("epoll_ctl");
}

static void accept_one(int listener)
{
    struct connection *connection = malloc(sizeof *connection + ECHO_BUFFER_BYTES);

    if (!connection)
        bench_fail("malloc");
    connection->begin = connection->end = 0;
    connection->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection->fd < 0)
        bench_fail("accept4");
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
}

/* The bytes of `from` that were taken; keeps what was not, until the socket has room. */
static void send_all(struct connection *connection, const char *from, size_t size)
{
    ssize_t sent = send(connection->fd, from, size, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN)
        bench_fail("send");
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == size) {
        if (connection->end)
            watch(connection, EPOLL_CTL_MOD, EPOLLIN);
        connection->begin = connection->end = 0;
        return;
    }
    if (!connection->end) {
        memcpy(connection->bytes, from, size);
        connection->end = size;
        watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
    }
    connection->begin += (size_t)sent;
}

/* Returns 1 when the connection has ended, else 0. */
static int echo(struct connection *connection)
{
    static char buffer[ECHO_BUFFER_BYTES];
    ssize_t got;

    if (connection->end) {
        send_all(connection, connection->bytes + connection->begin, connection->end - connection->begin);
        return 0;
    }
    got = recv(connection->fd, buffer, sizeof buffer, 0);
    if (got > 0) {
        send_all(connection, buffer, (size_t)got);
        return 0;
    }
    close(connection->fd);
    free(connection);
    return 1;
}

static void serve(long connections)
{
    struct epoll_event events[EVENTS], listening = {.events = EPOLLIN, .data.ptr = NULL};
    int port, listener = server_listen(&port), count, i;
    long left = connections;

    loop = epoll_create1(EPOLL_CLOEXEC);
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &listening) != 0)
        bench_fail("epoll");
    server_ready(port);
    while (left > 0) {
        count = epoll_wait(loop, events, EVENTS, -1);
        for (i = 0; i < count; i++) {
            if (events[i].data.ptr)
                left -= echo(events[i].data.ptr);
            else
                accept_one(listener);
        }
    }
    close(loop);
    close(listener);
}

static void measure(const struct bench_case *which)
{
    echo_measure(which, serve);
}

BENCH_SUBJECT("raw-epoll", measure, LONG_MAX)
