/* SPDX-License-Identifier: MIT */
/* pthread_create(3) and pthread_join(3); glibc keeps the stacks of ended threads. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "spawn.h"

static void *nothing(void *unused)
{
    return unused;
}

static void create(pthread_t *thread)
{
    errno = pthread_create(thread, NULL, nothing, NULL);
    if (errno)
        bench_fail("pthread_create");
}

static double one_by_one(long count)
{
    int64_t start = bench_now();
    pthread_t thread;

    for (long i = 0; i < count; i++) {
        create(&thread);
        pthread_join(thread, NULL);
    }
    return (double)(bench_now() - start) / (double)count;
}

static double at_once(pthread_t *threads, long count)
{
    int64_t start = bench_now();

    for (long i = 0; i < count; i++)
        create(&threads[i]);
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return (double)(bench_now() - start) / (double)count;
}

static void measure(const struct bench_case *which)
{
    pthread_t *threads;

    if (which->shape == SPAWN_ONE_BY_ONE) {
        bench_report(NULL, "ns", one_by_one(bench_count(20000)));
        return;
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

BENCH_SUBJECT("pthreads", measure, 1000)
