/* SPDX-License-Identifier: MIT */
/* State Threads: st_thread_create() and st_thread_join(). */
#include <st.h>

#include "harness.h"

typedef st_thread_t spawn_thread;

static void *nothing(void *unused)
{
    return unused;
}

static void create(st_thread_t *thread)
{
    if (!(*thread = st_thread_create(nothing, NULL, 1, 64 << 10)))
        bench_fail("st_thread_create");
}

static void join(st_thread_t thread)
{
    st_thread_join(thread, NULL);
}

#include "spawn_threads.h"

static void measure(const struct bench_case *which)
{
    if (st_set_eventsys(ST_EVENTSYS_ALT) != 0 || st_init() != 0)
        bench_fail("st_init");
    measure_threads(which, 10000, 200000);
}

BENCH_SUBJECT("st", measure, 100000)
