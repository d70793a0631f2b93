/* SPDX-License-Identifier: MIT */
/* Tasks in cede_sleep(). */
#include <cede.h>
#include <limits.h>
#include <stdlib.h>

#include "sleepers.h"

static int sleeper(void *unused)
{
    int64_t duration_ns = sleepers_duration_ns(), due_ns = bench_now() + duration_ns;

    (void)unused;
    if (cede_sleep(duration_ns) != 0)
        bench_fail("cede_sleep");
    sleepers_woke(due_ns);
    return 0;
}

static int app(void *arg)
{
    const struct bench_case *which = arg;
    const struct cede_task_attr attr = {.stack_size = 64 << 10};
    struct cede_task **tasks = malloc((size_t)which->n * sizeof *tasks);

    if (!tasks)
        bench_fail("malloc");
    sleepers_start();
    for (long i = 0; i < which->n; i++)
        if (!(tasks[i] = cede_spawn_attr(&attr, sleeper, NULL)))
            bench_fail("cede_spawn");
    for (long i = 0; i < which->n; i++)
        cede_join(tasks[i], NULL);
    sleepers_report(which);
    free(tasks);
    return 0;
}

static void measure(const struct bench_case *which)
{
    if (cede_run(app, (void *)which) != 0)
        bench_fail("cede_run");
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
