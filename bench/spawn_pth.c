/* SPDX-License-Identifier: MIT */
/* GNU Pth: pth_spawn() and pth_join(). */
#include <pth.h>
#include <stdlib.h>

#include "spawn.h"

static pth_attr_t attr;

static void *nothing(void *unused)
{
    return unused;
}

static void create(pth_t *thread)
{
    if (!(*thread = pth_spawn(attr, nothing, NULL)))
        bench_fail("pth_spawn");
}

static double one_by_one(long count)
{
    int64_t start = bench_now();
    pth_t thread;

    for (long i = 0; i < count; i++) {
        create(&thread);
        pth_join(thread, NULL);
    }
    return (double)(bench_now() - start) / (double)count;
}

static double at_once(pth_t *threads, long count)
{
    int64_t start = bench_now();

    for (long i = 0; i < count; i++)
        create(&threads[i]);
    for (long i = 0; i < count; i++)
        pth_join(threads[i], NULL);
    return (double)(bench_now() - start) / (double)count;
}

static void measure(const struct bench_case *which)
{
    pth_t *threads;

    if (!pth_init())
        bench_fail("pth_init");
    attr = pth_attr_new();
    pth_attr_set(attr, PTH_ATTR_STACK_SIZE, 64 << 10);
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

BENCH_SUBJECT("pth", measure, 1000)
