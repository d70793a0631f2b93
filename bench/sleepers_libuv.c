/* SPDX-License-Identifier: MIT */
/* libuv: no tasks, a timer with a callback for each sleeper. Its clock has milliseconds and is read once per turn. */
#include <limits.h>
#include <stdlib.h>
#include <uv.h>

#include "sleepers.h"

struct sleeper {
    uv_timer_t timer;
    int64_t due_ns;
};

static void wake(uv_timer_t *timer)
{
    sleepers_woke(((struct sleeper *)timer)->due_ns);
}

static void measure(const struct bench_case *which)
{
    struct sleeper *sleepers = malloc((size_t)which->n * sizeof *sleepers);
    int64_t duration_ns;
    uv_loop_t loop;

    if (!sleepers || uv_loop_init(&loop) != 0)
        bench_fail("uv_loop_init");
    sleepers_start();
    for (long i = 0; i < which->n; i++) {
        duration_ns = sleepers_duration_ns();
        sleepers[i].due_ns = bench_now() + duration_ns;
        uv_timer_init(&loop, &sleepers[i].timer);
        if (i % 1000 == 0)
            uv_update_time(&loop); /* else all would be early */
        uv_timer_start(&sleepers[i].timer, wake, (uint64_t)duration_ns / 1000000, 0);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    sleepers_report(which);
    free(sleepers);
}

BENCH_SUBJECT("libuv", measure, LONG_MAX)
