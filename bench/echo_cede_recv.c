/* SPDX-License-Identifier: MIT */
/* The same tasks as in echo_cede.c, each with a buffer of its own on its stack, as recv(2) wants it. */
#include <limits.h>

#include "echo_cede.h"

static int echo(int fd)
{
    char buffer[ECHO_BUFFER_BYTES];
    ssize_t got;

    while ((got = cede_recv(fd, buffer, sizeof buffer, 0)) > 0)
        if (cede_send(fd, buffer, (size_t)got, 0) != got)
            break;
    return cede_close(fd);
}

static void measure(const struct bench_case *which)
{
    echo_cede_measure(which, &(struct cede_run_attr){.poller = "epoll"}, echo);
}

BENCH_SUBJECT("cede-recv", measure, LONG_MAX)
