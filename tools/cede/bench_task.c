/* SPDX-License-Identifier: MIT */
/* What tasks cost, for `cede bench`: libcede as programs use it. */
#include <cede.h>
#include <pthread.h>
#include <stdlib.h>

#include "bench.h"

enum { MANY = 1000 };

struct plan {
    long n, laps;
    struct bench_cost cost;
};

static _Noreturn void fail(void)
{
    abort(); /* nothing here can fail but for want of memory */
}

/* Never inlined: all tasks yield at one place in the code, so that their returns are predicted. */
static __attribute__((noinline)) void yield_times(long laps)
{
    while (laps--)
        cede_yield();
}

/* The first in the ring keeps the time: each of its laps is one yield of everybody. */
static int timekeeper(void *arg)
{
    struct plan *plan = arg;

    yield_times(plan->laps / 10 + 1);
    bench_clock_begin();
    yield_times(plan->laps);
    plan->cost = bench_clock_end(plan->laps * plan->n);
    return 0;
}

static int yielder(void *arg)
{
    const struct plan *plan = arg;

    yield_times(plan->laps / 10 + 1 + plan->laps + 1);
    return 0;
}

static int yield_in_ring(void *arg)
{
    const struct cede_task_attr small = {.stack_size = 64 << 10};
    struct cede_task *tasks[MANY];
    struct plan *plan = arg;

    for (long i = 0; i < plan->n; i++)
        if (!(tasks[i] = cede_spawn_attr(&small, i ? yielder : timekeeper, plan)))
            fail();
    for (long i = 0; i < plan->n; i++)
        if (cede_join(tasks[i], NULL) != 0)
            fail();
    return 0;
}

static struct bench_cost run(cede_task_fn *fn, long n, long operations)
{
    struct plan plan = {.n = n, .laps = operations / n + 1};

    if (cede_run(fn, &plan) != 0)
        fail();
    return plan.cost;
}

struct bench_cost bench_yield_two(long operations)
{
    return run(yield_in_ring, 2, operations);
}

struct bench_cost bench_yield_many(long operations)
{
    return run(yield_in_ring, MANY, operations);
}

struct player {
    struct cede_task *other;
    long turns;
};

static int play(void *arg)
{
    const struct player *me = arg;

    for (long turn = me->turns; turn; turn--) {
        if (cede_park() != 0)
            fail();
        cede_wake(me->other);
    }
    return 0;
}

static int wake_in_turn(void *arg)
{
    struct plan *plan = arg;
    struct player ping = {.turns = plan->laps}, pong = {.turns = plan->laps};
    struct cede_task *a = cede_spawn(play, &ping), *b = cede_spawn(play, &pong);

    if (!a || !b)
        fail();
    ping.other = b;
    pong.other = a;
    cede_yield(); /* both park */
    bench_clock_begin();
    cede_wake(a);
    if (cede_join(b, NULL) != 0)
        fail();
    plan->cost = bench_clock_end(2 * plan->laps);
    return cede_join(a, NULL);
}

struct bench_cost bench_wake_park(long operations)
{
    return run(wake_in_turn, 2, operations);
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static int spawn_one_by_one(void *arg)
{
    struct plan *plan = arg;

    bench_clock_begin();
    for (long i = 0; i < plan->laps; i++)
        if (cede_join(cede_spawn(nothing, NULL), NULL) != 0)
            fail();
    plan->cost = bench_clock_end(plan->laps);
    return 0;
}

struct bench_cost bench_spawn_join(long operations)
{
    return run(spawn_one_by_one, 1, operations);
}

static void *thread(void *unused)
{
    return unused;
}

struct bench_cost bench_thread(long operations)
{
    long count = operations / 200 + 1;
    pthread_t one;

    bench_clock_begin();
    for (long i = 0; i < count; i++) {
        if (pthread_create(&one, NULL, thread, NULL) != 0)
            fail();
        pthread_join(one, NULL);
    }
    return bench_clock_end(count);
}
