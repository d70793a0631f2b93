/* SPDX-License-Identifier: MIT */
/* The same tasks as in echo_cede.c, on a thread that looks for events for up to 50 microseconds before it sleeps. */
#include "echo_cede.h"

static void measure(const struct bench_case *which)
{
    const struct cede_run_attr attr = {.poller = "epoll", .spin_ns = 50 * CEDE_MICROSECOND};

    echo_cede_measure(which, &attr, echo_cede_borrowing);
}

BENCH_SUBJECT("cede-spin", measure, 1)
