/* SPDX-License-Identifier: MIT */
/*
 * Locks, and what else threads wait for; see row.h. What a row is called after the comma is who keeps the task waiting:
 * nothing: another task of its thread.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "row.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static once_flag c11_once = ONCE_FLAG_INIT;
static sem_t sem, ready;
static mtx_t c11_mutex;
static cnd_t c11_cond;
static pthread_t thread;
static thrd_t c11_thread;
static bool happened;

static const struct timespec *in_ten_seconds(void)
{
    static struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    return &until;
}

static int c11_result(int result)
{
    errno = 0;
    return result == thrd_success ? 0 : -1;
}

/* ---- a plain thread that does something for 250 ms; those that start it go on once it is at it ---- */

static const struct state *state;

static void take_time(void)
{
    sem_post(&ready);
    usleep((state->longer ? 600 : DELAY_MS) * 1000);
}

static int start(struct state *s, void *(*fn)(void *))
{
    state = s;
    if (sem_init(&ready, 0, 0) != 0 || expect_no_error(pthread_create(&thread, NULL, fn, NULL)) != 0)
        return -1;
    while (sem_wait(&ready) != 0)
        ;
    return 0;
}

static void *holds_mutex(void *unused)
{
    pthread_mutex_lock(&mutex);
    take_time();
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void *takes_time(void *unused)
{
    take_time();
    return unused;
}

static int takes_time_in_c11(void *unused)
{
    (void)unused;
    take_time();
    return 7;
}

static void *does_once(void *unused)
{
    pthread_once(&once, take_time);
    return unused;
}

static void *does_c11_once(void *unused)
{
    call_once(&c11_once, take_time);
    return unused;
}

static void *posts(void *unused)
{
    take_time();
    sem_post(&sem);
    return unused;
}

static void *signals(void *unused)
{
    take_time();
    pthread_mutex_lock(&mutex);
    happened = true;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static int make_thread_with_mutex(struct state *s)
{
    return start(s, holds_mutex);
}

static int make_thread(struct state *s)
{
    return start(s, takes_time);
}

static int make_c11_thread(struct state *s)
{
    state = s;
    if (sem_init(&ready, 0, 0) != 0 || thrd_create(&c11_thread, takes_time_in_c11, NULL) != thrd_success)
        return -1;
    return sem_wait(&ready);
}

static int make_thread_at_once(struct state *s)
{
    return start(s, does_once);
}

static int make_thread_at_c11_once(struct state *s)
{
    return start(s, does_c11_once);
}

static int make_thread_that_posts(struct state *s)
{
    return sem_init(&sem, 0, 0) != 0 ? -1 : start(s, posts);
}

static int make_thread_that_signals(struct state *s)
{
    return start(s, signals);
}

/* ---- locks that are held; the one who holds them is the thread of the tasks ---- */

static int make_mutex(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_mutex_lock(&mutex));
}

static int unlock_mutex(struct state *s)
{
    (void)s;
    return pthread_mutex_unlock(&mutex);
}

static int make_rwlock(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_rwlock_wrlock(&rwlock));
}

static int unlock_rwlock(struct state *s)
{
    (void)s;
    return pthread_rwlock_unlock(&rwlock);
}

static int make_c11_mutex(struct state *s)
{
    (void)s;
    return mtx_init(&c11_mutex, mtx_timed) != thrd_success ? -1 : mtx_lock(&c11_mutex);
}

static int unlock_c11_mutex(struct state *s)
{
    (void)s;
    return mtx_unlock(&c11_mutex);
}

static int by_mutex_lock(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_mutex_lock(&mutex));
}

static int by_mutex_timedlock(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_mutex_timedlock(&mutex, in_ten_seconds()));
}

static int by_mutex_clocklock(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_mutex_clocklock(&mutex, CLOCK_REALTIME, in_ten_seconds()));
}

static int by_rdlock(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_rwlock_rdlock(&rwlock));
}

static int by_wrlock(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_rwlock_wrlock(&rwlock));
}

static int by_timedrdlock(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_rwlock_timedrdlock(&rwlock, in_ten_seconds()));
}

static int by_timedwrlock(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_rwlock_timedwrlock(&rwlock, in_ten_seconds()));
}

static int by_mtx_lock(struct state *s)
{
    (void)s;
    return c11_result(mtx_lock(&c11_mutex));
}

static int by_mtx_timedlock(struct state *s)
{
    (void)s;
    return c11_result(mtx_timedlock(&c11_mutex, in_ten_seconds()));
}

/* ---- semaphores ---- */

static int make_sem(struct state *s)
{
    (void)s;
    return sem_init(&sem, 0, 0);
}

static int post_sem(struct state *s)
{
    (void)s;
    return sem_post(&sem);
}

static int by_sem_wait(struct state *s)
{
    (void)s;
    return sem_wait(&sem);
}

static int by_sem_timedwait(struct state *s)
{
    (void)s;
    return sem_timedwait(&sem, in_ten_seconds());
}

static int by_sem_clockwait(struct state *s)
{
    (void)s;
    return sem_clockwait(&sem, CLOCK_REALTIME, in_ten_seconds());
}

/* ---- conditions ---- */

static int signal_cond(struct state *s)
{
    (void)s;
    pthread_mutex_lock(&mutex);
    happened = true;
    pthread_cond_signal(&cond);
    return pthread_mutex_unlock(&mutex);
}

static int by_cond(const struct timespec *until)
{
    int error = 0;

    pthread_mutex_lock(&mutex);
    while (!happened && error == 0)
        error = until ? pthread_cond_timedwait(&cond, &mutex, until) : pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return expect_no_error(error);
}

static int by_cond_wait(struct state *s)
{
    (void)s;
    return by_cond(NULL);
}

static int by_cond_timedwait(struct state *s)
{
    (void)s;
    return by_cond(in_ten_seconds());
}

static int make_c11_cond(struct state *s)
{
    (void)s;
    return mtx_init(&c11_mutex, mtx_plain) != thrd_success || cnd_init(&c11_cond) != thrd_success ? -1 : 0;
}

static int signal_c11_cond(struct state *s)
{
    (void)s;
    mtx_lock(&c11_mutex);
    happened = true;
    cnd_signal(&c11_cond);
    return mtx_unlock(&c11_mutex);
}

static int by_cnd(const struct timespec *until)
{
    int result = thrd_success;

    mtx_lock(&c11_mutex);
    while (!happened && result == thrd_success)
        result = until ? cnd_timedwait(&c11_cond, &c11_mutex, until) : cnd_wait(&c11_cond, &c11_mutex);
    mtx_unlock(&c11_mutex);
    return c11_result(result);
}

static int by_cnd_wait(struct state *s)
{
    (void)s;
    return by_cnd(NULL);
}

static int by_cnd_timedwait(struct state *s)
{
    (void)s;
    return by_cnd(in_ten_seconds());
}

/* ---- barriers, once, the end of threads ---- */

static int make_barrier(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_barrier_init(&barrier, NULL, 2));
}

static int arrive(struct state *s)
{
    int result = pthread_barrier_wait(&barrier);

    (void)s;
    return result == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : expect_no_error(result);
}

static int by_once(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_once(&once, take_time));
}

static int by_call_once(struct state *s)
{
    (void)s;
    call_once(&c11_once, take_time);
    return 0;
}

static int by_join(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_join(thread, NULL));
}

static int by_timedjoin(struct state *s)
{
    (void)s;
    return expect_no_error(pthread_timedjoin_np(thread, NULL, in_ten_seconds()));
}

static int by_thrd_join(struct state *s)
{
    int result;

    (void)s;
    return c11_result(thrd_join(c11_thread, &result)) != 0 ? -1 : result == 7 ? 0 : 1;
}

extern const struct row ROWS(lock)[];
const struct row ROWS(lock)[] = {
    {"pthread_mutex_lock", .prepare = make_mutex, .call_it = by_mutex_lock, .end_in_task = unlock_mutex},
    {"pthread_mutex_lock, thread", .prepare = make_thread_with_mutex, .call_it = by_mutex_lock},
    {"pthread_mutex_timedlock", .prepare = make_mutex, .call_it = by_mutex_timedlock, .end_in_task = unlock_mutex},
    {"pthread_mutex_clocklock", .prepare = make_mutex, .call_it = by_mutex_clocklock, .end_in_task = unlock_mutex},
    {"pthread_rwlock_rdlock", .prepare = make_rwlock, .call_it = by_rdlock, .end_in_task = unlock_rwlock},
    {"pthread_rwlock_wrlock", .prepare = make_rwlock, .call_it = by_wrlock, .end_in_task = unlock_rwlock},
    {"pthread_rwlock_timedrdlock", .prepare = make_rwlock, .call_it = by_timedrdlock, .end_in_task = unlock_rwlock},
    {"pthread_rwlock_timedwrlock", .prepare = make_rwlock, .call_it = by_timedwrlock, .end_in_task = unlock_rwlock},
    {"pthread_cond_wait", .call_it = by_cond_wait, .end_in_task = signal_cond},
    {"pthread_cond_wait, thread", .prepare = make_thread_that_signals, .call_it = by_cond_wait},
    {"pthread_cond_timedwait", .call_it = by_cond_timedwait, .end_in_task = signal_cond},
    {"sem_wait", .prepare = make_sem, .call_it = by_sem_wait, .end_in_task = post_sem},
    {"sem_wait, thread", .prepare = make_thread_that_posts, .call_it = by_sem_wait},
    {"sem_timedwait", .prepare = make_sem, .call_it = by_sem_timedwait, .end_in_task = post_sem},
    {"sem_clockwait", .prepare = make_sem, .call_it = by_sem_clockwait, .end_in_task = post_sem},
    {"pthread_barrier_wait", .prepare = make_barrier, .call_it = arrive, .end_in_task = arrive},
    {"pthread_once, thread", .prepare = make_thread_at_once, .call_it = by_once},
    {"pthread_join", .prepare = make_thread, .call_it = by_join},
    {"pthread_timedjoin_np", .prepare = make_thread, .call_it = by_timedjoin},
    {"mtx_lock", .prepare = make_c11_mutex, .call_it = by_mtx_lock, .end_in_task = unlock_c11_mutex},
    {"mtx_timedlock", .prepare = make_c11_mutex, .call_it = by_mtx_timedlock, .end_in_task = unlock_c11_mutex},
    {"cnd_wait", .prepare = make_c11_cond, .call_it = by_cnd_wait, .end_in_task = signal_c11_cond},
    {"cnd_timedwait", .prepare = make_c11_cond, .call_it = by_cnd_timedwait, .end_in_task = signal_c11_cond},
    {"call_once, thread", .prepare = make_thread_at_c11_once, .call_it = by_call_once},
    {"thrd_join", .prepare = make_c11_thread, .call_it = by_thrd_join},
    {0},
};
