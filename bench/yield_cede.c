/* SPDX-License-Identifier: MIT */
/* Tasks that call cede_yield(). */
#include <cede.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "yield.h"

enum { PLACES = 8 };

struct plan {
    long n, warm_up, laps;
    bool many_places, deep;
};

static long yields; /* of all */

/* Different numbers of nops: loops of identical bytes would be folded into one, or alias in the branch predictor. */
#define SHIFT(number) __asm__ volatile(".rept " #number "\n nop\n .endr")
#define NO_TAIL_CALL  __asm__ volatile("")

#define PLACE(number)                                                  \
    static __attribute__((noinline)) void frame1_##number(void)        \
    {                                                                  \
        SHIFT(number);                                                 \
        cede_yield();                                                  \
        NO_TAIL_CALL;                                                  \
    }                                                                  \
    static __attribute__((noinline)) void frame2_##number(void)        \
    {                                                                  \
        SHIFT(number);                                                 \
        frame1_##number();                                             \
        NO_TAIL_CALL;                                                  \
    }                                                                  \
    static __attribute__((noinline)) void yield_below_##number(long laps) \
    {                                                                  \
        SHIFT(number);                                                 \
        while (laps--)                                                 \
            frame2_##number(), yields++;                               \
    }                                                                  \
    static __attribute__((noinline)) void yield_at_##number(long laps) \
    {                                                                  \
        SHIFT(number);                                                 \
        while (laps--)                                                 \
            cede_yield(), yields++;                                    \
    }

PLACE(0) PLACE(1) PLACE(2) PLACE(3) PLACE(4) PLACE(5) PLACE(6) PLACE(7)

#define EIGHT(name) {name##0, name##1, name##2, name##3, name##4, name##5, name##6, name##7}

static void (*const places[][PLACES])(long laps) = {EIGHT(yield_at_), EIGHT(yield_below_)};

/* One more lap than the first task: nobody ends while it keeps the time. */
static int yielder(void *arg)
{
    static int next = 1;
    const struct plan *plan = arg;

    places[plan->deep][plan->many_places ? next++ % PLACES : 0](plan->warm_up + plan->laps + 1);
    return 0;
}

/* The first keeps the time, while everybody counts: not every subject keeps a strict ring. */
static int timekeeper(void *arg)
{
    const struct plan *plan = arg;
    int64_t start;
    long before;

    places[plan->deep][0](plan->warm_up);
    before = yields;
    start = bench_now();
    places[plan->deep][0](plan->laps);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(yields - before));
    return 0;
}

static int app(void *arg)
{
    struct plan *plan = arg;
    struct cede_task **tasks = malloc((size_t)plan->n * sizeof *tasks);
    const struct cede_task_attr small = {.stack_size = 64 << 10};

    if (!tasks)
        bench_fail("malloc");
    for (long i = 0; i < plan->n; i++)
        if (!(tasks[i] = cede_spawn_attr(&small, i ? yielder : timekeeper, plan)))
            bench_fail("cede_spawn");
    for (long i = 0; i < plan->n; i++)
        cede_join(tasks[i], NULL);
    free(tasks);
    return 0;
}

static void measure(const struct bench_case *which)
{
    struct plan plan = {.n = which->n, .laps = bench_count(10000000) / which->n + 1,
                        .many_places = which->shape == YIELD_EIGHT_PLACES || which->shape == YIELD_DEEP_EIGHT_PLACES,
                        .deep = which->shape == YIELD_DEEP || which->shape == YIELD_DEEP_EIGHT_PLACES};

    plan.warm_up = plan.laps / 10 + 1;
    if (cede_run(app, &plan) != 0)
        bench_fail("cede_run");
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
