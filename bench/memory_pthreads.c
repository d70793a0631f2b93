/* SPDX-License-Identifier: MIT */
/* Threads that wait for a semaphore. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "memory.h"

static sem_t parked, end;

static void *park(void *unused)
{
    sem_post(&parked);
    sem_wait(&end);
    return unused;
}

static void measure(const struct bench_case *which)
{
    pthread_t *threads = calloc((size_t)which->n, sizeof *threads);
    struct memory_mark before = memory_mark();
    pthread_attr_t attr;
    long i;

    if (!threads)
        bench_fail("calloc");
    sem_init(&parked, 0, 0);
    sem_init(&end, 0, 0);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, MEMORY_STACK_BYTES);
    before = memory_mark(); /* reading it has brought the C library's own memory */
    for (i = 0; i < which->n; i++) {
        errno = pthread_create(&threads[i], &attr, park, NULL);
        if (errno)
            bench_fail("pthread_create");
    }
    for (i = 0; i < which->n; i++)
        while (sem_wait(&parked) != 0)
            ;
    memory_report(&before, which);
    for (i = 0; i < which->n; i++)
        sem_post(&end);
    for (i = 0; i < which->n; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

BENCH_SUBJECT("pthreads", measure, 10000)
