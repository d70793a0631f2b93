/* SPDX-License-Identifier: MIT */
/* The same tasks as in echo_cede.c, and io_uring instead of epoll. */
#include <limits.h>
#include <string.h>

#include "echo_cede.h"

/* 1 if that is what the runtime has, 0 if the kernel is too old for it, or forbids it. */
static int has_io_uring(void *unused)
{
    (void)unused;
    return strcmp(cede_runtime_poller(), "io_uring") == 0;
}

static void measure(const struct bench_case *which)
{
    const struct cede_run_attr attr = {.poller = "io_uring"};

    if (cede_run_attr(&attr, has_io_uring, NULL) == 1)
        echo_cede_measure(which, &attr, echo_cede_borrowing);
}

BENCH_SUBJECT("cede-io_uring", measure, LONG_MAX)
