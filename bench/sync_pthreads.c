/* SPDX-License-Identifier: MIT */
/* Threads on one CPU: pthread_mutex_t and pthread_cond_t. POSIX has neither channels nor futures. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include "sync.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
static long turns;
static int turn_of;

static void *lock(void *unused)
{
    for (long turn = 0; turn < turns; turn++) {
        pthread_mutex_lock(&mutex);
        sched_yield();
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void *take_turns(void *arg)
{
    int me = (int)(intptr_t)arg;

    pthread_mutex_lock(&mutex);
    for (long turn = 0; turn < turns; turn++) {
        while (turn_of != me)
            pthread_cond_wait(&changed[me], &mutex);
        turn_of = !me;
        pthread_cond_signal(&changed[!me]);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void measure(const struct bench_case *which)
{
    void *(*task)(void *) = which->shape == SYNC_MUTEX ? lock : which->shape == SYNC_CONDITION ? take_turns : NULL;
    pthread_t a, b;
    int64_t start;

    if (!task)
        return;
    turns = bench_count(50000);
    start = bench_now();
    if (pthread_create(&a, NULL, task, (void *)0) != 0 || pthread_create(&b, NULL, task, (void *)1) != 0)
        bench_fail("pthread_create");
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(2 * turns));
}

BENCH_SUBJECT("pthreads", measure, LONG_MAX)
