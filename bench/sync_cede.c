/* SPDX-License-Identifier: MIT */
/* cede_chan, cede_mutex, cede_cond and cede_future. */
#include <cede.h>
#include <limits.h>
#include <stdlib.h>

#include "sync.h"

enum { CHANNELS = 4 };

static long turns;
static struct cede_chan *channels[CHANNELS];
static struct cede_mutex mutex;
static struct cede_cond changed[2];
static struct cede_future *futures; /* two for each turn */
static int turn_of;

/* Both at one place in the code, as the tasks of the other questions: the first makes the ball. */
static int pass(void *arg)
{
    int me = (int)(intptr_t)arg;
    long ball = 0;

    if (me == 0 && cede_chan_send(channels[1], &ball) < 0)
        bench_fail("send");
    for (long turn = 0; turn < turns; turn++) {
        if (cede_chan_recv(channels[me], &ball) < 0)
            bench_fail("receive");
        if ((me != 0 || turn + 1 < turns) && cede_chan_send(channels[!me], &ball) < 0)
            bench_fail("send");
    }
    return 0;
}

static int send_in_turn(void *unused)
{
    (void)unused;
    for (long turn = 0; turn < 2 * turns; turn++)
        if (cede_chan_send(channels[turn % CHANNELS], &turn) < 0)
            bench_fail("send");
    return 0;
}

static int receive_any(void *unused)
{
    long got[CHANNELS];
    struct cede_chan_case cases[CHANNELS];

    (void)unused;
    for (int i = 0; i < CHANNELS; i++)
        cases[i] = cede_case_recv(channels[i], &got[i]);
    for (long turn = 0; turn < 2 * turns; turn++)
        if (cede_chan_select(cases, CHANNELS, CEDE_FOREVER) < 0)
            bench_fail("select");
    return 0;
}

static int lock(void *unused)
{
    (void)unused;
    for (long turn = 0; turn < turns; turn++) {
        if (cede_mutex_lock(&mutex) != 0)
            bench_fail("lock");
        cede_yield();
        cede_mutex_unlock(&mutex);
    }
    return 0;
}

static int take_turns(void *arg)
{
    int me = (int)(intptr_t)arg;

    cede_mutex_lock(&mutex);
    for (long turn = 0; turn < turns; turn++) {
        while (turn_of != me)
            if (cede_cond_wait(&changed[me], &mutex) != 0)
                bench_fail("wait");
        turn_of = !me;
        cede_cond_signal(&changed[!me]);
    }
    cede_mutex_unlock(&mutex);
    return 0;
}

static int exchange(void *arg)
{
    int me = (int)(intptr_t)arg;
    struct cede_future *at = futures;
    intptr_t value = 0;

    for (long turn = 0; turn < turns; turn++, at += 2) {
        if (me == 1 && cede_future_wait(&at[0], &value) != 0)
            bench_fail("future");
        if (cede_future_set(&at[me], value + 1) != 0)
            bench_fail("future");
        if (me == 0 && cede_future_wait(&at[1], &value) != 0)
            bench_fail("future");
    }
    return 0;
}

static double both(cede_task_fn *first, cede_task_fn *second, long how_many)
{
    struct cede_task *a, *b;
    int64_t start;

    turns = how_many;
    turn_of = 0;
    start = bench_now(); /* making futures is part of it */
    if (first == exchange && !(futures = calloc(2 * (size_t)turns, sizeof *futures)))
        bench_fail("calloc");
    a = cede_spawn(first, (void *)0);
    b = cede_spawn(second, (void *)1);
    cede_join(a, NULL);
    cede_join(b, NULL);
    free(futures);
    futures = NULL;
    return (double)(bench_now() - start) / (double)(2 * turns);
}

static int app(void *arg)
{
    static cede_task_fn *const tasks[][2] = {
        [SYNC_CHANNEL] = {pass, pass},
        [SYNC_SELECT] = {send_in_turn, receive_any},
        [SYNC_MUTEX] = {lock, lock},
        [SYNC_CONDITION] = {take_turns, take_turns},
        [SYNC_FUTURE] = {exchange, exchange},
    };
    cede_task_fn *const *pair = tasks[((const struct bench_case *)arg)->shape];

    for (int i = 0; i < CHANNELS; i++)
        if (!(channels[i] = cede_chan_open(sizeof(long), 0)))
            bench_fail("cede_chan_open");
    both(pair[0], pair[1], bench_count(100000));
    bench_report(NULL, "ns", both(pair[0], pair[1], bench_count(1000000)));
    for (int i = 0; i < CHANNELS; i++)
        cede_chan_free(channels[i]);
    return 0;
}

static void measure(const struct bench_case *which)
{
    if (cede_run(app, (void *)which) != 0)
        bench_fail("cede_run");
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
