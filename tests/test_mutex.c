/* SPDX-License-Identifier: MIT */
/* The mutex: order, ownership, and what a cancellation or a deadline leaves behind. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "crowd.h"
#include "deadlock.h"

static struct cede_mutex mutex;
static char said[64];

/* 0 once it has held the mutex, or the errno of its lock. */
static int locks(void *letter)
{
    if (cede_mutex_lock(&mutex) != 0)
        return errno;
    if (letter)
        strcat(said, letter);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    return 0;
}

static int is_free(void)
{
    return cede_mutex_trylock(&mutex) == 0 && cede_mutex_unlock(&mutex) == 0;
}

TASK_TEST(it_is_handed_over_in_the_order_of_coming)
{
    struct cede_task *tasks[3];
    int i;

    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    tasks[0] = cede_spawn(locks, (void *)"a");
    tasks[1] = cede_spawn(locks, (void *)"b");
    tasks[2] = cede_spawn(locks, (void *)"c");
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    /* It belongs to the first who waits already: nobody can come in between. */
    ck_assert_fails(cede_mutex_trylock(&mutex), EBUSY);
    ck_assert_int_eq(locks((void *)"d"), 0);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_str_eq(said, "abcd");
    ck_assert(is_free());
}

TASK_TEST(trylock_never_waits)
{
    ck_assert_int_eq(cede_mutex_trylock(&mutex), 0);
    ck_assert_fails(cede_mutex_trylock(&mutex), EBUSY);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert(is_free());
}

TASK_TEST(locking_it_twice_is_a_deadlock)
{
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    ck_assert_fails(cede_mutex_lock(&mutex), EDEADLK);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert(is_free());
}

static int unlocks(void *unused)
{
    (void)unused;
    return cede_mutex_unlock(&mutex) == 0 ? 0 : errno;
}

TASK_TEST(only_its_holder_unlocks_it)
{
    ck_assert_fails(cede_mutex_unlock(&mutex), EPERM);
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    ck_assert_int_eq(cede_await(cede_spawn(unlocks, NULL)), EPERM);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert_fails(cede_mutex_unlock(&mutex), EPERM);
}

TASK_TEST(cancelling_who_waits_leaves_no_trace)
{
    struct cede_task *cancelled, *next;

    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    cancelled = cede_spawn(locks, (void *)"a");
    next = cede_spawn(locks, (void *)"b");
    cede_yield();
    cede_cancel(cancelled);
    ck_assert_int_eq(cede_await(cancelled), ECANCELED);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(cede_await(next), 0);
    ck_assert_str_eq(said, "b");
    ck_assert(is_free());
}

/* The three orders in which a cancellation and the mutex can come: who has been given it keeps it. */
TASK_TEST(what_was_handed_over_is_kept_beside_a_cancellation)
{
    struct cede_task *task;
    int order;

    for (order = 0; order < 3; order++) {
        ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
        task = cede_spawn(locks, NULL);
        cede_yield();
        if (order > 0)
            cede_cancel(task);
        if (order > 1)
            cede_check(); /* now the task has been woken by it, but did not run yet */
        ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
        if (order == 0)
            cede_cancel(task);
        ck_assert_int_eq(cede_await(task), 0);
        ck_assert(is_free());
    }
}

TASK_TEST(a_deadline_ends_the_wait)
{
    struct cede_task *task = NULL;

    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    cede_timeout (CEDE_MILLISECOND)
        task = cede_spawn(locks, NULL);
    ck_assert_int_eq(cede_await(task), ETIMEDOUT);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert(is_free());
}

TASK_TEST(what_need_not_wait_succeeds_after_a_deadline)
{
    cede_timeout (0) {
        ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
        ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    }
}

/* ---- cede_locked ---- */

static int leaves_early(void)
{
    cede_locked (&mutex) {
        errno = ENOENT;
        return 7;
    }
    return 0;
}

TASK_TEST(a_locked_statement_unlocks_however_it_is_left)
{
    int i;

    cede_locked (&mutex)
        ck_assert(!is_free());
    ck_assert(is_free());
    ck_assert_int_eq(leaves_early(), 7);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert(is_free());
    for (i = 0; i < 3; i++)
        cede_locked (&mutex) {
            if (i == 1)
                continue;
            break;
        }
    ck_assert_int_eq(i, 3);
    ck_assert(is_free());
    cede_locked (&mutex)
        goto out;
    ck_abort_msg("the statement is left");
out:
    ck_assert(is_free());
}

TASK_TEST(a_locked_statement_is_skipped_without_the_lock)
{
    int inside = 0;

    cede_locked (&mutex) {
        errno = 0;
        cede_locked (&mutex)
            inside = 1;
        ck_assert_int_eq(errno, EDEADLK);
    }
    ck_assert_int_eq(inside, 0);
    ck_assert(is_free());
}

static void is_still_locked(int *counted)
{
    *counted += !is_free();
}

static int exits_inside(void *counted)
{
    cede_locked (&mutex) {
        cede_defer(is_still_locked, (int *)counted);
        cede_timeout (CEDE_SECOND)
            cede_exit(7);
    }
    return 0;
}

static int exits_without_the_lock(void *unused)
{
    (void)unused;
    cede_timeout (CEDE_MILLISECOND)
        cede_locked (&mutex)
            return 1;
    cede_exit(8);
}

TASK_TEST(a_locked_statement_unlocks_when_its_task_exits)
{
    int counted = 0;

    ck_assert_int_eq(cede_await(cede_spawn(exits_inside, &counted)), 7);
    ck_assert_int_eq(counted, 1); /* what was deferred inside ran inside */
    ck_assert(is_free());
    cede_locked (&mutex)
        ck_assert_int_eq(cede_await(cede_spawn(exits_without_the_lock, NULL)), 8);
    ck_assert(is_free());
}

START_TEST(a_locked_statement_outside_tasks)
{
    ck_assert_int_eq(leaves_early(), 7);
    cede_locked (&mutex)
        ck_assert_fails(cede_mutex_lock(&mutex), EDEADLK);
    ck_assert(is_free());
}
END_TEST

/* Leaves every bit set where the next call's waiter will lie. */
static __attribute__((noinline)) void soil_the_stack(void)
{
    volatile unsigned char soil[2048];
    size_t i;

    for (i = 0; i < sizeof soil; i++)
        soil[i] = 1;
}

static int locks_on_soil(void *mutex_to_lock)
{
    soil_the_stack();
    return cede_mutex_lock(mutex_to_lock) == 0 ? cede_mutex_unlock(mutex_to_lock) : -1;
}

TASK_TEST(a_signal_handler_does_not_end_the_wait)
{
    static struct cede_mutex locked;
    struct cede_task *task = cede_spawn(locks_on_soil, &locked);

    ck_assert_int_eq(cede_mutex_lock(&locked), 0);
    ck_assert_int_eq(cede_yield(), 0);
    cede_signal_handled(0);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_mutex_unlock(&locked), 0);
    ck_assert_int_eq(cede_await(task), 0);
}

/* ---- deadlock ---- */

static struct cede_mutex second;

static int crosses(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_mutex_lock(&second), 0);
    cede_yield();
    ck_assert_fails(cede_mutex_lock(&mutex), ECANCELED);
    return cede_mutex_unlock(&second);
}

static int deadlocks(void *unused)
{
    struct cede_task *other = cede_spawn(crosses, NULL);

    (void)unused;
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    cede_yield();
    ck_assert_fails(cede_mutex_lock(&second), EDEADLK);
    cede_cancel(other);
    ck_assert_int_eq(cede_await(other), 0);
    ck_assert_int_eq(cede_mutex_lock(&second), 0);
    ck_assert_int_eq(cede_mutex_unlock(&second), 0);
    return cede_mutex_unlock(&mutex);
}

static void *nothing(void *unused)
{
    return unused;
}

START_TEST(a_cycle_is_reported)
{
    pthread_t thread;

    if (_i) { /* whoever holds them is known, so another thread makes no difference */
        ck_assert_int_eq(pthread_create(&thread, NULL, nothing, NULL), 0);
        pthread_join(thread, NULL);
    }
    deadlock_assert_reported(deadlocks, " in mutex 0x");
}
END_TEST

/* ---- other threads ---- */

START_TEST(a_plain_thread_may_use_it)
{
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    ck_assert_fails(cede_mutex_lock(&mutex), EDEADLK);
    ck_assert_fails(cede_mutex_trylock(&mutex), EBUSY);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert_fails(cede_mutex_unlock(&mutex), EPERM);
    cede_locked (&mutex)
        ck_assert_fails(cede_mutex_trylock(&mutex), EBUSY);
}
END_TEST

static atomic_int step;

static void *holds(void *unused)
{
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    atomic_store(&step, 1);
    cede_sleep(20 * CEDE_MILLISECOND);
    ck_assert_fails(cede_mutex_lock(&mutex), EDEADLK);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    return unused;
}

TASK_TEST(a_task_waits_for_a_thread)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, holds, NULL), 0);
    while (!atomic_load(&step))
        cede_yield();
    ck_assert_fails(cede_mutex_trylock(&mutex), EBUSY);
    ck_assert_fails(cede_mutex_unlock(&mutex), EPERM);
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0); /* and is no deadlock, although no other task is there */
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    pthread_join(thread, NULL);
}

static void *locks_in_a_thread(void *unused)
{
    ck_assert_int_eq(locks((void *)"t"), 0);
    return unused;
}

TASK_TEST(a_thread_waits_for_a_task)
{
    pthread_t thread;

    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, locks_in_a_thread, NULL), 0);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    ck_assert_str_eq(said, "");
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(said, "t");
}

/* ---- storm ---- */

struct bank {
    struct cede_mutex mutex;
    int inside, entered; /* not atomic: the mutex guards them */
    atomic_int successes;
};

static void withdraws(void *object, unsigned *seed)
{
    struct bank *bank = object;

    if (harness_random(seed) % 4 == 0) {
        if (cede_mutex_trylock(&bank->mutex) != 0) {
            ck_assert_int_eq(errno, EBUSY);
            return;
        }
    } else if (crowd_check(cede_mutex_lock(&bank->mutex)) != 0) {
        return;
    }
    ck_assert_int_eq(bank->inside++, 0);
    if (harness_random(seed) % 4 == 0)
        cede_yield();
    bank->entered++;
    ck_assert_int_eq(--bank->inside, 0);
    atomic_fetch_add(&bank->successes, 1);
    ck_assert_int_eq(cede_mutex_unlock(&bank->mutex), 0);
}

START_TEST(storm)
{
    struct bank bank = {.inside = 0};
    struct crowd crowd = {.act = withdraws, .object = &bank, .seed = 11 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(4000)};

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    ck_assert_int_gt(bank.entered, 0);
    ck_assert_int_eq(bank.entered, atomic_load(&bank.successes));
    ck_assert_int_eq(cede_mutex_trylock(&bank.mutex), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("mutex");
    TCase *cases = tcase_create("mutex");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, it_is_handed_over_in_the_order_of_coming);
    tcase_add_test(cases, trylock_never_waits);
    tcase_add_test(cases, locking_it_twice_is_a_deadlock);
    tcase_add_test(cases, only_its_holder_unlocks_it);
    tcase_add_test(cases, cancelling_who_waits_leaves_no_trace);
    tcase_add_test(cases, what_was_handed_over_is_kept_beside_a_cancellation);
    tcase_add_test(cases, a_deadline_ends_the_wait);
    tcase_add_test(cases, what_need_not_wait_succeeds_after_a_deadline);
    tcase_add_test(cases, a_locked_statement_unlocks_however_it_is_left);
    tcase_add_test(cases, a_locked_statement_is_skipped_without_the_lock);
    tcase_add_test(cases, a_locked_statement_unlocks_when_its_task_exits);
    tcase_add_test(cases, a_locked_statement_outside_tasks);
    tcase_add_loop_test(cases, a_cycle_is_reported, 0, 2);
    tcase_add_test(cases, a_plain_thread_may_use_it);
    tcase_add_test(cases, a_task_waits_for_a_thread);
    tcase_add_test(cases, a_thread_waits_for_a_task);
    tcase_add_test(cases, a_signal_handler_does_not_end_the_wait);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
