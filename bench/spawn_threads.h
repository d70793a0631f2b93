/* SPDX-License-Identifier: MIT */
/*
 * The two shapes for what has threads and nothing else. To be included by a subject that has defined
 *     typedef ... spawn_thread;
 *     static void create(spawn_thread *thread);    starts one that ends at once
 *     static void join(spawn_thread thread);
 */
#ifndef CEDE_BENCH_SPAWN_THREADS_H
#define CEDE_BENCH_SPAWN_THREADS_H

#include <stdlib.h>

#include "spawn.h"

static double one_by_one(long count)
{
    int64_t start = bench_now();
    spawn_thread thread;

    for (long i = 0; i < count; i++) {
        create(&thread);
        join(thread);
    }
    return (double)(bench_now() - start) / (double)count;
}

static double at_once(spawn_thread *threads, long count)
{
    int64_t start = bench_now();

    for (long i = 0; i < count; i++)
        create(&threads[i]);
    for (long i = 0; i < count; i++)
        join(threads[i]);
    return (double)(bench_now() - start) / (double)count;
}

/* One by one: count of them, after some that do not count. */
static void measure_threads(const struct bench_case *which, long uncounted, long count)
{
    spawn_thread *threads;

    if (which->shape == SPAWN_ONE_BY_ONE) {
        if (uncounted)
            one_by_one(bench_count(uncounted));
        bench_report(NULL, "ns", one_by_one(bench_count(count)));
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

#endif
