/* SPDX-License-Identifier: MIT */
/* State Threads: st_mutex_t and st_cond_t. A condition needs no mutex there; it has neither channels nor futures. */
#include <limits.h>
#include <st.h>
#include <stdint.h>

#include "sync.h"

static st_mutex_t mutex;
static st_cond_t changed[2];
static long turns;
static int turn_of;

static void *lock(void *unused)
{
    for (long turn = 0; turn < turns; turn++) {
        st_mutex_lock(mutex);
        st_usleep(0);
        st_mutex_unlock(mutex);
    }
    return unused;
}

static void *take_turns(void *arg)
{
    int me = (int)(intptr_t)arg;

    for (long turn = 0; turn < turns; turn++) {
        while (turn_of != me)
            st_cond_wait(changed[me]);
        turn_of = !me;
        st_cond_signal(changed[!me]);
    }
    return NULL;
}

static double both(void *(*task)(void *), long how_many)
{
    int64_t start = bench_now();
    st_thread_t a, b;

    turns = how_many;
    turn_of = 0;
    a = st_thread_create(task, (void *)0, 1, 64 << 10);
    b = st_thread_create(task, (void *)1, 1, 64 << 10);
    if (!a || !b)
        bench_fail("st_thread_create");
    st_thread_join(a, NULL);
    st_thread_join(b, NULL);
    return (double)(bench_now() - start) / (double)(2 * turns);
}

static void measure(const struct bench_case *which)
{
    void *(*task)(void *) = which->shape == SYNC_MUTEX ? lock : which->shape == SYNC_CONDITION ? take_turns : NULL;

    if (!task)
        return;
    if (st_set_eventsys(ST_EVENTSYS_ALT) != 0 || st_init() != 0 || !(mutex = st_mutex_new())
        || !(changed[0] = st_cond_new()) || !(changed[1] = st_cond_new()))
        bench_fail("st_init");
    both(task, bench_count(50000));
    bench_report(NULL, "ns", both(task, bench_count(500000)));
}

BENCH_SUBJECT("st", measure, LONG_MAX)
