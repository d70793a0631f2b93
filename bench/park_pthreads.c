/* SPDX-License-Identifier: MIT */
/* Two threads, a mutex and a condition variable each, on one CPU. */
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#include "harness.h"

struct player {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken;
    struct player *other;
    long turns;
};

static void wake(struct player *player)
{
    pthread_mutex_lock(&player->lock);
    player->woken = true;
    pthread_cond_signal(&player->changed);
    pthread_mutex_unlock(&player->lock);
}

static void *play(void *arg)
{
    struct player *me = arg;

    for (long turn = me->turns; turn; turn--) {
        pthread_mutex_lock(&me->lock);
        while (!me->woken)
            pthread_cond_wait(&me->changed, &me->lock);
        me->woken = false;
        pthread_mutex_unlock(&me->lock);
        wake(me->other);
    }
    return NULL;
}

static void measure(const struct bench_case *which)
{
    long turns = bench_count(100000);
    struct player ping = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .turns = turns};
    struct player pong = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .turns = turns};
    pthread_t a, b;
    int64_t start;

    (void)which;
    ping.other = &pong;
    pong.other = &ping;
    if (pthread_create(&a, NULL, play, &ping) != 0 || pthread_create(&b, NULL, play, &pong) != 0)
        bench_fail("pthread_create");
    start = bench_now();
    wake(&ping);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(2 * turns));
}

BENCH_SUBJECT("pthreads", measure, LONG_MAX)
