/* SPDX-License-Identifier: MIT */
/* A task for each connection, written as if every call could block. */
#include <cede.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "echo_cede.h"

static int echo(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buffer[ECHO_BUFFER_BYTES];
    ssize_t got;

    while ((got = cede_recv(fd, buffer, sizeof buffer, 0)) > 0)
        if (cede_send(fd, buffer, (size_t)got, 0) != got)
            break;
    return cede_close(fd);
}

static int app(void *arg)
{
    long connections = *(long *)arg, i;
    struct cede_task **tasks = malloc((size_t)connections * sizeof *tasks);
    const struct cede_task_attr attr = {.stack_size = 64 << 10};
    int listener = cede_listen("127.0.0.1:0"), on = 1, fd;

    if (!tasks || listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        bench_fail("cede_listen");
    server_ready(cede_port(listener));
    for (i = 0; i < connections; i++) {
        fd = cede_accept(listener, NULL, NULL);
        if (fd < 0 || !(tasks[i] = cede_spawn_attr(&attr, echo, (void *)(intptr_t)fd)))
            bench_fail("cede_accept");
    }
    for (i = 0; i < connections; i++)
        cede_join(tasks[i], NULL);
    free(tasks);
    return cede_close(listener);
}

void echo_cede_serve(long connections, const char *poller)
{
    const struct cede_run_attr attr = {.poller = poller};

    if (cede_run_attr(&attr, app, &connections) != 0)
        bench_fail("cede_run_attr");
}

static void serve(long connections)
{
    echo_cede_serve(connections, "epoll");
}

static void measure(const struct bench_case *which)
{
    echo_measure(which, serve);
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
