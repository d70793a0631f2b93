/* SPDX-License-Identifier: MIT */
/* Barriers: all pass together, one is told that it was the last, and who gives up does not count. */
#include <pthread.h>
#include <stdatomic.h>

#include "crowd.h"
#include "deadlock.h"
#include "early.h"

static struct cede_barrier barrier;
static int passed;

/* 1 or 0 as the wait, or the errno of it. */
static int waits(void *unused)
{
    int result = cede_barrier_wait(&barrier);

    (void)unused;
    passed += result >= 0;
    return result >= 0 ? result : errno;
}

TASK_TEST(all_pass_together_and_again)
{
    struct cede_task *tasks[3];
    int round, i, lasts;

    ck_assert_int_eq(cede_barrier_init(&barrier, 3), 0);
    for (round = 1; round <= 3; round++) {
        for (i = 0; i < 2; i++)
            tasks[i] = cede_spawn(waits, NULL);
        cede_yield();
        ck_assert_int_eq(passed, 3 * (round - 1));
        tasks[2] = cede_spawn(waits, NULL);
        for (i = lasts = 0; i < 3; i++)
            lasts += cede_await(tasks[i]);
        ck_assert_int_eq(lasts, 1);
        ck_assert_int_eq(passed, 3 * round);
    }
}

TASK_TEST(a_barrier_for_one_lets_everybody_pass)
{
    ck_assert_int_eq(cede_barrier_init(&barrier, 1), 0);
    ck_assert_int_eq(cede_barrier_wait(&barrier), 1);
    ck_assert_int_eq(cede_barrier_wait(&barrier), 1);
}

TASK_TEST(it_needs_a_number)
{
    ck_assert_fails(cede_barrier_wait(&barrier), EINVAL);
    ck_assert_fails(cede_barrier_init(&barrier, 0), EINVAL);
}

TASK_TEST(a_deadline_ends_the_wait)
{
    struct cede_task *task;

    ck_assert_int_eq(cede_barrier_init(&barrier, 2), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(waits(NULL), ETIMEDOUT);
    cede_timeout (0)
        ck_assert_int_eq(waits(NULL), ETIMEDOUT);
    task = cede_spawn(waits, NULL);
    cede_yield();
    cede_timeout (0)
        ck_assert_int_eq(waits(NULL), 1); /* the last does not wait */
    ck_assert_int_eq(cede_await(task), 0);
}

/* ---- ends of waits: who gives up does not count ---- */

static int waits_once(void *unused)
{
    (void)unused;
    return cede_barrier_wait(&barrier);
}

static void renews(void)
{
    ck_assert_int_eq(cede_barrier_init(&barrier, 2), 0);
}

static void completes(void)
{
    ck_assert_int_eq(cede_barrier_wait(&barrier), 1);
}

static const struct early_object waited_for = {.waits = waits_once, .arms = renews, .brings = completes, .alone = true};

EARLY_TESTS(&waited_for)

/* ---- deadlock ---- */

static int waits_for_nobody(void *unused)
{
    ck_assert_int_eq(cede_barrier_init(&barrier, 2), 0);
    ck_assert_int_eq(waits(unused), EDEADLK);
    return 0;
}

START_TEST(a_deadlock_is_reported)
{
    deadlock_assert_reported_alone(waits_for_nobody, " in barrier 0x");
}
END_TEST

/* ---- other threads ---- */

static void *waits_in_a_thread(void *result)
{
    *(int *)result = cede_barrier_wait(&barrier);
    return NULL;
}

TASK_TEST(threads_and_tasks_wait_for_each_other)
{
    pthread_t thread;
    int round, results[2];

    ck_assert_int_eq(cede_barrier_init(&barrier, 2), 0);
    for (round = 0; round < 20; round++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, waits_in_a_thread, &results[0]), 0);
        if (round % 2)
            ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        results[1] = cede_barrier_wait(&barrier);
        pthread_join(thread, NULL);
        ck_assert_int_eq(results[0] + results[1], 1);
        ck_assert(results[0] == 0 || results[1] == 0);
    }
}

/* ---- storm ---- */

enum { COUNT = 3 };

struct gate {
    struct cede_barrier barrier;
    atomic_int passes, lasts;
};

/* Under a deadline always, for at the end there may be nobody left to pass with: hence no plain threads here. */
static void passes(void *object, unsigned *seed)
{
    struct gate *gate = object;
    int result = -1;

    cede_timeout ((int64_t)(harness_random(seed) % 300000))
        result = crowd_check(cede_barrier_wait(&gate->barrier));
    if (result >= 0)
        atomic_fetch_add(&gate->passes, 1);
    if (result == 1)
        atomic_fetch_add(&gate->lasts, 1);
}

START_TEST(storm)
{
    struct gate gate = {.passes = 0};
    struct crowd crowd = {.act = passes, .object = &gate, .seed = 61 + (unsigned)_i, .tasks = 16,
                          .rounds = HARNESS_ROUNDS(2000)};

    ck_assert_int_eq(cede_barrier_init(&gate.barrier, COUNT), 0);
    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    ck_assert_int_gt(atomic_load(&gate.lasts), 0);
    ck_assert_int_eq(atomic_load(&gate.passes), COUNT * atomic_load(&gate.lasts));
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("barrier");
    TCase *cases = tcase_create("barrier");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, all_pass_together_and_again);
    tcase_add_test(cases, a_barrier_for_one_lets_everybody_pass);
    tcase_add_test(cases, it_needs_a_number);
    tcase_add_test(cases, a_deadline_ends_the_wait);
    tcase_add_test(cases, a_deadlock_is_reported);
    tcase_add_test(cases, threads_and_tasks_wait_for_each_other);
    EARLY_ADD(cases);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
