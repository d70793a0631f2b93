/* SPDX-License-Identifier: MIT */
/* The same tasks as in skynet_cede.c, which start in the order in which they were spawned. */
#include "skynet_cede.h"

static void measure(const struct bench_case *which)
{
    skynet_cede_measure(which, 0);
}

BENCH_SUBJECT("cede-fifo", measure, 1000000)
