/* SPDX-License-Identifier: MIT */
/* The same as accept_cede.c over io_uring: the kernel accepts ahead (multishot accept). */
#include <limits.h>

#include "accept_cede.h"

static void serve(long messages)
{
    accept_cede_serve(messages, "io_uring", false);
}

static void measure(const struct bench_case *which)
{
    accept_cede_measure_io_uring(which, serve);
}

BENCH_SUBJECT("cede-io_uring", measure, LONG_MAX)
