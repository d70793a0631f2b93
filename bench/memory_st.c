/* SPDX-License-Identifier: MIT */
/* State Threads' threads that wait for a condition; no guards, unless built for debugging. */
#include <st.h>

#include "memory.h"

static st_cond_t end;

static void *park(void *unused)
{
    st_cond_wait(end);
    return unused;
}

static void measure(const struct bench_case *which)
{
    struct memory_mark before = memory_mark();

    if (st_set_eventsys(ST_EVENTSYS_ALT) != 0 || st_init() != 0 || !(end = st_cond_new()))
        bench_fail("st_init");
    before = memory_mark(); /* reading it has brought the C library's own memory */
    for (long i = 0; i < which->n; i++)
        if (!st_thread_create(park, NULL, 0, MEMORY_STACK_BYTES))
            bench_fail("st_thread_create");
    st_usleep(0);
    memory_report(&before, which);
}

BENCH_SUBJECT("st", measure, 1000000)
