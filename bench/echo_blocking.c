/* SPDX-License-Identifier: MIT */
/* A thread that blocks in recv(2), for one connection: what one would write without any loop. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

static void serve(long connections)
{
    int port, listener = server_listen(&port), fd;
    static char buffer[ECHO_BUFFER_BYTES];
    ssize_t got;

    (void)connections;
    if (fcntl(listener, F_SETFL, 0) != 0) /* made for loops */
        bench_fail("fcntl");
    server_ready(port);
    fd = accept(listener, NULL, NULL);
    if (fd < 0)
        bench_fail("accept");
    while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0)
        if (send(fd, buffer, (size_t)got, MSG_NOSIGNAL) != got)
            break;
    close(fd);
    close(listener);
}

static void measure(const struct bench_case *which)
{
    echo_measure(which, serve);
}

BENCH_SUBJECT("blocking", measure, 1)
