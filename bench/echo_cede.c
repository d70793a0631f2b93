/* SPDX-License-Identifier: MIT */
/* A task for each connection, written as if every call could block. */
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "echo_cede.h"

static const struct cede_run_attr *run_attr;
static int (*echo)(int fd);

/* Reads up to CEDE_BUFFER_SIZE at once: a little more than the others, of whose messages none is that long. */
int echo_cede_borrowing(int fd)
{
    ssize_t got, sent = 0;
    void *data;

    while (sent >= 0 && (got = cede_buffer_recv(fd, &data)) > 0) {
        sent = cede_send(fd, data, (size_t)got, 0);
        cede_buffer_return(data);
    }
    return cede_close(fd);
}

static int run(void *fd)
{
    return echo((int)(intptr_t)fd);
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
        if (fd < 0 || !(tasks[i] = cede_spawn_attr(&attr, run, (void *)(intptr_t)fd)))
            bench_fail("cede_accept");
    }
    for (i = 0; i < connections; i++)
        cede_join(tasks[i], NULL);
    free(tasks);
    return cede_close(listener);
}

static void serve(long connections)
{
    if (cede_run_attr(run_attr, app, &connections) != 0)
        bench_fail("cede_run_attr");
}

void echo_cede_measure(const struct bench_case *which, const struct cede_run_attr *attr, int (*how)(int fd))
{
    run_attr = attr;
    echo = how;
    echo_measure(which, serve);
}

static void measure(const struct bench_case *which)
{
    echo_cede_measure(which, &(struct cede_run_attr){.poller = "epoll"}, echo_cede_borrowing);
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
