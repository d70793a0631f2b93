/* SPDX-License-Identifier: MIT */
/* cede_serve(): a task for each connection. */
#include <cede.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "accept_cede.h"

static long messages;
static bool nonblocking_listener;

static int handle(int fd, void *unused)
{
    char bytes[ACCEPT_BYTES];

    (void)unused;
    if (messages && cede_recv(fd, bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes)
        cede_send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    return 0;
}

static int app(void *unused)
{
    int listener = cede_listen("127.0.0.1:0");

    (void)unused;
    if (listener < 0 || (nonblocking_listener && cede_fcntl(listener, F_SETFL, O_NONBLOCK) != 0))
        bench_fail("cede_listen");
    server_ready(cede_port(listener));
    return cede_serve(listener, handle, NULL);
}

void accept_cede_serve(long count, const char *poller, bool nonblocking)
{
    const struct cede_run_attr attr = {.poller = poller, .stack_size = 64 << 10};

    messages = count;
    nonblocking_listener = nonblocking;
    cede_run_attr(&attr, app, NULL);
    bench_fail("cede_serve");
}

/* 1 if that is what the runtime has, 0 if the kernel is too old for it, or forbids it. */
static int has_io_uring(void *unused)
{
    (void)unused;
    return strcmp(cede_runtime_poller(), "io_uring") == 0;
}

void accept_cede_measure_io_uring(const struct bench_case *which, server_serve *serve)
{
    const struct cede_run_attr attr = {.poller = "io_uring"};

    if (cede_run_attr(&attr, has_io_uring, NULL) == 1)
        accept_measure(which, serve);
}

static void serve(long count)
{
    accept_cede_serve(count, "epoll", false);
}

static void measure(const struct bench_case *which)
{
    accept_measure(which, serve);
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
