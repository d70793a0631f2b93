/* SPDX-License-Identifier: MIT */
/* Conditions of libc's under libc's names: tasks and plain threads, clocks, interruptions, cancelled threads. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "harness.h"
#include "posix_lock.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int ready, woken, waiting;

/* Waits until `ready` is positive, and takes one. */
static int takes_one(void *unused)
{
    int result = 0;

    (void)unused;
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
    waiting++;
    while (ready == 0 && result == 0)
        result = pthread_cond_wait(&cond, &mutex);
    waiting--;
    if (result == 0) {
        ready--;
        woken++;
    }
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
    return result;
}

static void *thread_takes_one(void *unused)
{
    ck_assert_int_eq(takes_one(unused), 0);
    return NULL;
}

static void give(int count, bool all)
{
    ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
    ready += count;
    ck_assert_int_eq(all ? pthread_cond_broadcast(&cond) : pthread_cond_signal(&cond), 0);
    ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
}

static struct lock_ticker ticker;

static void *thread_gives_one(void *unused)
{
    (void)unused;
    lock_ticker_await(&ticker, 1);
    give(1, false);
    return NULL;
}

static void await_waiting(int count)
{
    int now = -1;

    while (now != count) {
        pthread_mutex_lock(&mutex);
        now = waiting;
        pthread_mutex_unlock(&mutex);
        if (now != count)
            cede_sleep(CEDE_MILLISECOND / 5);
    }
}

TASK_TEST(tasks_wait_and_signal)
{
    struct cede_task *tasks[3];
    int i;

    for (i = 0; i < 3; i++)
        tasks[i] = cede_spawn(takes_one, NULL);
    await_waiting(3);
    give(1, false);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_int_eq(woken, 1);
    give(2, true);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
}

TASK_TEST(a_thread_signals_a_task)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, thread_gives_one, NULL), 0);
    lock_ticker_start(&ticker);
    ck_assert_int_eq(takes_one(NULL), 0);
    ck_assert_int_ge(lock_ticker_end(&ticker), 1);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* Threads that began to wait before any task did, and after. */
TASK_TEST(a_task_signals_threads)
{
    pthread_t threads[4];
    struct cede_task *task;
    int i;

    for (i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, thread_takes_one, NULL), 0);
    await_waiting(2);
    task = cede_spawn(takes_one, NULL);
    await_waiting(3);
    for (; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, thread_takes_one, NULL), 0);
    await_waiting(5);
    for (i = 0; i < 3; i++)
        give(1, false);
    give(2, true);
    ck_assert_int_eq(cede_await(task), 0);
    for (i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(woken, 5);
}

/* libc unlocks the mutex inside its wait: a task that waits for the mutex must hear of it. */
TASK_TEST(a_thread_that_waits_lets_tasks_have_the_mutex)
{
    pthread_t thread;
    int i;

    for (i = 0; i < 50; i++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, thread_takes_one, NULL), 0);
        give(1, false);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
}

static void unlock(void *unused)
{
    (void)unused;
    pthread_mutex_unlock(&mutex);
}

static void *thread_waits_to_be_cancelled(void *unused)
{
    pthread_cleanup_push(unlock, NULL);
    pthread_mutex_lock(&mutex);
    waiting++;
    for (;;)
        pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(1);
    return unused;
}

TASK_TEST(a_cancelled_thread_has_the_mutex_again)
{
    struct cede_task *task = cede_spawn(takes_one, NULL);
    pthread_t thread;
    void *value;

    await_waiting(1);
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_waits_to_be_cancelled, NULL), 0);
    await_waiting(2);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    ck_assert_int_eq(pthread_join(thread, &value), 0);
    ck_assert_ptr_eq(value, PTHREAD_CANCELED);
    give(1, true);
    ck_assert_int_eq(cede_await(task), 0);
}

/* ---- time ---- */

static int timed(pthread_cond_t *on, clockid_t clock, int64_t ns)
{
    struct timespec until = lock_after(clock, ns);
    int result;

    pthread_mutex_lock(&mutex);
    result = pthread_cond_timedwait(on, &mutex, &until);
    ck_assert_int_eq(pthread_mutex_trylock(&mutex), EBUSY); /* held again */
    pthread_mutex_unlock(&mutex);
    return result;
}

TASK_TEST(timed_waits_end_by_their_clock)
{
    struct timespec until = lock_after(CLOCK_MONOTONIC, CEDE_MILLISECOND), bad = {.tv_nsec = CEDE_SECOND};
    pthread_condattr_t attr;
    pthread_cond_t monotonic;
    int64_t begin_ns = cede_now();

    ck_assert_int_eq(timed(&cond, CLOCK_REALTIME, 2 * CEDE_MILLISECOND), ETIMEDOUT);
    ck_assert_int_eq(pthread_condattr_init(&attr), 0);
    ck_assert_int_eq(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
    ck_assert_int_eq(pthread_cond_init(&monotonic, &attr), 0);
    ck_assert_int_eq(timed(&monotonic, CLOCK_MONOTONIC, 2 * CEDE_MILLISECOND), ETIMEDOUT);
    ck_assert_int_ge(cede_now() - begin_ns, 4 * CEDE_MILLISECOND);
    pthread_mutex_lock(&mutex);
    ck_assert_int_eq(pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &until), ETIMEDOUT);
    ck_assert_int_eq(pthread_cond_timedwait(&cond, &mutex, &bad), EINVAL);
    ck_assert_int_eq(pthread_cond_clockwait(&cond, &mutex, CLOCK_PROCESS_CPUTIME_ID, &until), EINVAL);
    pthread_mutex_unlock(&mutex);
    ck_assert_int_eq(pthread_cond_destroy(&monotonic), 0);
}

static void *thread_timed(void *unused)
{
    struct timespec until = lock_after(CLOCK_MONOTONIC, CEDE_MILLISECOND);

    (void)unused;
    ck_assert_int_eq(timed(&cond, CLOCK_REALTIME, CEDE_MILLISECOND), ETIMEDOUT);
    pthread_mutex_lock(&mutex);
    ck_assert_int_eq(pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &until), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

TASK_TEST(timed_waits_of_threads_end)
{
    struct cede_task *task = cede_spawn(takes_one, NULL);
    pthread_t thread;

    await_waiting(1);
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_timed, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    give(1, false);
    ck_assert_int_eq(cede_await(task), 0);
}

/* ---- interruptions ---- */

TASK_TEST(an_interruption_ends_the_wait)
{
    struct cede_task *task = cede_spawn(takes_one, NULL);

    await_waiting(1);
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), ECANCELED);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(takes_one(NULL), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(timed(&cond, CLOCK_REALTIME, 3600 * CEDE_SECOND), ETIMEDOUT);
}

static int told;

/* As most code does. */
static int ignores_results(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    waiting++;
    while (ready == 0) {
        pthread_cond_wait(&cond, &mutex);
        told++;
    }
    pthread_mutex_unlock(&mutex);
    return 0;
}

TASK_TEST(who_ignores_an_interruption_does_not_spin)
{
    struct cede_task *task = cede_spawn(ignores_results, NULL);

    await_waiting(1);
    cede_cancel(task);
    cede_sleep(10 * CEDE_MILLISECOND);
    ck_assert_int_eq(told, 1);
    give(1, false);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(told, 2);
}

TASK_TEST(each_scope_ends_a_wait)
{
    int i;

    for (i = 0; i < 3; i++)
        cede_timeout (CEDE_MILLISECOND)
            ck_assert_int_eq(takes_one(NULL), ETIMEDOUT);
}

/* ---- misuse, the end ---- */

TASK_TEST(a_mutex_that_is_not_held_is_an_error)
{
#ifndef HARNESS_TSAN /* takes it for a bug of the program's */
    lock_kind_init(&mutex, LOCK_ERRORCHECK);
    ck_assert_int_eq(pthread_cond_wait(&cond, &mutex), EPERM);
#endif
}

TASK_TEST(it_may_be_destroyed_once_all_are_woken)
{
    struct cede_task *task = cede_spawn(takes_one, NULL);

    await_waiting(1);
    ck_assert_int_eq(pthread_cond_destroy(&cond), EBUSY);
    give(1, true);
    ck_assert_int_eq(pthread_cond_destroy(&cond), 0); /* it has not run yet */
    memset(&cond, 0xff, sizeof cond);
    ck_assert_int_eq(cede_await(task), 0);
}

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int ready;
};

TASK_TEST(another_process_signals)
{
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_condattr_t attr;
    pid_t child;
    int status;

    ck_assert_ptr_ne(shared, MAP_FAILED);
    lock_kind_init(&shared->mutex, LOCK_SHARED);
    pthread_condattr_init(&attr);
    pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    ck_assert_int_eq(pthread_cond_init(&shared->cond, &attr), 0);
    child = fork();
    if (child == 0) {
        usleep(5000);
        pthread_mutex_lock(&shared->mutex);
        shared->ready = 1;
        pthread_cond_signal(&shared->cond);
        pthread_mutex_unlock(&shared->mutex);
        _exit(0);
    }
    pthread_mutex_lock(&shared->mutex);
    while (!shared->ready)
        ck_assert_int_eq(pthread_cond_wait(&shared->cond, &shared->mutex), 0);
    pthread_mutex_unlock(&shared->mutex);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    munmap(shared, sizeof *shared);
}

static mtx_t c11_mutex;
static cnd_t c11;

static int c11_waits(void *unused)
{
    int result = thrd_success;

    (void)unused;
    mtx_lock(&c11_mutex);
    while (!ready && result == thrd_success)
        result = cnd_wait(&c11, &c11_mutex);
    mtx_unlock(&c11_mutex);
    return result;
}

TASK_TEST(c11_conditions_are_the_same)
{
    struct timespec until = lock_after(CLOCK_REALTIME, CEDE_MILLISECOND);
    struct cede_task *tasks[3];
    int i;

    ck_assert_int_eq(mtx_init(&c11_mutex, mtx_plain), thrd_success);
    ck_assert_int_eq(cnd_init(&c11), thrd_success);
    mtx_lock(&c11_mutex);
    ck_assert_int_eq(cnd_timedwait(&c11, &c11_mutex, &until), thrd_timedout);
    mtx_unlock(&c11_mutex);
    for (i = 0; i < 3; i++)
        tasks[i] = cede_spawn(c11_waits, NULL);
    cede_sleep(CEDE_MILLISECOND);
    cede_cancel(tasks[0]);
    ck_assert_int_eq(cede_await(tasks[0]), thrd_error);
    ready = 1;
    ck_assert_int_eq(cnd_signal(&c11), thrd_success);
    ck_assert_int_eq(cede_await(tasks[1]), thrd_success);
    ck_assert_int_eq(cnd_broadcast(&c11), thrd_success);
    ck_assert_int_eq(cede_await(tasks[2]), thrd_success);
    cnd_destroy(&c11);
    mtx_destroy(&c11_mutex);
}

Suite *suite(void)
{
    Suite *suite = suite_create("posix_cond");
    TCase *tcase = tcase_create("conditions");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, tasks_wait_and_signal);
    tcase_add_test(tcase, a_thread_signals_a_task);
    tcase_add_test(tcase, a_task_signals_threads);
    tcase_add_test(tcase, a_thread_that_waits_lets_tasks_have_the_mutex);
    tcase_add_test(tcase, a_cancelled_thread_has_the_mutex_again);
    tcase_add_test(tcase, timed_waits_end_by_their_clock);
    tcase_add_test(tcase, timed_waits_of_threads_end);
    tcase_add_test(tcase, an_interruption_ends_the_wait);
    tcase_add_test(tcase, who_ignores_an_interruption_does_not_spin);
    tcase_add_test(tcase, each_scope_ends_a_wait);
    tcase_add_test(tcase, a_mutex_that_is_not_held_is_an_error);
    tcase_add_test(tcase, it_may_be_destroyed_once_all_are_woken);
    tcase_add_test(tcase, another_process_signals);
    tcase_add_test(tcase, c11_conditions_are_the_same);
    suite_add_tcase(suite, tcase);
    return suite;
}
