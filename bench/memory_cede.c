/* SPDX-License-Identifier: MIT */
/* Tasks in cede_park(), each with a guard. */
#include <cede.h>
#include <limits.h>

#include "memory.h"

static long started;

static int park(void *unused)
{
    (void)unused;
    started++;
    return cede_park();
}

static int app(void *arg)
{
    const struct bench_case *which = arg;
    const struct cede_task_attr attr = {.stack_size = MEMORY_STACK_BYTES};
    struct memory_mark before = memory_mark();

    before = memory_mark(); /* reading it has brought the C library's own memory */
    for (long i = 0; i < which->n; i++)
        if (!cede_spawn_attr(&attr, park, NULL))
            bench_fail("cede_spawn");
    while (started < which->n)
        cede_yield();
    memory_report(&before, which);
    return 0; /* the runtime cancels them */
}

static void measure(const struct bench_case *which)
{
    if (cede_run(app, (void *)which) != 0)
        bench_fail("cede_run");
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
