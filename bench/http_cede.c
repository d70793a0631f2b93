/* SPDX-License-Identifier: MIT */
/* A task for each connection. */
#include <cede.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "http.h"

static int answer(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buffer[HTTP_BUFFER_BYTES];
    size_t size = 0, request;
    ssize_t got;

    while (size < sizeof buffer && (got = cede_recv(fd, buffer + size, sizeof buffer - size, 0)) > 0) {
        size += (size_t)got;
        while ((request = http_request_bytes(buffer, size))) {
            if (cede_send(fd, HTTP_ANSWER, sizeof HTTP_ANSWER - 1, 0) < 0)
                return cede_close(fd);
            size -= request;
            memmove(buffer, buffer + request, size);
        }
    }
    return cede_close(fd);
}

static int app(void *unused)
{
    const struct cede_task_attr attr = {.stack_size = 64 << 10, .detached = 1};
    int listener = cede_listen("127.0.0.1:0"), on = 1, fd;

    (void)unused;
    if (listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        bench_fail("cede_listen");
    server_ready(cede_port(listener));
    while ((fd = cede_accept(listener, NULL, NULL)) >= 0)
        if (!cede_spawn_attr(&attr, answer, (void *)(intptr_t)fd))
            bench_fail("cede_spawn");
    return -1;
}

static void serve(long connections)
{
    (void)connections;
    cede_run(app, NULL);
    bench_fail("cede_run");
}

static void measure(const struct bench_case *which)
{
    http_measure(which, serve);
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
