/* SPDX-License-Identifier: MIT */
/* cede_wake() and cede_park(). */
#include <cede.h>
#include <limits.h>

#include "harness.h"

struct player {
    struct cede_task *other;
    long turns;
};

static int play(void *arg)
{
    const struct player *me = arg;

    for (long turn = me->turns; turn; turn--) {
        if (cede_park() != 0)
            bench_fail("cede_park");
        cede_wake(me->other);
    }
    return 0;
}

static int app(void *unused)
{
    long turns = bench_count(3000000);
    struct player ping = {.turns = turns}, pong = {.turns = turns};
    struct cede_task *a = cede_spawn(play, &ping), *b = cede_spawn(play, &pong);
    int64_t start;

    (void)unused;
    ping.other = b;
    pong.other = a;
    cede_yield();
    start = bench_now();
    cede_wake(a);
    cede_join(b, NULL);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(2 * turns));
    return cede_join(a, NULL);
}

static void measure(const struct bench_case *which)
{
    (void)which;
    if (cede_run(app, NULL) != 0)
        bench_fail("cede_run");
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
