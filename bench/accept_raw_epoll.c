/* SPDX-License-Identifier: MIT */
/* The loop that one would write by hand: level-triggered epoll, accepting until there is nothing left. */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accept.h"

enum { EVENTS = 512 };

static long messages;
static int loop;

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_fail("epoll_ctl");
}

static void accept_all(int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        if (messages)
            watch(fd);
        else
            close(fd);
    if (errno != EAGAIN)
        bench_fail("accept4");
}

static void answer(int fd)
{
    char bytes[ACCEPT_BYTES];

    if (recv(fd, bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes)
        send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    close(fd);
}

static void serve(long count)
{
    struct epoll_event events[EVENTS];
    int port, listener = server_listen(&port), ready, i;

    messages = count;
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (loop < 0)
        bench_fail("epoll_create1");
    watch(listener);
    server_ready(port);
    for (;;) {
        ready = epoll_wait(loop, events, EVENTS, -1);
        for (i = 0; i < ready; i++)
            if (events[i].data.fd == listener)
                accept_all(listener);
            else
                answer(events[i].data.fd);
    }
}

static void measure(const struct bench_case *which)
{
    accept_measure(which, serve);
}

BENCH_SUBJECT("raw-epoll", measure, LONG_MAX)
