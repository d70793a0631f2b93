/* SPDX-License-Identifier: MIT */
/* Level-triggered epoll, one read for each event. */
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

enum { EVENTS = 64 }; /* as many as echo_raw_epoll.c */

struct connection {
    int fd;
    size_t size; /* of what has come of a request */
    char buffer[HTTP_BUFFER_BYTES];
};

static void watch(int loop, int fd, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_fail("epoll_ctl");
}

static void accept_one(int loop, int listener)
{
    struct connection *connection = malloc(sizeof *connection);

    if (!connection)
        bench_fail("malloc");
    connection->size = 0;
    connection->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection->fd < 0)
        bench_fail("accept4");
    watch(loop, connection->fd, connection);
}

static void answer(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->buffer + connection->size,
                       sizeof connection->buffer - connection->size, 0);
    size_t request;

    if (got <= 0) {
        close(connection->fd);
        free(connection);
        return;
    }
    connection->size += (size_t)got;
    while ((request = http_request_bytes(connection->buffer, connection->size))) {
        /* wrk waits for it: there is always room */
        if (send(connection->fd, HTTP_ANSWER, sizeof HTTP_ANSWER - 1, MSG_NOSIGNAL) != sizeof HTTP_ANSWER - 1)
            break; /* it has gone: the next recv() tells */
        connection->size -= request;
        memmove(connection->buffer, connection->buffer + request, connection->size);
    }
}

static void serve(long connections)
{
    struct epoll_event events[EVENTS];
    int port, listener = server_listen(&port), loop = epoll_create1(EPOLL_CLOEXEC), count, i;

    (void)connections;
    if (loop < 0)
        bench_fail("epoll_create1");
    watch(loop, listener, NULL);
    server_ready(port);
    for (;;) {
        count = epoll_wait(loop, events, EVENTS, -1);
        for (i = 0; i < count; i++) {
            if (events[i].data.ptr)
                answer(events[i].data.ptr);
            else
                accept_one(loop, listener);
        }
    }
}

static void measure(const struct bench_case *which)
{
    http_measure(which, serve);
}

BENCH_SUBJECT("raw-epoll", measure, LONG_MAX)
