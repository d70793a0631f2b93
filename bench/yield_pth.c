/* SPDX-License-Identifier: MIT */
/* GNU Pth: pth_yield(). */
#include <pth.h>
#include <stdlib.h>

#include "yield.h"

static long laps;

/* Pth schedules by priority and age, in no strict ring: this is all yields over all time. */
static void *yielder(void *unused)
{
    for (long lap = laps; lap; lap--)
        pth_yield(NULL);
    return unused;
}

static void measure(const struct bench_case *which)
{
    pth_t *threads = malloc((size_t)which->n * sizeof *threads);
    pth_attr_t attr;
    int64_t start;

    if (which->shape != YIELD_ONE_PLACE)
        return;
    laps = bench_count(300000) / which->n + 1;
    if (!threads || !pth_init())
        bench_fail("pth_init");
    attr = pth_attr_new();
    pth_attr_set(attr, PTH_ATTR_STACK_SIZE, 64 << 10);
    for (long i = 0; i < which->n; i++)
        if (!(threads[i] = pth_spawn(attr, yielder, NULL)))
            bench_fail("pth_spawn");
    start = bench_now();
    for (long i = 0; i < which->n; i++)
        pth_join(threads[i], NULL);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(laps * which->n));
    free(threads);
}

BENCH_SUBJECT("pth", measure, 1000)
