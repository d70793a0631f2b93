/* SPDX-License-Identifier: MIT */
/* Threads on one CPU that call sched_yield(2). The kernel keeps no strict ring, so this is all yields over all time. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "yield.h"

static pthread_barrier_t ready;
static long laps;

static void *yielder(void *unused)
{
    pthread_barrier_wait(&ready);
    for (long lap = laps; lap; lap--)
        sched_yield();
    return unused;
}

static void measure(const struct bench_case *which)
{
    pthread_t *threads = malloc((size_t)which->n * sizeof *threads);
    pthread_attr_t attr;
    int64_t start;

    if (which->shape != YIELD_ONE_PLACE) /* it goes through the kernel: how deep makes no difference */
        return;
    laps = bench_count(500000) / which->n + 1;
    if (!threads)
        bench_fail("malloc");
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    pthread_barrier_init(&ready, NULL, (unsigned)which->n + 1);
    for (long i = 0; i < which->n; i++)
        if (pthread_create(&threads[i], &attr, yielder, NULL) != 0)
            bench_fail("pthread_create");
    pthread_barrier_wait(&ready);
    start = bench_now();
    for (long i = 0; i < which->n; i++)
        pthread_join(threads[i], NULL);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(laps * which->n));
    free(threads);
}

BENCH_SUBJECT("pthreads", measure, 1000)
