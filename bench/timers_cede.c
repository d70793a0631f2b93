/* SPDX-License-Identifier: MIT */
/* cede's wheel, called as the runtime calls it. */
#include <limits.h>
#include <stdlib.h>

#include "../runtime/timer.h"
#include "timers.h"

static void fire(struct cede__timer *timer)
{
    (void)timer;
}

static void measure(const struct bench_case *which)
{
    struct cede__timer *pending = calloc((size_t)which->n, sizeof *pending), one = {.fire = fire};
    struct cede__timers *wheel = calloc(1, sizeof *wheel);
    int64_t start = bench_now();
    long count = bench_count(5000000);
    uint32_t seed = 1;

    if (!pending || !wheel)
        bench_fail("calloc");
    cede__timers_start(wheel, start);
    for (long i = 0; i < which->n; i++) {
        pending[i].fire = fire;
        cede__timer_arm(wheel, &pending[i], start + timers_duration_ms(&seed) * 1000000);
    }
    start = bench_now();
    for (long i = 0; i < count; i++) {
        cede__timer_arm(wheel, &one, start + timers_duration_ms(&seed) * 1000000);
        cede__timer_disarm(wheel, &one);
    }
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)count);
    free(pending);
    free(wheel);
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
