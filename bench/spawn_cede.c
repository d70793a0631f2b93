/* SPDX-License-Identifier: MIT */
/* cede_spawn() and cede_join(). */
#include <cede.h>
#include <limits.h>
#include <stdlib.h>

#include "spawn.h"

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static double one_by_one(long count)
{
    int64_t start = bench_now();

    for (long i = 0; i < count; i++)
        if (cede_join(cede_spawn(nothing, NULL), NULL) != 0)
            bench_fail("cede_join");
    return (double)(bench_now() - start) / (double)count;
}

static double at_once(struct cede_task **tasks, long count)
{
    int64_t start = bench_now();

    for (long i = 0; i < count; i++)
        tasks[i] = cede_spawn(nothing, NULL);
    for (long i = 0; i < count; i++)
        if (cede_join(tasks[i], NULL) != 0)
            bench_fail("cede_join");
    return (double)(bench_now() - start) / (double)count;
}

/* A round is a group of n tasks, from its opening to its end. */
static double groups(long rounds, long n)
{
    int64_t start = bench_now();

    for (long round = 0; round < rounds; round++)
        cede_group (group)
            for (long i = 0; i < n; i++)
                if (!cede_group_spawn(group, NULL, nothing, NULL))
                    bench_fail("cede_group_spawn");
    return (double)(bench_now() - start) / (double)(rounds * n);
}

static int app(void *arg)
{
    const struct bench_case *which = arg;
    struct cede_task **tasks;

    if (which->shape == SPAWN_GROUP) {
        groups(1, which->n);
        bench_report(NULL, "ns", groups(100, which->n));
        return 0;
    }
    if (which->shape == SPAWN_ONE_BY_ONE) {
        one_by_one(bench_count(100000));
        bench_report(NULL, "ns", one_by_one(bench_count(2000000)));
        return 0;
    }
    tasks = malloc((size_t)which->n * sizeof *tasks);
    if (!tasks)
        bench_fail("malloc");
    bench_report("first", "ns", at_once(tasks, which->n));
    bench_report("again", "ns", at_once(tasks, which->n));
    free(tasks);
    return 0;
}

static void measure(const struct bench_case *which)
{
    if (cede_run(app, (void *)which) != 0)
        bench_fail("cede_run");
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
