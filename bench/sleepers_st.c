/* SPDX-License-Identifier: MIT */
/* State Threads: st_usleep(). */
#include <st.h>
#include <stdlib.h>

#include "sleepers.h"

static void *sleeper(void *unused)
{
    int64_t duration_ns = sleepers_duration_ns(), due_ns = bench_now() + duration_ns;

    st_usleep((st_utime_t)(duration_ns / 1000));
    sleepers_woke(due_ns);
    return unused;
}

static void measure(const struct bench_case *which)
{
    st_thread_t *threads = malloc((size_t)which->n * sizeof *threads);

    if (!threads || st_set_eventsys(ST_EVENTSYS_ALT) != 0 || st_init() != 0)
        bench_fail("st_init");
    sleepers_start();
    for (long i = 0; i < which->n; i++)
        if (!(threads[i] = st_thread_create(sleeper, NULL, 1, 64 << 10)))
            bench_fail("st_thread_create");
    for (long i = 0; i < which->n; i++)
        st_thread_join(threads[i], NULL);
    sleepers_report(which);
    free(threads);
}

BENCH_SUBJECT("st", measure, 1000000)
