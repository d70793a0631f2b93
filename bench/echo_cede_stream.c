/* SPDX-License-Identifier: MIT */
/* The same tasks as in echo_cede.c, each with a stream over its connection. */
#include <limits.h>

#include "echo_cede.h"

static int echo(int fd)
{
    struct cede_stream *stream = cede_stream_open(fd, NULL);
    const void *data;
    ssize_t got;

    if (!stream)
        bench_fail("cede_stream_open");
    while ((got = cede_stream_peek(stream, 1, &data)) > 0) {
        if (cede_stream_write_all(stream, data, (size_t)got, NULL) != 0)
            break;
        cede_stream_skip(stream, (size_t)got);
    }
    return cede_stream_close(stream);
}

static void measure(const struct bench_case *which)
{
    echo_cede_measure(which, &(struct cede_run_attr){.poller = "epoll"}, echo);
}

BENCH_SUBJECT("cede-stream", measure, LONG_MAX)
