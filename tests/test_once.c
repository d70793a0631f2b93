/* SPDX-License-Identifier: MIT */
/* Once: one call succeeds, everybody waits for it, and one that fails is not the last. */
#include <pthread.h>
#include <stdatomic.h>

#include "crowd.h"
#include "deadlock.h"

static struct cede_once once;
static int calls;

/* Takes its time. Fails with the errno that arg points to, if that is not 0. */
static int initialises(void *arg)
{
    int error = arg ? *(int *)arg : 0;

    calls++;
    if (cede_sleep(2 * CEDE_MILLISECOND) != 0)
        return -1;
    errno = error;
    return error ? -1 : 1;
}

static int uses(void *arg)
{
    return cede_once(&once, initialises, arg) == 0 ? 0 : errno;
}

TASK_TEST(one_calls_and_all_wait_for_it)
{
    struct cede_task *a = cede_spawn(uses, NULL), *b = cede_spawn(uses, NULL);

    ck_assert_int_eq(uses(NULL), 0);
    ck_assert_int_eq(calls, 1);
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0);
    ck_assert_int_eq(uses(NULL), 0);
    ck_assert_int_eq(calls, 1);
    cede_timeout (0)
        ck_assert_int_eq(uses(NULL), 0);
}

TASK_TEST(a_failure_does_not_count)
{
    int failure = ENOSPC;
    struct cede_task *a = cede_spawn(uses, &failure), *b = cede_spawn(uses, NULL), *c = cede_spawn(uses, &failure);

    ck_assert_int_eq(cede_await(a), ENOSPC);
    ck_assert_int_eq(cede_await(b), 0);
    ck_assert_int_eq(cede_await(c), 0);
    ck_assert_int_eq(calls, 2);
}

static int exits(void *unused)
{
    (void)unused;
    cede_exit(0);
}

static int uses_what_exits(void *unused)
{
    (void)unused;
    cede_once(&once, exits, NULL);
    return -1;
}

TASK_TEST(a_call_that_exits_does_not_count)
{
    struct cede_task *a = cede_spawn(uses_what_exits, NULL), *b = cede_spawn(uses, NULL);

    ck_assert_int_eq(cede_await(a), 0);
    ck_assert_int_eq(cede_await(b), 0);
    ck_assert_int_eq(calls, 1);
}

TASK_TEST(who_calls_may_be_cancelled)
{
    struct cede_task *a = cede_spawn(uses, NULL), *b = cede_spawn(uses, NULL);

    cede_yield();
    cede_cancel(a);
    ck_assert_int_eq(cede_await(a), ECANCELED);
    ck_assert_int_eq(cede_await(b), 0);
    ck_assert_int_eq(calls, 2);
}

TASK_TEST(who_waits_may_be_cancelled)
{
    struct cede_task *a = cede_spawn(uses, NULL), *b = cede_spawn(uses, NULL);

    cede_yield();
    cede_cancel(b);
    ck_assert_int_eq(cede_await(b), ECANCELED);
    ck_assert_int_eq(cede_await(a), 0);
    ck_assert_int_eq(calls, 1);
}

TASK_TEST(who_waits_may_have_a_deadline)
{
    struct cede_task *a = cede_spawn(uses, NULL);

    cede_yield();
    cede_timeout (CEDE_MICROSECOND)
        ck_assert_int_eq(uses(NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_await(a), 0);
    ck_assert_int_eq(calls, 1);
}

static int recurses(void *unused)
{
    ck_assert_fails(cede_once(&once, recurses, unused), EDEADLK);
    errno = ENOENT;
    return -1;
}

TASK_TEST(a_call_from_inside_is_a_deadlock)
{
    ck_assert_fails(cede_once(&once, recurses, NULL), ENOENT);
    ck_assert_int_eq(uses(NULL), 0);
}

TASK_TEST(it_needs_a_function)
{
    ck_assert_fails(cede_once(&once, NULL, NULL), EINVAL);
}

/* ---- deadlock ---- */

static int waits_for_nobody(void *unused)
{
    struct cede_event never = {0};

    (void)unused;
    return cede_event_wait(&never);
}

static int starts(void *unused)
{
    return cede_once(&once, waits_for_nobody, unused);
}

static int gets_stuck(void *unused)
{
    struct cede_task *task = cede_spawn(starts, unused);

    cede_yield();
    ck_assert_int_eq(uses(NULL), EDEADLK);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    return uses(NULL);
}

START_TEST(a_deadlock_is_reported)
{
    deadlock_assert_reported_alone(gets_stuck, " in once 0x");
}
END_TEST

/* ---- other threads ---- */

static void *uses_in_a_thread(void *unused)
{
    ck_assert_int_eq(uses(unused), 0);
    return NULL;
}

TASK_TEST(threads_and_tasks_wait_for_each_other)
{
    pthread_t threads[2];

    ck_assert_int_eq(pthread_create(&threads[0], NULL, uses_in_a_thread, NULL), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, uses_in_a_thread, NULL), 0);
    ck_assert_int_eq(uses(NULL), 0);
    ck_assert_int_eq(calls, 1);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    ck_assert_int_eq(calls, 1);
}

/* ---- storm ---- */

enum { ONCES = 256 };

struct house {
    struct cede_once onces[ONCES];
    struct room {
        int furnished;    /* not atomic: the call is over before anybody looks */
        atomic_int calls; /* that succeeded */
    } rooms[ONCES];
    atomic_uint next;
};

struct visit {
    struct room *room;
    unsigned *seed;
};

static int furnishes(void *arg)
{
    struct visit *visit = arg;

    if (harness_random(visit->seed) % 2 && cede_yield() != 0)
        return -1;
    if (harness_random(visit->seed) % 4 == 0) {
        errno = ETIMEDOUT;
        return -1;
    }
    visit->room->furnished = 1;
    atomic_fetch_add(&visit->room->calls, 1);
    return 0;
}

static void visits(void *object, unsigned *seed)
{
    struct house *house = object;
    unsigned at = atomic_fetch_add(&house->next, 1) / 32 % ONCES; /* all in the same room at about the same time */
    struct visit visit = {&house->rooms[at], seed};

    if (crowd_check(cede_once(&house->onces[at], furnishes, &visit)) == 0)
        ck_assert_int_eq(visit.room->furnished, 1);
}

START_TEST(storm)
{
    static struct house house;
    struct crowd crowd = {.act = visits, .object = &house, .seed = 71 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(1000)};
    int i, furnished = 0;

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    for (i = 0; i < ONCES; i++) {
        ck_assert_int_eq(house.rooms[i].furnished, atomic_load(&house.rooms[i].calls));
        furnished += house.rooms[i].furnished;
    }
    ck_assert_int_gt(furnished, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("once");
    TCase *cases = tcase_create("once");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, one_calls_and_all_wait_for_it);
    tcase_add_test(cases, a_failure_does_not_count);
    tcase_add_test(cases, a_call_that_exits_does_not_count);
    tcase_add_test(cases, who_calls_may_be_cancelled);
    tcase_add_test(cases, who_waits_may_be_cancelled);
    tcase_add_test(cases, who_waits_may_have_a_deadline);
    tcase_add_test(cases, a_call_from_inside_is_a_deadlock);
    tcase_add_test(cases, it_needs_a_function);
    tcase_add_test(cases, a_deadlock_is_reported);
    tcase_add_test(cases, threads_and_tasks_wait_for_each_other);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
