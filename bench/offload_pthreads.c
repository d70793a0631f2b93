/* SPDX-License-Identifier: MIT */
/* By hand: a thread that asks, a helper thread that answers, a mutex and two conditions. For one client. */
#include <pthread.h>
#include <stdbool.h>

#include "harness.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER, answered = PTHREAD_COND_INITIALIZER;
static bool question;

static void *help(void *arg)
{
    pthread_mutex_lock(&lock);
    for (long left = *(long *)arg; left; left--) {
        while (!question)
            pthread_cond_wait(&asked, &lock);
        question = false;
        pthread_cond_signal(&answered);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void measure(const struct bench_case *which)
{
    long calls = bench_count(100000);
    pthread_t helper;
    int64_t start;

    (void)which;
    if (pthread_create(&helper, NULL, help, &calls) != 0)
        bench_fail("pthread_create");
    start = bench_now();
    pthread_mutex_lock(&lock);
    for (long left = calls; left; left--) {
        question = true;
        pthread_cond_signal(&asked);
        while (question)
            pthread_cond_wait(&answered, &lock);
    }
    pthread_mutex_unlock(&lock);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)calls);
    pthread_join(helper, NULL);
}

BENCH_SUBJECT("pthreads", measure, 1)
