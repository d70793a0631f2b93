/* SPDX-License-Identifier: MIT */
/* Tasks of two runtimes and plain threads, all at libc's locks at once. Seeds are fixed. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "crowd.h"
#include "posix_lock.h"

enum { PERMITS = 3 };

/* Not atomic: a sanitizer, or the counts in the end, tell if a lock does not exclude. */
static struct {
    pthread_mutex_t mutex[LOCK_KINDS];
    int inside[LOCK_KINDS];
    pthread_mutex_t queue_lock;
    pthread_cond_t queue_more;
    int queued;
    pthread_rwlock_t rwlock;
    int writers;
    atomic_int readers;
    sem_t sem;
    atomic_int permits;
    pthread_once_t once;
    int once_calls;
} all;

/* A wait in the midst of it, or none. */
static void dawdle(unsigned *seed)
{
    if (harness_random(seed) % 4 == 0)
        usleep(harness_random(seed) % 100);
}

static void hold(unsigned kind, unsigned *seed)
{
    ck_assert_int_eq(all.inside[kind]++, 0);
    dawdle(seed);
    ck_assert_int_eq(--all.inside[kind], 0);
}

static void mutexes(unsigned *seed)
{
    unsigned kind = harness_random(seed) % LOCK_KINDS;
    struct timespec until;
    int result;

    if (harness_random(seed) % 3) {
        ck_assert_int_eq(pthread_mutex_lock(&all.mutex[kind]), 0);
    } else {
        until = lock_after(CLOCK_REALTIME, harness_random(seed) % 100000);
        result = pthread_mutex_timedlock(&all.mutex[kind], &until);
        if (result != 0) {
            ck_assert_int_eq(result, ETIMEDOUT);
            return;
        }
    }
    hold(kind, seed);
    ck_assert_int_eq(pthread_mutex_unlock(&all.mutex[kind]), 0);
}

static void queue(unsigned *seed)
{
    struct timespec until = lock_after(CLOCK_REALTIME, harness_random(seed) % 300000);
    int result = 0;

    ck_assert_int_eq(pthread_mutex_lock(&all.queue_lock), 0);
    if (harness_random(seed) % 2) {
        all.queued++;
        ck_assert_int_eq(harness_random(seed) % 4 ? pthread_cond_signal(&all.queue_more)
                                                  : pthread_cond_broadcast(&all.queue_more),
                         0);
    } else {
        while (all.queued == 0 && result == 0)
            result = pthread_cond_timedwait(&all.queue_more, &all.queue_lock, &until);
        ck_assert(result == 0 || result == ETIMEDOUT);
        all.queued -= all.queued > 0;
    }
    ck_assert_int_eq(pthread_mutex_unlock(&all.queue_lock), 0);
}

static void do_once(void)
{
    usleep(100);
    all.once_calls++;
}

static void once(void)
{
    ck_assert_int_eq(pthread_once(&all.once, do_once), 0);
    ck_assert_int_eq(all.once_calls, 1);
}

static void readers_and_writers(unsigned *seed)
{
    if (harness_random(seed) % 3) {
        ck_assert_int_eq(pthread_rwlock_rdlock(&all.rwlock), 0);
        atomic_fetch_add(&all.readers, 1);
        dawdle(seed);
        ck_assert_int_eq(all.writers, 0);
        atomic_fetch_sub(&all.readers, 1);
    } else {
        ck_assert_int_eq(pthread_rwlock_wrlock(&all.rwlock), 0);
        ck_assert_int_eq(all.writers++, 0);
        dawdle(seed);
        ck_assert_int_eq(atomic_load(&all.readers), 0);
        all.writers--;
    }
    ck_assert_int_eq(pthread_rwlock_unlock(&all.rwlock), 0);
}

static void semaphore(unsigned *seed)
{
    if (crowd_check(sem_wait(&all.sem)) != 0)
        return;
    ck_assert_int_le(atomic_fetch_add(&all.permits, 1), PERMITS - 1);
    dawdle(seed);
    atomic_fetch_sub(&all.permits, 1);
    ck_assert_int_eq(sem_post(&all.sem), 0);
}

static void act(void *unused, unsigned *seed)
{
    (void)unused;
    switch (harness_random(seed) % 8) {
    case 0:
        once();
        break;
    case 1:
    case 2:
        queue(seed);
        break;
    case 3:
        readers_and_writers(seed);
        break;
    case 4:
        semaphore(seed);
        break;
    default:
        mutexes(seed);
    }
}

START_TEST(everybody_at_everything)
{
    struct crowd crowd = {.act = act, .seed = 77, .rounds = 300, .tasks = 24, .threads = 3};
    int kind, value;

    for (kind = 0; kind < LOCK_KINDS; kind++)
        lock_kind_init(&all.mutex[kind], kind);
    ck_assert_int_eq(sem_init(&all.sem, 0, PERMITS), 0);
    crowd.seed += (unsigned)_i;
    crowd_run(&crowd);
    ck_assert_int_eq(sem_getvalue(&all.sem, &value), 0);
    ck_assert_int_eq(value, PERMITS);
    for (kind = 0; kind < LOCK_KINDS; kind++)
        ck_assert_int_eq(pthread_mutex_destroy(&all.mutex[kind]), 0);
    ck_assert_int_eq(pthread_cond_destroy(&all.queue_more), 0);
    ck_assert_int_eq(pthread_rwlock_destroy(&all.rwlock), 0);
    ck_assert_int_eq(sem_destroy(&all.sem), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("posix_storm");
    TCase *tcase = tcase_create("storm");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, everybody_at_everything, 0, 3);
    suite_add_tcase(suite, tcase);
    return suite;
}
