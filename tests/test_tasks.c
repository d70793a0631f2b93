/* SPDX-License-Identifier: MIT */
/* Several tasks at once: gather, wait, next. */
#include <pthread.h>
#include <string.h>

#include "deadlock.h"
#include "harness.h"

#define MS   CEDE_MILLISECOND
#define LONG (600 * CEDE_SECOND)

#define FIRST     CEDE_TASKS_FIRST_COMPLETED
#define EXCEPTION CEDE_TASKS_FIRST_EXCEPTION
#define ALL       CEDE_TASKS_ALL_COMPLETED

/* Waits at its gate, if it has one, sleeps, opens the next gate. */
struct work { struct cede_event *gate, *next; int64_t sleep_ns; int result; };

static int work(struct work *a)
{
    if ((a->gate && cede_event_wait(a->gate) != 0) || cede_sleep(a->sleep_ns) != 0)
        return -1;
    if (a->next)
        cede_event_set(a->next);
    return a->result < 0 ? cede_fail(-a->result, "work %d", -a->result) : a->result;
}

/* The other way round: each ends after those behind it. */
static void spawn_descending(struct cede_task **tasks, int count)
{
    static struct cede_event gates[8];
    int i;

    for (i = 0; i < count; i++) {
        gates[i] = (struct cede_event){0};
        tasks[i] = cede_go(work, .gate = i < count - 1 ? &gates[i] : NULL, .next = i ? &gates[i - 1] : NULL,
                           .result = 10 + i);
        ck_assert_ptr_nonnull(tasks[i]);
    }
}

static void end_all(struct cede_task **tasks, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        cede_cancel(tasks[i]);
        cede_await(tasks[i]);
    }
}

/* ---- gather ---- */

TASK_TEST(gather_has_the_results_in_the_order_of_the_array)
{
    struct cede_task *tasks[3];
    int results[3];

    spawn_descending(tasks, 3);
    ck_assert_int_eq(cede_tasks_gather(tasks, 3, results), 0);
    ck_assert_int_eq(results[0], 10);
    ck_assert_int_eq(results[1], 11);
    ck_assert_int_eq(results[2], 12);
    ck_assert_fails(cede_join(tasks[0], NULL), ESRCH); /* they have been joined */
    spawn_descending(tasks, 3);
    ck_assert_int_eq(cede_tasks_gather(tasks, 3, NULL), 0);
    ck_assert_int_eq(cede_tasks_gather(tasks, 0, NULL), 0);
}

TASK_TEST(gather_in_a_group)
{
    struct cede_task *tasks[3];
    int results[3], i;

    cede_group (g) {
        for (i = 0; i < 3; i++)
            tasks[i] = cede_group_go(g, work, .sleep_ns = (3 - i) * MS, .result = i);
        ck_assert_int_eq(cede_tasks_gather(tasks, 3, results), 0);
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(results[i], i);
}

TASK_TEST(gather_fails_with_the_first_that_fails_and_joins_none)
{
    struct cede_event gate = {0};
    struct cede_task *tasks[4] = {cede_go(work, .sleep_ns = LONG), cede_go(work, .gate = &gate, .result = -EIO),
                                  cede_go(work, .next = &gate, .result = -EDOM), cede_go(work, .result = 7)};
    int results[4] = {1, 2, 3, 4};

    ck_assert_fails(cede_tasks_gather(tasks, 4, results), EDOM);
    errno = EDOM;
    ck_assert_str_eq(cede_error(), "work 33");
    ck_assert_int_eq(results[0] + results[1] + results[2] + results[3], 10);
    ck_assert_fails(cede_tryjoin(tasks[0], NULL), EBUSY); /* nobody cancelled it */
    ck_assert_fails(cede_await(tasks[2]), EDOM);
    errno = EDOM;
    ck_assert_str_eq(cede_error(), "work 33");
    ck_assert_int_eq(cede_await(tasks[3]), 7);
    ck_assert_fails(cede_await(tasks[1]), EIO);
    end_all(tasks, 1);
}

TASK_TEST(a_failure_in_a_group_reaches_gather_before_it_cancels)
{
    struct cede_task *tasks[2];
    int results[2];

    cede_group (g) {
        tasks[0] = cede_group_go(g, work, .sleep_ns = LONG);
        tasks[1] = cede_group_go(g, work, .sleep_ns = MS, .result = -EIO);
        ck_assert_fails(cede_tasks_gather(tasks, 2, results), EIO);
        errno = EIO;
        ck_assert_str_eq(cede_error(), "work 5");
    }
    ck_assert_int_eq(cede_check(), 0);
}

/* ---- wait ---- */

TASK_TEST(wait_for_the_first)
{
    struct cede_event closed = {0};
    struct cede_task *tasks[3] = {cede_go(work, .gate = &closed), cede_go(work, .gate = &closed),
                                  cede_go(work, .result = 12)};
    int result = 0;

    ck_assert_int_eq(cede_tasks_wait(tasks, 3, FIRST), 1);
    ck_assert_fails(cede_tryjoin(tasks[0], NULL), EBUSY);
    ck_assert_fails(cede_tryjoin(tasks[1], NULL), EBUSY);
    ck_assert_int_eq(cede_tasks_wait(tasks, 3, FIRST), 1); /* still */
    ck_assert_int_eq(cede_tryjoin(tasks[2], &result), 0);
    ck_assert_int_eq(result, 12);
    cede_event_set(&closed);
    ck_assert_int_eq(cede_tasks_wait(tasks, 2, ALL), 2);
    end_all(tasks, 2);
}

TASK_TEST(wait_for_the_first_exception)
{
    struct cede_event gate = {0};
    struct cede_task *tasks[3] = {cede_go(work, .sleep_ns = LONG), cede_go(work, .gate = &gate, .result = -EIO),
                                  cede_go(work, .next = &gate, .result = 1)};

    ck_assert_int_eq(cede_tasks_wait(tasks, 3, EXCEPTION), 2);
    ck_assert_fails(cede_tryjoin(tasks[0], NULL), EBUSY);
    ck_assert_fails(cede_await(tasks[1]), EIO);
    tasks[1] = NULL;
    cede_cancel(tasks[0]); /* fails as well */
    ck_assert_int_eq(cede_tasks_wait(tasks, 3, EXCEPTION), 2);
    ck_assert_fails(cede_await(tasks[0]), ECANCELED);
    tasks[0] = NULL;
    ck_assert_int_eq(cede_tasks_wait(tasks, 3, EXCEPTION), 1); /* none failed, all have ended */
    ck_assert_int_eq(cede_await(tasks[2]), 1);
}

TASK_TEST(wait_for_all)
{
    struct cede_task *tasks[20];
    int i, result;

    for (i = 0; i < 20; i++)
        tasks[i] = cede_go(work, .sleep_ns = (i * 7 % 20) * MS / 4, .result = i % 5 ? i : -EIO);
    tasks[13] = NULL;
    ck_assert_int_eq(cede_tasks_wait(tasks, 20, ALL), 19);
    for (i = 0; i < 20; i++)
        if (i != 13) {
            ck_assert_int_eq(cede_tryjoin(tasks[i], &result), 0);
            ck_assert_int_eq(result, i % 5 ? i : -1);
        }
}

/* ---- next ---- */

TASK_TEST(next_tells_them_in_the_order_of_ending)
{
    struct cede_task *tasks[5];
    ssize_t i;
    int round, expected;

    for (round = 0; round < 2; round++) {
        spawn_descending(tasks, 5);
        if (round) /* also of those that ended before anybody asked */
            ck_assert_int_eq(cede_tasks_wait(tasks, 5, ALL), 5);
        expected = 4;
        while ((i = cede_tasks_next(tasks, 5)) >= 0) {
            ck_assert_int_eq(i, expected);
            ck_assert_int_eq(cede_await(tasks[i]), 10 + expected--);
            tasks[i] = NULL;
        }
        ck_assert_int_eq(errno, ECHILD);
        ck_assert_int_eq(expected, -1);
    }
}

/* ---- errors ---- */

static int long_sleep(void *unused)
{
    (void)unused;
    return cede_sleep(LONG);
}

static int joins(void *task)
{
    return cede_await(task);
}

TASK_TEST(wrong_handles)
{
    struct cede_task_attr detached = {.detached = 1};
    struct cede_task *tasks[2] = {cede_spawn(long_sleep, NULL), cede_spawn_attr(&detached, long_sleep, NULL)};
    struct cede_task *twice[2] = {tasks[0], tasks[0]}, *self[2] = {tasks[0], cede_self()}, *gone[2] = {tasks[0], NULL};
    struct cede_task *joiner;

    ck_assert_fails(cede_tasks_gather(tasks, 2, NULL), EINVAL);
    ck_assert_fails(cede_tasks_wait(tasks, 2, FIRST), EINVAL);
    ck_assert_fails(cede_tasks_next(tasks, 2), EINVAL);
    ck_assert_fails(cede_tasks_gather(twice, 2, NULL), EINVAL);
    ck_assert_fails(cede_tasks_wait(twice, 2, ALL), EINVAL);
    ck_assert_fails(cede_tasks_next(twice, 2), EINVAL);
    ck_assert_fails(cede_tasks_wait(tasks, 1, (enum cede_tasks_when)3), EINVAL);
    ck_assert_fails(cede_tasks_gather(self, 2, NULL), EDEADLK);
    ck_assert_fails(cede_tasks_wait(self, 2, FIRST), EDEADLK);
    ck_assert_fails(cede_tasks_next(self, 2), EDEADLK);
    ck_assert_fails(cede_tasks_gather(gone, 2, NULL), ESRCH);
    gone[1] = cede_spawn(long_sleep, NULL);
    cede_cancel(gone[1]);
    cede_await(gone[1]);
    ck_assert_fails(cede_tasks_gather(gone, 2, NULL), ESRCH);
    ck_assert_fails(cede_tasks_wait(gone, 2, FIRST), ESRCH);
    ck_assert_fails(cede_tasks_next(gone, 2), ESRCH);
    gone[0] = gone[1] = NULL;
    ck_assert_fails(cede_tasks_wait(gone, 2, ALL), ECHILD);
    ck_assert_fails(cede_tasks_next(gone, 2), ECHILD);
    ck_assert_fails(cede_tasks_wait(NULL, 0, ALL), ECHILD);
    ck_assert_fails(cede_tasks_next(NULL, 0), ECHILD);
    joiner = cede_spawn(joins, tasks[0]);
    cede_yield();
    ck_assert_fails(cede_tasks_wait(tasks, 1, FIRST), EINVAL);
    end_all(tasks, 1);
    ck_assert_int_eq(cede_await(joiner), -1);
}

static int waits_for_first(void *task)
{
    return (int)cede_tasks_wait((struct cede_task *const *)&task, 1, FIRST);
}

TASK_TEST(nobody_else_may_join_meanwhile)
{
    struct cede_event gate = {0};
    struct cede_task *task = cede_go(work, .gate = &gate, .result = 4), *other = cede_spawn(waits_for_first, task);

    cede_yield();
    cede_yield();
    ck_assert_fails(cede_join(task, NULL), EINVAL);
    ck_assert_fails(cede_tryjoin(task, NULL), EINVAL);
    ck_assert_fails(cede_detach(task), EINVAL);
    cede_event_set(&gate);
    ck_assert_int_eq(cede_await(other), 1);
    ck_assert_int_eq(cede_await(task), 4);
}

START_TEST(outside_a_task_it_is_EPERM)
{
    struct cede_task *none = NULL;

    ck_assert_fails(cede_tasks_gather(&none, 1, NULL), EPERM);
    ck_assert_fails(cede_tasks_wait(&none, 1, FIRST), EPERM);
    ck_assert_fails(cede_tasks_next(&none, 1), EPERM);
}
END_TEST

TASK_TEST(a_deadline_ends_it_and_leaves_all_joinable)
{
    struct cede_event gate = {0};
    struct cede_task *tasks[2] = {cede_go(work, .gate = &gate, .result = 1), cede_spawn(long_sleep, NULL)};
    int results[2];

    cede_timeout (MS) {
        ck_assert_fails(cede_tasks_gather(tasks, 2, results), ETIMEDOUT);
        ck_assert_fails(cede_tasks_wait(tasks, 2, FIRST), ETIMEDOUT);
        ck_assert_fails(cede_tasks_wait(tasks, 2, ALL), ETIMEDOUT);
        ck_assert_fails(cede_tasks_next(tasks, 2), ETIMEDOUT);
    }
    cede_event_set(&gate);
    ck_assert_int_eq(cede_tasks_next(tasks, 2), 0);
    cede_timeout (0)
        ck_assert_int_eq(cede_tasks_next(tasks, 2), 0); /* it need not wait */
    ck_assert_int_eq(cede_await(tasks[0]), 1);
    end_all(tasks + 1, 1);
}

struct waits_somehow { struct cede_task **tasks; int how; };

static int waits_somehow(struct waits_somehow *a)
{
    switch (a->how) {
    case 0:
        ck_assert_fails(cede_tasks_gather(a->tasks, 2, NULL), ECANCELED);
        break;
    case 1:
        ck_assert_fails(cede_tasks_wait(a->tasks, 2, ALL), ECANCELED);
        break;
    case 2:
        ck_assert_fails(cede_tasks_wait(a->tasks, 2, FIRST), ECANCELED);
        break;
    default:
        ck_assert_fails(cede_tasks_next(a->tasks, 2), ECANCELED);
    }
    return 0;
}

TASK_TEST(cancelling_who_waits_ends_it_and_cancels_none)
{
    struct cede_task *tasks[2] = {cede_spawn(long_sleep, NULL), cede_spawn(long_sleep, NULL)}, *waiter;
    int how;

    for (how = 0; how < 4; how++) {
        waiter = cede_go(waits_somehow, .tasks = tasks, .how = how);
        cede_yield();
        cede_cancel(waiter);
        ck_assert_int_eq(cede_await(waiter), 0);
        ck_assert_fails(cede_tryjoin(tasks[0], NULL), EBUSY);
        ck_assert_fails(cede_tryjoin(tasks[1], NULL), EBUSY);
    }
    end_all(tasks, 2);
}

static int locks(void *mutex)
{
    return cede_mutex_lock(mutex);
}

static int waits_for_the_locked(void *unused)
{
    struct cede_mutex mutex = {0};
    struct cede_task *task;

    (void)unused;
    cede_mutex_lock(&mutex);
    task = cede_spawn(locks, &mutex);
    ck_assert_fails(cede_tasks_gather(&task, 1, NULL), EDEADLK);
    ck_assert_fails(cede_tasks_wait(&task, 1, FIRST), EDEADLK);
    ck_assert_fails(cede_tasks_next(&task, 1), EDEADLK);
    cede_mutex_unlock(&mutex);
    return cede_await(task);
}

START_TEST(a_deadlock_ends_it)
{
    deadlock_assert_reported(waits_for_the_locked, "join of several");
}
END_TEST

/* ---- tryjoin ---- */

TASK_TEST(tryjoin_never_waits)
{
    struct cede_event gate = {0};
    struct cede_task *task = cede_go(work, .gate = &gate, .result = 6);
    int result = 0;

    ck_assert_fails(cede_tryjoin(task, &result), EBUSY);
    ck_assert_fails(cede_tryjoin(cede_self(), &result), EDEADLK);
    ck_assert_fails(cede_tryjoin(NULL, &result), ESRCH);
    cede_event_set(&gate);
    ck_assert_int_eq(cede_tasks_wait(&task, 1, FIRST), 1);
    ck_assert_int_eq(cede_tryjoin(task, &result), 0);
    ck_assert_int_eq(result, 6);
    ck_assert_fails(cede_tryjoin(task, &result), ESRCH);
}

TASK_TEST(tryjoin_of_what_cannot_be_joined)
{
    struct cede_task_attr detached = {.detached = 1};
    struct cede_task *task = cede_spawn_attr(&detached, long_sleep, NULL);

    ck_assert_fails(cede_tryjoin(task, NULL), EINVAL);
}

static int tries(void *task)
{
    ck_assert_fails(cede_tryjoin(task, NULL), EPERM);
    return 0;
}

static void *runs_tries(void *task)
{
    ck_assert_int_eq(cede_run(tries, task), 0);
    ck_assert_fails(cede_tryjoin(task, NULL), EPERM);
    return NULL;
}

TASK_TEST(tryjoin_of_another_runtimes_task)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, runs_tries, cede_self()), 0);
    pthread_join(thread, NULL);
}

/* ---- storm: random ways to wait for random tasks, which are cancelled, time out and fail meanwhile ---- */

struct storms { unsigned *seed; int depth; };
static int storms(struct storms *a);

static int64_t moment(unsigned *seed)
{
    return harness_random(seed) % 8 ? harness_random(seed) % 30000 : 0;
}

static void wait_somehow(struct cede_task **tasks, size_t count, unsigned *seed)
{
    int results[8], result;
    ssize_t index;

    switch (harness_random(seed) % 5) {
    case 0:
        result = cede_tasks_gather(tasks, count, results);
        if (result == 0)
            memset(tasks, 0, count * sizeof *tasks);
        break;
    case 1:
        cede_tasks_wait(tasks, count, FIRST);
        break;
    case 2:
        cede_tasks_wait(tasks, count, EXCEPTION);
        break;
    case 3:
        if (cede_tasks_wait(tasks, count, ALL) >= 0)
            for (; count > 0; count--)
                if (tasks[count - 1]) {
                    ck_assert_int_eq(cede_tryjoin(tasks[count - 1], &result), 0);
                    tasks[count - 1] = NULL;
                }
        break;
    default:
        index = cede_tasks_next(tasks, count);
        if (index >= 0) {
            ck_assert_int_eq(cede_tryjoin(tasks[index], &result), 0);
            tasks[index] = NULL;
        }
    }
}

static int storms(struct storms *a)
{
    struct cede_task *tasks[8];
    unsigned *seed = a->seed;
    size_t count = harness_random(seed) % 8, i;
    int actions = (int)(harness_random(seed) % 6);

    if (a->depth >= 3)
        count = 0;
    for (i = 0; i < count; i++)
        tasks[i] = cede_go(storms, .seed = seed, .depth = a->depth + 1);
    while (actions-- > 0) {
        if (count > 0 && harness_random(seed) % 3 == 0)
            cede_cancel(tasks[harness_random(seed) % count]);
        if (harness_random(seed) % 2)
            cede_timeout (moment(seed))
                wait_somehow(tasks, count, seed);
        else
            cede_sleep(moment(seed));
    }
    cede_shield
        for (i = 0; i < count; i++)
            if (tasks[i])
                ck_assert_int_eq(cede_join(tasks[i], NULL), 0);
    return harness_random(seed) % 3 ? 0 : cede_fail(EIO, "storm");
}

TASK_TEST(a_storm_loses_nobody)
{
    unsigned seed = 20261;
    int i;

    for (i = 0; i < HARNESS_ROUNDS(4000); i++)
        cede_await(cede_go(storms, .seed = &seed, .depth = 0));
}

Suite *suite(void)
{
    Suite *tasks = suite_create("tasks");
    TCase *cases = tcase_create("tasks");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, gather_has_the_results_in_the_order_of_the_array);
    tcase_add_test(cases, gather_in_a_group);
    tcase_add_test(cases, gather_fails_with_the_first_that_fails_and_joins_none);
    tcase_add_test(cases, a_failure_in_a_group_reaches_gather_before_it_cancels);
    tcase_add_test(cases, wait_for_the_first);
    tcase_add_test(cases, wait_for_the_first_exception);
    tcase_add_test(cases, wait_for_all);
    tcase_add_test(cases, next_tells_them_in_the_order_of_ending);
    tcase_add_test(cases, wrong_handles);
    tcase_add_test(cases, nobody_else_may_join_meanwhile);
    tcase_add_test(cases, outside_a_task_it_is_EPERM);
    tcase_add_test(cases, a_deadline_ends_it_and_leaves_all_joinable);
    tcase_add_test(cases, cancelling_who_waits_ends_it_and_cancels_none);
    tcase_add_test(cases, a_deadlock_ends_it);
    tcase_add_test(cases, tryjoin_never_waits);
    tcase_add_test(cases, tryjoin_of_what_cannot_be_joined);
    tcase_add_test(cases, tryjoin_of_another_runtimes_task);
    tcase_add_test(cases, a_storm_loses_nobody);
    suite_add_tcase(tasks, cases);
    return tasks;
}
