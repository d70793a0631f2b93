/* SPDX-License-Identifier: MIT */
/* State Threads: st_thread_create() and st_thread_join(). */
#include <st.h>
#include <stdlib.h>

#include "spawn.h"

static void *nothing(void *unused)
{
    return unused;
}

static void create(st_thread_t *thread)
{
    if (!(*thread = st_thread_create(nothing, NULL, 1, 64 << 10)))
        bench_fail("st_thread_create");
}

static double one_by_one(long count)
{
    int64_t start = bench_now();
    st_thread_t thread;

    for (long i = 0; i < count; i++) {
        create(&thread);
        st_thread_join(thread, NULL);
    }
    return (double)(bench_now() - start) / (double)count;
}

static double at_once(st_thread_t *threads, long count)
{
    int64_t start = bench_now();

    for (long i = 0; i < count; i++)
        create(&threads[i]);
    for (long i = 0; i < count; i++)
        st_thread_join(threads[i], NULL);
    return (double)(bench_now() - start) / (double)count;
}

static void measure(const struct bench_case *which)
{
    st_thread_t *threads;

    if (st_set_eventsys(ST_EVENTSYS_ALT) != 0 || st_init() != 0)
        bench_fail("st_init");
    if (which->shape == SPAWN_ONE_BY_ONE) {
        one_by_one(bench_count(10000));
        bench_report(NULL, "ns", one_by_one(bench_count(200000)));
    }
    if (which->shape != SPAWN_AT_ONCE)
        return;
    threads = malloc((size_t)which->n * sizeof *threads);
    if (!threads)
        bench_fail("malloc");
    bench_report("first", "ns", at_once(threads, which->n));
    bench_report("again", "ns", at_once(threads, which->n));
    free(threads);
}

BENCH_SUBJECT("st", measure, 100000)
