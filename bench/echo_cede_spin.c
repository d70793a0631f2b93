/* SPDX-License-Identifier: MIT */
/* The same tasks as in echo_cede.c, on a thread that looks for events for up to 50 microseconds before it sleeps. */
#include <cede.h>

#include "echo_cede.h"

static void serve(long connections)
{
    echo_cede_serve(connections, "epoll", 50 * CEDE_MICROSECOND, echo_cede_borrowing);
}

static void measure(const struct bench_case *which)
{
    echo_measure(which, serve);
}

BENCH_SUBJECT("cede-spin", measure, 1)
