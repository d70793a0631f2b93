/* SPDX-License-Identifier: MIT */
/* Read-write locks, semaphores, barriers, once and join of libc's, in tasks, under libc's names. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "handler_posts.h"
#include "harness.h"
#include "posix_lock.h"

/* ---- read-write locks ---- */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static char said[32];

static int reads(void *letter)
{
    int result = pthread_rwlock_rdlock(&rwlock);

    if (result != 0)
        return result;
    strcat(said, letter);
    cede_sleep(CEDE_MILLISECOND);
    return pthread_rwlock_unlock(&rwlock);
}

static int writes(void *letter)
{
    int result = pthread_rwlock_wrlock(&rwlock);

    if (result != 0)
        return result;
    cede_sleep(CEDE_MILLISECOND);
    strcat(said, letter);
    return pthread_rwlock_unlock(&rwlock);
}

static struct lock_ticker ticker;
static atomic_bool held;

static void *thread_writes(void *letter)
{
    ck_assert_int_eq(pthread_rwlock_wrlock(&rwlock), 0);
    atomic_store(&held, true);
    if (*(char *)letter == 't')
        lock_ticker_await(&ticker, 3);
    strcat(said, letter);
    ck_assert_int_eq(pthread_rwlock_unlock(&rwlock), 0);
    return NULL;
}

TASK_TEST(readers_share_and_writers_do_not)
{
    struct cede_task *tasks[4];
    int i;

    tasks[0] = cede_spawn(reads, (void *)"r");
    tasks[1] = cede_spawn(reads, (void *)"r");
    tasks[2] = cede_spawn(writes, (void *)"w");
    tasks[3] = cede_spawn(writes, (void *)"w");
    cede_yield();
    ck_assert_str_eq(said, "rr");
    ck_assert_int_eq(pthread_rwlock_trywrlock(&rwlock), EBUSY);
    ck_assert_int_eq(pthread_rwlock_tryrdlock(&rwlock), 0);
    ck_assert_int_eq(pthread_rwlock_unlock(&rwlock), 0);
    ck_assert_int_eq(pthread_rwlock_destroy(&rwlock), EBUSY);
    for (i = 0; i < 4; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_str_eq(said, "rrww");
    ck_assert_int_eq(pthread_rwlock_destroy(&rwlock), 0);
}

TASK_TEST(writers_come_first_where_asked_for)
{
    pthread_rwlockattr_t attr;
    struct cede_task *tasks[3];
    int i;

    ck_assert_int_eq(pthread_rwlockattr_init(&attr), 0);
    ck_assert_int_eq(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP), 0);
    ck_assert_int_eq(pthread_rwlock_init(&rwlock, &attr), 0);
    tasks[0] = cede_spawn(reads, (void *)"1");
    tasks[1] = cede_spawn(writes, (void *)"w");
    tasks[2] = cede_spawn(reads, (void *)"2");
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_str_eq(said, "1w2");
}

static int rwlock_waits_in_vain(bool writer, int64_t ns)
{
    struct timespec until = lock_after(CLOCK_REALTIME, ns), steady = lock_after(CLOCK_MONOTONIC, ns);
    int result;

    result = writer ? pthread_rwlock_timedwrlock(&rwlock, &until) : pthread_rwlock_timedrdlock(&rwlock, &until);
    ck_assert_int_eq(writer ? pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &steady)
                            : pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &steady),
                     result);
    return result;
}

static int waits_in_vain(void *writer)
{
    return rwlock_waits_in_vain(writer, CEDE_MILLISECOND);
}

static int waits_for_long(void *writer)
{
    return rwlock_waits_in_vain(writer, 3600 * CEDE_SECOND);
}

TASK_TEST(timed_waits_for_it_end)
{
    struct timespec bad = {.tv_nsec = -1};
    struct cede_task *task;

    ck_assert_int_eq(pthread_rwlock_wrlock(&rwlock), 0);
    ck_assert_int_eq(pthread_rwlock_wrlock(&rwlock), EDEADLK);
    ck_assert_int_eq(pthread_rwlock_rdlock(&rwlock), EDEADLK);
    ck_assert_int_eq(cede_await(cede_spawn(waits_in_vain, NULL)), ETIMEDOUT);
    ck_assert_int_eq(cede_await(cede_spawn(waits_in_vain, said)), ETIMEDOUT);
    task = cede_spawn(waits_for_long, NULL);
    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), ETIMEDOUT);
    ck_assert_int_eq(pthread_rwlock_unlock(&rwlock), 0);
    ck_assert_int_eq(pthread_rwlock_rdlock(&rwlock), 0);
    ck_assert_int_eq(pthread_rwlock_timedwrlock(&rwlock, &bad), EINVAL);
    ck_assert_int_eq(pthread_rwlock_unlock(&rwlock), 0);
}

TASK_TEST(threads_share_it)
{
    struct cede_task *task;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, thread_writes, (void *)"t"), 0);
    while (!atomic_load(&held))
        cede_yield();
    ck_assert_int_eq(pthread_rwlock_tryrdlock(&rwlock), EBUSY);
    lock_ticker_start(&ticker);
    task = cede_spawn(reads, (void *)"r");
    ck_assert_int_eq(writes((void *)"w"), 0);
    ck_assert_int_ge(lock_ticker_end(&ticker), 3);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(said[0], 't');

    ck_assert_int_eq(pthread_rwlock_rdlock(&rwlock), 0); /* a task holds it, the thread waits */
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_writes, (void *)"T"), 0);
    cede_sleep(2 * CEDE_MILLISECOND);
    ck_assert_int_eq(pthread_rwlock_unlock(&rwlock), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* ---- semaphores ---- */

static sem_t sem;

static int takes(void *unused)
{
    (void)unused;
    return sem_wait(&sem) == 0 ? 0 : errno;
}

static void *thread_takes(void *unused)
{
    (void)unused;
    ck_assert_int_eq(sem_wait(&sem), 0);
    return NULL;
}

static void *thread_posts(void *unused)
{
    (void)unused;
    lock_ticker_await(&ticker, 3);
    ck_assert_int_eq(sem_post(&sem), 0);
    return NULL;
}

TASK_TEST(a_semaphore_parks)
{
    struct timespec until = lock_after(CLOCK_REALTIME, CEDE_MILLISECOND), bad = {.tv_nsec = -1};
    struct timespec steady = lock_after(CLOCK_MONOTONIC, CEDE_MILLISECOND);
    struct cede_task *tasks[3];
    pthread_t thread;
    int i;

    ck_assert_int_eq(sem_init(&sem, 0, 1), 0);
    ck_assert_int_eq(sem_wait(&sem), 0);
    ck_assert_fails(sem_trywait(&sem), EAGAIN);
    ck_assert_fails(sem_timedwait(&sem, &until), ETIMEDOUT);
    ck_assert_fails(sem_timedwait(&sem, &bad), EINVAL);
    ck_assert_fails(sem_clockwait(&sem, CLOCK_MONOTONIC, &steady), ETIMEDOUT);
    for (i = 0; i < 3; i++)
        tasks[i] = cede_spawn(takes, NULL);
    cede_yield();
    ck_assert_fails(sem_destroy(&sem), EBUSY);
    cede_cancel(tasks[1]);
    ck_assert_int_eq(cede_await(tasks[1]), ECANCELED);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(sem_wait(&sem), ETIMEDOUT);
    ck_assert_int_eq(sem_post(&sem), 0);
    ck_assert_int_eq(sem_post(&sem), 0);
    ck_assert_int_eq(cede_await(tasks[0]), 0);
    ck_assert_int_eq(cede_await(tasks[2]), 0);

    lock_ticker_start(&ticker);
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_posts, NULL), 0);
    ck_assert_int_eq(sem_wait(&sem), 0);
    ck_assert_int_ge(lock_ticker_end(&ticker), 3);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_takes, NULL), 0);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_int_eq(sem_post(&sem), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(sem_destroy(&sem), 0);
}

static void post_it(int signo)
{
    (void)signo;
    sem_post(&sem);
}

/* In the midst of whatever the scheduler does. */
TASK_TEST(signal_handlers_post_it)
{
    ck_assert_int_eq(sem_init(&sem, 0, 0), 0);
    handler_posts(post_it, 200, takes);
}

/* ---- barriers ---- */

static pthread_barrier_t barrier;
static atomic_int arrived, serial;

static void arrive(void)
{
    int result;

    atomic_fetch_add(&arrived, 1);
    result = pthread_barrier_wait(&barrier);
    ck_assert(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
    atomic_fetch_add(&serial, result == PTHREAD_BARRIER_SERIAL_THREAD);
}

static int task_arrives(void *unused)
{
    (void)unused;
    arrive();
    return atomic_load(&arrived);
}

static void *thread_arrives(void *unused)
{
    arrive();
    return unused;
}

TASK_TEST(a_barrier_waits_for_tasks_and_threads)
{
    struct cede_task *tasks[3];
    pthread_t threads[2];
    int i, round;

    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 0), EINVAL);
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 5), 0);
    for (round = 1; round <= 20; round++) {
        for (i = 0; i < 3; i++)
            tasks[i] = cede_spawn(task_arrives, NULL);
        cede_yield();
        cede_cancel(tasks[0]); /* does not end it */
        ck_assert_int_eq(pthread_barrier_destroy(&barrier), EBUSY);
        for (i = 0; i < 2; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, thread_arrives, NULL), 0);
        for (i = 0; i < 3; i++)
            ck_assert_int_eq(cede_await(tasks[i]), 5 * round);
        for (i = 0; i < 2; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(atomic_load(&serial), round);
    }
    ck_assert_int_eq(pthread_barrier_destroy(&barrier), 0);
}

TASK_TEST(a_barrier_may_go_right_afterwards)
{
    struct cede_task *task;

    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
    task = cede_spawn(task_arrives, NULL);
    cede_yield();
    arrive();
    ck_assert_int_eq(pthread_barrier_destroy(&barrier), 0);
    memset(&barrier, 0xff, sizeof barrier);
    ck_assert_int_eq(cede_await(task), 2);
}

TASK_TEST(a_shared_barrier_parks_too)
{
    pthread_barrierattr_t attr;
    pthread_t thread;

    ck_assert_int_eq(pthread_barrierattr_init(&attr), 0);
    ck_assert_int_eq(pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    ck_assert_int_eq(pthread_barrier_init(&barrier, &attr, 2), 0);
    lock_ticker_start(&ticker);
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_arrives, NULL), 0);
    arrive();
    lock_ticker_end(&ticker);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(atomic_load(&serial), 1);
    ck_assert_int_eq(pthread_barrier_destroy(&barrier), 0);
}

/* ---- once ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static int done;

static void do_slowly(void)
{
    usleep(5000);
    done++;
}

static int does_once(void *unused)
{
    (void)unused;
    ck_assert_int_eq(pthread_once(&once, do_slowly), 0);
    return done;
}

static void *thread_does_once(void *unused)
{
    ck_assert_int_eq(does_once(NULL), 1);
    return unused;
}

TASK_TEST(a_function_that_parks_is_called_once)
{
    struct cede_task *tasks[3];
    pthread_t thread;
    int i;

    for (i = 0; i < 3; i++)
        tasks[i] = cede_spawn(does_once, NULL);
    cede_yield();
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_does_once, NULL), 0);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 1);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);

    once = PTHREAD_ONCE_INIT;
    done = 0;
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_does_once, NULL), 0);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_int_eq(does_once(NULL), 1); /* in the thread */
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void leave(void)
{
    done++;
    usleep(1000);
    cede_exit(3);
}

static int leaves_once(void *unused)
{
    (void)unused;
    pthread_once(&once, leave);
    return 0;
}

/* It was not done, so the next does it; libc has it so for threads that are cancelled meanwhile. */
TASK_TEST(a_function_that_ends_its_task_did_not_count)
{
    struct cede_task *task = cede_spawn(leaves_once, NULL);

    cede_yield();
    ck_assert_int_eq(does_once(NULL), 2);
    ck_assert_int_eq(cede_await(task), 3);
}

static once_flag c11 = ONCE_FLAG_INIT;

static int does_c11(void *unused)
{
    (void)unused;
    call_once(&c11, do_slowly);
    return done;
}

TASK_TEST(call_once_is_the_same)
{
    struct cede_task *task = cede_spawn(does_c11, NULL);

    ck_assert_int_eq(does_c11(NULL), 1);
    ck_assert_int_eq(cede_await(task), 1);
}

static int does_once_in_child(void *unused)
{
    (void)unused;
    once = PTHREAD_ONCE_INIT;
    done = 0;
    return does_once(NULL);
}

TASK_TEST(what_was_under_way_at_a_fork_is_done_in_the_child)
{
    struct cede_task *task = cede_spawn(does_once, NULL);
    int status;
    pid_t child;

    cede_yield();
    child = fork();
    if (child == 0)
        _exit(does_once(NULL) == 1 && does_once_in_child(NULL) == 1 ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(cede_await(task), 1);
}

/* ---- join ---- */

static void *sleeps(void *milliseconds)
{
    usleep((unsigned)(intptr_t)milliseconds * 1000);
    return milliseconds;
}

static void *awaits_ticks(void *ticks)
{
    lock_ticker_await(&ticker, (int)(intptr_t)ticks);
    return ticks;
}

#ifndef HARNESS_TSAN
static int c11_sleeps(void *unused)
{
    (void)unused;
    usleep(1000);
    return 5;
}
#endif

static int joins(void *thread)
{
    return pthread_join(*(pthread_t *)thread, NULL);
}

static int joins_by_clock(void *thread)
{
    struct timespec until = lock_after(CLOCK_MONOTONIC, 3600 * CEDE_SECOND);

    return pthread_clockjoin_np(*(pthread_t *)thread, NULL, CLOCK_MONOTONIC, &until);
}

TASK_TEST(joining_a_thread_parks)
{
    struct timespec until;
    struct cede_task *task;
    pthread_t thread;
    void *value;

    ck_assert_int_eq(pthread_create(&thread, NULL, awaits_ticks, (void *)20), 0);
    lock_ticker_start(&ticker);
    until = lock_after(CLOCK_REALTIME, CEDE_MILLISECOND);
    ck_assert_int_eq(pthread_timedjoin_np(thread, &value, &until), ETIMEDOUT);
    task = cede_spawn(joins_by_clock, &thread);
    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), ETIMEDOUT);
    ck_assert_int_eq(pthread_join(thread, &value), 0);
    ck_assert_ptr_eq(value, (void *)20);
    ck_assert_int_ge(lock_ticker_end(&ticker), 20);

    ck_assert_int_eq(pthread_create(&thread, NULL, sleeps, (void *)5), 0);
    task = cede_spawn(joins, &thread);
    cede_yield();
    cede_cancel(task); /* who ignores an error would free what the thread uses */
    ck_assert_int_eq(cede_await(task), 0);

#ifndef HARNESS_TSAN /* takes the first for a bug of the program's, and knows nothing of C11's threads */
    ck_assert_int_eq(pthread_join(pthread_self(), NULL), EDEADLK);
    thrd_t c11_thread;
    int result;
    ck_assert_int_eq(thrd_create(&c11_thread, c11_sleeps, NULL), thrd_success);
    ck_assert_int_eq(thrd_join(c11_thread, &result), thrd_success);
    ck_assert_int_eq(result, 5);
#endif
}

Suite *suite(void)
{
    Suite *suite = suite_create("posix_sync");
    TCase *tcase = tcase_create("read-write locks");

    tcase_add_test(tcase, readers_share_and_writers_do_not);
    tcase_add_test(tcase, writers_come_first_where_asked_for);
    tcase_add_test(tcase, timed_waits_for_it_end);
    tcase_add_test(tcase, threads_share_it);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("semaphores");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_semaphore_parks);
    tcase_add_test(tcase, signal_handlers_post_it);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("barriers");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_barrier_waits_for_tasks_and_threads);
    tcase_add_test(tcase, a_barrier_may_go_right_afterwards);
    tcase_add_test(tcase, a_shared_barrier_parks_too);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("once");
    tcase_add_test(tcase, a_function_that_parks_is_called_once);
    tcase_add_test(tcase, a_function_that_ends_its_task_did_not_count);
    tcase_add_test(tcase, call_once_is_the_same);
    tcase_add_test(tcase, what_was_under_way_at_a_fork_is_done_in_the_child);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("join");
    tcase_add_test(tcase, joining_a_thread_parks);
    suite_add_tcase(suite, tcase);
    return suite;
}
