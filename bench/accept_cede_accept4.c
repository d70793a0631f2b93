/* SPDX-License-Identifier: MIT */
/* The same as accept_cede.c over io_uring, from a listener that others might accept from: by accept4(2). */
#include <limits.h>

#include "accept_cede.h"

static void serve(long messages)
{
    accept_cede_serve(messages, "io_uring", true);
}

static void measure(const struct bench_case *which)
{
    accept_cede_measure_io_uring(which, serve);
}

BENCH_SUBJECT("cede-accept4", measure, LONG_MAX)
