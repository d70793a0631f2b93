/* SPDX-License-Identifier: MIT */
/* GNU Pth: pth_mutex_t and pth_cond_t. Its message ports have room without end: no channel of this kind. */
#include <limits.h>
#include <pth.h>
#include <stdint.h>

#include "sync.h"

static pth_mutex_t mutex = PTH_MUTEX_INIT;
static pth_cond_t changed[2] = {PTH_COND_INIT, PTH_COND_INIT};
static long turns;
static int turn_of;

static void *lock(void *unused)
{
    for (long turn = 0; turn < turns; turn++) {
        pth_mutex_acquire(&mutex, FALSE, NULL);
        pth_yield(NULL);
        pth_mutex_release(&mutex);
    }
    return unused;
}

static void *take_turns(void *arg)
{
    int me = (int)(intptr_t)arg;

    pth_mutex_acquire(&mutex, FALSE, NULL);
    for (long turn = 0; turn < turns; turn++) {
        while (turn_of != me)
            pth_cond_await(&changed[me], &mutex, NULL);
        turn_of = !me;
        pth_cond_notify(&changed[!me], FALSE);
    }
    pth_mutex_release(&mutex);
    return NULL;
}

static void measure(const struct bench_case *which)
{
    void *(*task)(void *) = which->shape == SYNC_MUTEX ? lock : which->shape == SYNC_CONDITION ? take_turns : NULL;
    pth_t a, b;
    int64_t start;

    if (!task)
        return;
    if (!pth_init())
        bench_fail("pth_init");
    turns = bench_count(20000);
    start = bench_now();
    a = pth_spawn(PTH_ATTR_DEFAULT, task, (void *)0);
    b = pth_spawn(PTH_ATTR_DEFAULT, task, (void *)1);
    if (!a || !b)
        bench_fail("pth_spawn");
    pth_join(a, NULL);
    pth_join(b, NULL);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(2 * turns));
}

BENCH_SUBJECT("pth", measure, LONG_MAX)
