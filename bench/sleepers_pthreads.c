/* SPDX-License-Identifier: MIT */
/* Threads in nanosleep(2). */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "sleepers.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the sequence of durations */

static void *sleeper(void *unused)
{
    struct timespec duration;
    int64_t duration_ns, due_ns;

    pthread_mutex_lock(&lock);
    duration_ns = sleepers_duration_ns();
    pthread_mutex_unlock(&lock);
    duration = (struct timespec){.tv_sec = duration_ns / 1000000000, .tv_nsec = duration_ns % 1000000000};
    due_ns = bench_now() + duration_ns;
    nanosleep(&duration, NULL);
    sleepers_woke(due_ns);
    return unused;
}

static void measure(const struct bench_case *which)
{
    pthread_t *threads = malloc((size_t)which->n * sizeof *threads);
    pthread_attr_t attr;

    if (!threads)
        bench_fail("malloc");
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    sleepers_start();
    for (long i = 0; i < which->n; i++) {
        errno = pthread_create(&threads[i], &attr, sleeper, NULL);
        if (errno)
            bench_fail("pthread_create");
    }
    for (long i = 0; i < which->n; i++)
        pthread_join(threads[i], NULL);
    sleepers_report(which);
    free(threads);
}

BENCH_SUBJECT("pthreads", measure, 10000)
