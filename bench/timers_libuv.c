/* SPDX-License-Identifier: MIT */
/* libuv: uv_timer_start() and uv_timer_stop(), a binary heap of pointers. */
#include <limits.h>
#include <stdlib.h>
#include <uv.h>

#include "timers.h"

static void fire(uv_timer_t *timer)
{
    (void)timer;
}

static void measure(const struct bench_case *which)
{
    uv_timer_t *pending = calloc((size_t)which->n, sizeof *pending), one;
    long count = bench_count(2000000);
    uint32_t seed = 1;
    uv_loop_t loop;
    int64_t start;

    if (!pending || uv_loop_init(&loop) != 0)
        bench_fail("uv_loop_init");
    for (long i = 0; i < which->n; i++) {
        uv_timer_init(&loop, &pending[i]);
        uv_timer_start(&pending[i], fire, (uint64_t)timers_duration_ms(&seed), 0);
    }
    uv_timer_init(&loop, &one);
    start = bench_now();
    for (long i = 0; i < count; i++) {
        uv_timer_start(&one, fire, (uint64_t)timers_duration_ms(&seed), 0);
        uv_timer_stop(&one);
    }
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)count);
    free(pending);
}

BENCH_SUBJECT("libuv", measure, LONG_MAX)
