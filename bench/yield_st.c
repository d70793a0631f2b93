/* SPDX-License-Identifier: MIT */
/* State Threads: st_usleep(0), its yield; st_thread_yield() came in a later version than the packaged one. */
#include <st.h>
#include <stdlib.h>

#include "yield.h"

struct plan {
    long n, warm_up, laps;
};

static long yields; /* of all */

static void yield_times(long laps)
{
    while (laps--) {
        st_usleep(0);
        yields++;
    }
}

/* The first keeps the time, as in yield_cede.c. */
static void *timekeeper(void *arg)
{
    const struct plan *plan = arg;
    int64_t start;
    long before;

    yield_times(plan->warm_up);
    before = yields;
    start = bench_now();
    yield_times(plan->laps);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(yields - before));
    return NULL;
}

static void *yielder(void *arg)
{
    const struct plan *plan = arg;

    yield_times(plan->warm_up + plan->laps + 1);
    return NULL;
}

static void measure(const struct bench_case *which)
{
    struct plan plan = {.n = which->n, .laps = bench_count(2000000) / which->n + 1};
    st_thread_t *threads = malloc((size_t)plan.n * sizeof *threads);

    if (which->shape != YIELD_ONE_PLACE)
        return;
    plan.warm_up = plan.laps / 10 + 1;
    if (!threads || st_set_eventsys(ST_EVENTSYS_ALT) != 0 || st_init() != 0)
        bench_fail("st_init");
    for (long i = 0; i < plan.n; i++)
        if (!(threads[i] = st_thread_create(i ? yielder : timekeeper, &plan, 1, 64 << 10)))
            bench_fail("st_thread_create");
    for (long i = 0; i < plan.n; i++)
        st_thread_join(threads[i], NULL);
    free(threads);
}

BENCH_SUBJECT("st", measure, 100000)
