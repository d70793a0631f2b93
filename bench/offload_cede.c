/* SPDX-License-Identifier: MIT */
/* cede_offload(). */
#include <cede.h>
#include <limits.h>

#include "harness.h"

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static int client(void *arg)
{
    for (long left = *(const long *)arg; left; left--)
        if (cede_offload(nothing, NULL, NULL) != 0)
            bench_fail("cede_offload");
    return 0;
}

static void clients(long n, long calls)
{
    cede_group (group)
        for (long i = 0; i < n; i++)
            if (!cede_group_spawn(group, NULL, client, &calls))
                bench_fail("cede_group_spawn");
}

static int app(void *arg)
{
    const struct bench_case *which = arg;
    long calls = bench_count(100000) / which->n + 1;
    int64_t start;

    clients(which->n, calls / 10 + 1);
    start = bench_now();
    clients(which->n, calls);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(which->n * calls));
    return 0;
}

static void measure(const struct bench_case *which)
{
    if (cede_run(app, (void *)which) != 0)
        bench_fail("cede_run");
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
