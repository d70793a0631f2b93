/* SPDX-License-Identifier: MIT */
/* pthread_create(3) and pthread_join(3); glibc keeps the stacks of ended threads. */
#include <errno.h>
#include <pthread.h>

#include "harness.h"

typedef pthread_t spawn_thread;

static void *nothing(void *unused)
{
    return unused;
}

static void create(pthread_t *thread)
{
    errno = pthread_create(thread, NULL, nothing, NULL);
    if (errno)
        bench_fail("pthread_create");
}

static void join(pthread_t thread)
{
    pthread_join(thread, NULL);
}

#include "spawn_threads.h"

static void measure(const struct bench_case *which)
{
    measure_threads(which, 0, 20000);
}

BENCH_SUBJECT("pthreads", measure, 1000)
