/* SPDX-License-Identifier: MIT */
/*
 * Mutexes of libc's in tasks, of every kind, under libc's names. Conditions are in test_posix_cond.c, the other locks
 * in test_posix_sync.c, all at once in test_posix_storm.c.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "posix_lock.h"

/* ---- mutexes ---- */

static pthread_mutex_t mutex;

struct holds {
    pthread_mutex_t *mutex;
    int *inside, *worst, rounds;
};

static int holds(struct holds *self)
{
    int i;

    for (i = 0; i < self->rounds; i++) {
        ck_assert_int_eq(pthread_mutex_lock(self->mutex), 0);
        if (++*self->inside > *self->worst)
            *self->worst = *self->inside;
        cede_sleep(CEDE_MILLISECOND / 4);
        --*self->inside;
        ck_assert_int_eq(pthread_mutex_unlock(self->mutex), 0);
    }
    return 0;
}

TASK_TEST(who_waits_parks_and_only_one_is_inside)
{
    struct cede_task *tasks[4];
    int i, kind, inside, worst;

    for (kind = 0; kind < LOCK_KINDS; kind++) {
        lock_kind_init(&mutex, kind);
        inside = worst = 0;
        for (i = 0; i < 4; i++)
            tasks[i] = cede_go(holds, .mutex = &mutex, .inside = &inside, .worst = &worst, .rounds = 3);
        for (i = 0; i < 4; i++)
            ck_assert_int_eq(cede_await(tasks[i]), 0);
        ck_assert_msg(worst == 1, "%s: %d tasks inside", lock_kinds[kind].name, worst);
        ck_assert_int_eq(pthread_mutex_destroy(&mutex), 0);
    }
}

static int tries(void *unused)
{
    int result = pthread_mutex_trylock(&mutex);

    (void)unused;
    if (result == 0)
        pthread_mutex_unlock(&mutex);
    return result;
}

/* An unlock that has to fail. ThreadSanitizer reports it as the misuse that it is, so there it is left out. */
static int unlocks(void *unused)
{
    (void)unused;
#ifdef HARNESS_TSAN
    return EPERM;
#else
    return pthread_mutex_unlock(&mutex);
#endif
}

static int as_task(cede_task_fn *fn)
{
    return cede_await(cede_spawn(fn, NULL));
}

TASK_TEST(a_recursive_one_counts_for_its_task_alone)
{
    int depth, shared;

    for (shared = 0; shared < 2; shared++) {
        lock_kind_init(&mutex, shared ? LOCK_SHARED_RECURSIVE : LOCK_RECURSIVE);
        for (depth = 0; depth < 3; depth++)
            ck_assert_int_eq(depth ? pthread_mutex_lock(&mutex) : pthread_mutex_trylock(&mutex), 0);
        while (depth-- > 0) {
            ck_assert_int_eq(as_task(tries), EBUSY);
            ck_assert_int_eq(as_task(unlocks), EPERM);
            ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
        }
#ifndef HARNESS_TSAN
        ck_assert_int_eq(pthread_mutex_unlock(&mutex), EPERM);
#endif
        ck_assert_int_eq(as_task(tries), 0);
    }
}

TASK_TEST(an_error_checking_one_knows_its_task)
{
    lock_kind_init(&mutex, LOCK_ERRORCHECK);
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
    ck_assert_int_eq(pthread_mutex_lock(&mutex), EDEADLK);
    ck_assert_int_eq(pthread_mutex_trylock(&mutex), EBUSY);
    ck_assert_int_eq(as_task(tries), EBUSY);
    ck_assert_int_eq(as_task(unlocks), EPERM);
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(unlocks(NULL), EPERM);
    ck_assert_int_eq(as_task(tries), 0);
}

static int locks(void *unused)
{
    int result = pthread_mutex_lock(&mutex);

    (void)unused;
    if (result == 0)
        pthread_mutex_unlock(&mutex);
    return result;
}

/* What the OS thread took before it ran tasks is nobody's among them. */
START_TEST(one_held_by_the_thread_outside_is_held)
{
    int kind;

    for (kind = 0; kind < LOCK_KINDS; kind++) {
        if (lock_kinds[kind].robust && lock_kinds[kind].type != PTHREAD_MUTEX_NORMAL)
            continue;
        lock_kind_init(&mutex, kind);
        ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
        ck_assert_int_eq(cede_run(tries, NULL), EBUSY);
        ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
        ck_assert_int_eq(cede_run(locks, NULL), 0);
    }
}
END_TEST

static int waits_until(struct timespec *until)
{
    int result = pthread_mutex_timedlock(&mutex, until);

    if (result == 0)
        pthread_mutex_unlock(&mutex);
    return result;
}

static int waits_an_hour(void *unused)
{
    struct timespec until = lock_after(CLOCK_REALTIME, 3600 * CEDE_SECOND);

    (void)unused;
    return waits_until(&until);
}

TASK_TEST(timed_waits_end)
{
    struct timespec until = {.tv_nsec = -1};
    struct cede_task *task;

    lock_kind_init(&mutex, LOCK_NORMAL);
    ck_assert_int_eq(waits_until(&until), 0); /* free: not looked at */
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
    ck_assert_int_eq(waits_until(&until), EINVAL);
    until = (struct timespec){0};
    ck_assert_int_eq(waits_until(&until), ETIMEDOUT);
    until = lock_after(CLOCK_REALTIME, 2 * CEDE_MILLISECOND);
    ck_assert_int_eq(waits_until(&until), ETIMEDOUT);
    until = lock_after(CLOCK_MONOTONIC, 2 * CEDE_MILLISECOND);
    ck_assert_int_eq(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until), ETIMEDOUT);
    ck_assert_int_eq(pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &until), EINVAL);

    cede_timeout (2 * CEDE_MILLISECOND) /* its caller expects that it may end */
        ck_assert_int_eq(waits_an_hour(NULL), ETIMEDOUT);
    task = cede_spawn(waits_an_hour, NULL);
    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), ETIMEDOUT);
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(as_task(waits_an_hour), 0);
}

TASK_TEST(a_plain_wait_is_not_ended)
{
    struct cede_task *cancelled, *late = NULL;

    lock_kind_init(&mutex, LOCK_NORMAL);
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
    cancelled = cede_spawn(locks, NULL);
    cede_timeout (CEDE_MILLISECOND)
        late = cede_spawn(locks, NULL);
    cede_yield();
    cede_cancel(cancelled);
    cede_sleep(5 * CEDE_MILLISECOND);
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(cede_await(cancelled), 0);
    ck_assert_int_eq(cede_await(late), 0);
}

/* ---- tasks and plain threads ---- */

static struct lock_ticker ticker;
static atomic_bool held;

static void *thread_holds(void *ticks)
{
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
    atomic_store(&held, true);
    lock_ticker_await(&ticker, (int)(intptr_t)ticks);
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
    return (void *)7;
}

TASK_TEST(tasks_and_threads_share_it)
{
    pthread_t thread;
    void *value;
    int kind;

    for (kind = 0; kind < LOCK_KINDS; kind++) {
        lock_kind_init(&mutex, kind);
        atomic_store(&held, false);
        ck_assert_int_eq(pthread_create(&thread, NULL, thread_holds, (void *)3), 0);
        while (!atomic_load(&held))
            cede_yield();
        ck_assert_int_eq(pthread_mutex_trylock(&mutex), EBUSY);
        lock_ticker_start(&ticker);
        ck_assert_int_eq(pthread_mutex_lock(&mutex), 0); /* held by a thread: the task parks */
        ck_assert_int_ge(lock_ticker_end(&ticker), 3);
        ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);

        ck_assert_int_eq(pthread_mutex_lock(&mutex), 0); /* held by a task that parks: the thread waits */
        ck_assert_int_eq(pthread_create(&thread, NULL, thread_holds, NULL), 0);
        cede_sleep(2 * CEDE_MILLISECOND);
        ck_assert_int_eq(pthread_tryjoin_np(thread, NULL), EBUSY);
        ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
        ck_assert_int_eq(pthread_join(thread, &value), 0);
        ck_assert_ptr_eq(value, (void *)7);
    }
}

#ifndef HARNESS_TSAN /* has a thread of its own, which might help */
/* The first task's wait ends with EDEADLK, as of every deadlock; only where no thread could help. */
START_TEST(a_deadlock_is_reported)
{
    pid_t child;
    int status;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        pthread_mutex_init(&mutex, NULL);
        pthread_mutex_lock(&mutex);
        _exit(cede_run(locks, NULL));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), EDEADLK);
}
END_TEST
#endif

TASK_TEST(a_held_mutex_cannot_be_destroyed)
{
    lock_kind_init(&mutex, LOCK_NORMAL);
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
#ifndef HARNESS_TSAN
    ck_assert_int_eq(pthread_mutex_destroy(&mutex), EBUSY);
#endif
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(pthread_mutex_destroy(&mutex), 0);
}

static int locks_and_exits(void *unused)
{
    (void)unused;
    _exit(locks(NULL) != 0 || pthread_mutex_lock(&mutex) != 0);
}

TASK_TEST(it_works_in_a_child_of_fork)
{
    struct cede_task *waits;
    pid_t child;
    int status;

    lock_kind_init(&mutex, LOCK_NORMAL);
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
    waits = cede_spawn(locks, NULL);
    cede_yield();
    child = fork();
    if (child == 0) {
        if (pthread_mutex_unlock(&mutex) != 0) /* nobody waits here any more */
            _exit(2);
        locks_and_exits(NULL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(cede_await(waits), 0);
}

/* ---- another process ---- */

struct shared {
    pthread_mutex_t mutex;
    sem_t sem;
    struct lock_ticker ticker;
};

TASK_TEST(another_process_may_unlock_it)
{
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t child;

    ck_assert_ptr_ne(shared, MAP_FAILED);
    lock_kind_init(&shared->mutex, LOCK_SHARED);
    ck_assert_int_eq(sem_init(&shared->sem, 1, 0), 0);
    child = fork();
    if (child == 0) {
        pthread_mutex_lock(&shared->mutex);
        sem_post(&shared->sem);
        lock_ticker_await(&shared->ticker, 3);
        pthread_mutex_unlock(&shared->mutex);
        _exit(0);
    }
    ck_assert_int_eq(sem_wait(&shared->sem), 0);
    lock_ticker_start(&shared->ticker);
    ck_assert_int_eq(pthread_mutex_lock(&shared->mutex), 0);
    ck_assert_int_ge(lock_ticker_end(&shared->ticker), 3);
    ck_assert_int_eq(pthread_mutex_unlock(&shared->mutex), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    munmap(shared, sizeof *shared);
}

/* A thread that dies with a robust mutex. */
static void *dies_with_it(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    usleep(5000);
    return NULL;
}

TASK_TEST(a_robust_one_tells_of_its_owners_death)
{
    pthread_t thread;

    if (harness_emulated("set_robust_list(2)"))
        return;
    lock_kind_init(&mutex, LOCK_ROBUST);
    ck_assert_int_eq(pthread_create(&thread, NULL, dies_with_it, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(pthread_mutex_lock(&mutex), EOWNERDEAD);
    ck_assert_int_eq(pthread_mutex_consistent(&mutex), 0);
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
}

/* ---- C11 ---- */

static mtx_t c11;

static int c11_tries(void *unused)
{
    (void)unused;
    return mtx_trylock(&c11);
}

static int c11_locks(void *unused)
{
    (void)unused;
    return mtx_lock(&c11) == thrd_success ? mtx_unlock(&c11) : thrd_error;
}

TASK_TEST(c11_mutexes_are_the_same)
{
    struct timespec until = lock_after(CLOCK_REALTIME, 2 * CEDE_MILLISECOND);
    struct cede_task *task;

    ck_assert_int_eq(mtx_init(&c11, mtx_timed | mtx_recursive), thrd_success);
    ck_assert_int_eq(mtx_lock(&c11), thrd_success);
    ck_assert_int_eq(mtx_trylock(&c11), thrd_success);
    ck_assert_int_eq(mtx_timedlock(&c11, &until), thrd_success);
    ck_assert_int_eq(as_task(c11_tries), thrd_busy);
    ck_assert_int_eq(mtx_unlock(&c11), thrd_success);
    ck_assert_int_eq(mtx_unlock(&c11), thrd_success);
    task = cede_spawn(c11_locks, NULL);
    cede_yield();
    ck_assert_int_eq(mtx_unlock(&c11), thrd_success);
    ck_assert_int_eq(cede_await(task), thrd_success);
    mtx_destroy(&c11);

    ck_assert_int_eq(mtx_init(&c11, mtx_timed), thrd_success);
    ck_assert_int_eq(mtx_lock(&c11), thrd_success);
    ck_assert_int_eq(mtx_timedlock(&c11, &until), thrd_timedout);
    ck_assert_int_eq(mtx_unlock(&c11), thrd_success);
    mtx_destroy(&c11);
}

Suite *suite(void)
{
    Suite *suite = suite_create("posix_mutex");
    TCase *tcase = tcase_create("mutexes");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, who_waits_parks_and_only_one_is_inside);
    tcase_add_test(tcase, a_recursive_one_counts_for_its_task_alone);
    tcase_add_test(tcase, an_error_checking_one_knows_its_task);
    tcase_add_test(tcase, one_held_by_the_thread_outside_is_held);
    tcase_add_test(tcase, timed_waits_end);
    tcase_add_test(tcase, a_plain_wait_is_not_ended);
    tcase_add_test(tcase, tasks_and_threads_share_it);
#ifndef HARNESS_TSAN
    tcase_add_test(tcase, a_deadlock_is_reported);
#endif
    tcase_add_test(tcase, a_held_mutex_cannot_be_destroyed);
    tcase_add_test(tcase, it_works_in_a_child_of_fork);
    tcase_add_test(tcase, another_process_may_unlock_it);
    tcase_add_test(tcase, a_robust_one_tells_of_its_owners_death);
    tcase_add_test(tcase, c11_mutexes_are_the_same);
    suite_add_tcase(suite, tcase);
    return suite;
}
