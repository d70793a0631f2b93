/* SPDX-License-Identifier: MIT */
/* Groups: tasks that end before their block does. */
#include "deadlock.h"
#include "harness.h"

struct child { int64_t sleep_ns; int result; int *ended; };

static int child(struct child *a)
{
    int slept = cede_sleep(a->sleep_ns);

    if (a->ended)
        ++*a->ended;
    if (slept != 0)
        return -1;
    errno = EIO;
    return a->result;
}

#define MS CEDE_MILLISECOND

TASK_TEST(it_waits_for_all)
{
    int ended = 0;

    cede_group (g) {
        ck_assert_ptr_nonnull(cede_group_go(g, child, .sleep_ns = 2 * MS, .ended = &ended));
        ck_assert_ptr_nonnull(cede_group_go(g, child, .sleep_ns = MS, .ended = &ended));
        ck_assert_int_eq(cede_group_wait(g), 0);
        ck_assert_int_eq(ended, 2);
        ck_assert_ptr_nonnull(cede_group_go(g, child, .ended = &ended));
    }
    ck_assert_int_eq(ended, 3);
}

TASK_TEST(the_first_failure_cancels_the_rest_and_the_block)
{
    int ended = 0;

    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = MS, .result = -1, .ended = &ended);
        cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = &ended);
        ck_assert_fails(cede_sleep(1000 * CEDE_SECOND), ECANCELED);
        ck_assert_ptr_null(cede_group_go(g, child, .ended = &ended));
        ck_assert_int_eq(errno, ECANCELED);
        ck_assert_fails(cede_group_wait(g), EIO);
    }
    ck_assert_int_eq(ended, 2);
    ck_assert_int_eq(cede_check(), 0);
}

static int leave_early(int *ended)
{
    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = ended);
        cede_yield();
        return 7;
    }
    return 0;
}

TASK_TEST(leaving_early_cancels_and_waits)
{
    int ended = 0;

    ck_assert_int_eq(leave_early(&ended), 7);
    ck_assert_int_eq(ended, 1);
}

TASK_TEST(a_deadline_ends_it)
{
    int ended = 0;

    cede_timeout (2 * MS)
        cede_group (g) {
            cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = &ended);
            ck_assert_fails(cede_group_wait(g), ETIMEDOUT);
        }
    ck_assert_int_eq(ended, 1);
}

static int waits_for_a_group(void *ended)
{
    int result = 0;

    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = ended);
        result = cede_group_wait(g);
        if (result != 0)
            result = -errno;
    }
    return result == -ECANCELED ? 0 : -1;
}

TASK_TEST(cancelling_its_owner_ends_it)
{
    int ended = 0;
    struct cede_task *owner = cede_spawn(waits_for_a_group, &ended);

    cede_yield();
    cede_yield();
    ck_assert_int_eq(cede_cancel(owner), 0);
    ck_assert_int_eq(cede_await(owner), 0);
    ck_assert_int_eq(ended, 1);
}

TASK_TEST(next_returns_them_as_they_end_and_a_limit_holds)
{
    const int64_t sleeps[] = {30 * MS, 10 * MS, 1 * MS};
    int seen[3], i;

    cede_group (g) {
        ck_assert_int_eq(cede_group_limit(g, 2), 0);
        for (i = 0; i < 3; i++) /* the third waits until the second has ended */
            cede_group_go(g, child, .sleep_ns = sleeps[i], .result = i);
        for (i = 0; i < 3; i++)
            seen[i] = cede_await(cede_group_next(g));
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, ECHILD);
    }
    ck_assert_int_eq(seen[0], 1);
}

TASK_TEST(keep_going_lets_all_end)
{
    int ended = 0;

    cede_group (g) {
        cede_group_keep_going(g, 1);
        cede_group_go(g, child, .result = -1, .ended = &ended);
        cede_group_go(g, child, .sleep_ns = 2 * MS, .ended = &ended);
        ck_assert_fails(cede_group_wait(g), EIO);
    }
    ck_assert_int_eq(ended, 2);
}

/* ---- detaching and joining children ---- */

TASK_TEST(a_child_may_be_detached_while_it_runs)
{
    int ended = 0;

    cede_group (g) {
        ck_assert_int_eq(cede_detach(cede_group_go(g, child, .sleep_ns = MS, .ended = &ended)), 0);
        cede_yield();
        ck_assert_ptr_null(cede_group_next(g)); /* nobody waits for it */
        ck_assert_int_eq(errno, ECHILD);
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    ck_assert_int_eq(ended, 1);
}

TASK_TEST(a_child_may_be_detached_once_it_has_ended)
{
    struct cede_task *task;
    int ended = 0, i;

    cede_group (g) {
        for (i = 0; i < 10; i++) {
            task = cede_group_go(g, child, .ended = &ended);
            while (ended <= i)
                cede_yield();
            ck_assert_int_eq(cede_detach(task), 0);
            ck_assert_fails(cede_join(task, NULL), ESRCH);
        }
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, ECHILD);
    }
    ck_assert_int_eq(ended, 10);
}

static int joins(void *task)
{
    return cede_await(task);
}

TASK_TEST(next_leaves_out_what_another_task_joins)
{
    struct cede_task *task, *joiner;

    cede_group (g) {
        task = cede_group_go(g, child, .sleep_ns = MS, .result = 5);
        joiner = cede_spawn(joins, task);
        cede_yield();
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, ECHILD);
        ck_assert_int_eq(cede_await(joiner), 5);
        ck_assert_fails(cede_join(task, NULL), ESRCH);
    }
}

TASK_TEST(a_child_that_another_task_joins_outlives_the_group_as_a_result)
{
    struct cede_task *task, *joiner = NULL;

    cede_group (g) {
        task = cede_group_go(g, child, .sleep_ns = MS, .result = 5);
        joiner = cede_spawn(joins, task);
        cede_yield();
    }
    ck_assert_int_eq(cede_await(joiner), 5);
}

TASK_TEST(who_joins_a_child_hears_of_its_failure_before_it_cancels_the_block)
{
    cede_group (g) {
        ck_assert_fails(cede_await(cede_group_go(g, child, .sleep_ns = MS, .result = -1)), EIO);
        ck_assert_fails(cede_check(), ECANCELED);
        ck_assert_fails(cede_group_wait(g), EIO);
    }
}

/* ---- the limit ---- */

struct crowded { int *running, *most; };

static int crowded(struct crowded *a)
{
    if (++*a->running > *a->most)
        *a->most = *a->running;
    cede_sleep(MS);
    --*a->running;
    return 0;
}

TASK_TEST(no_more_than_the_limit_run)
{
    int running = 0, most = 0, i;

    cede_group (g) {
        ck_assert_int_eq(cede_group_limit(g, 3), 0);
        for (i = 0; i < 20; i++)
            ck_assert_ptr_nonnull(cede_group_go(g, crowded, .running = &running, .most = &most));
        ck_assert_int_eq(cede_group_wait(g), 0);
        ck_assert_int_eq(most, 3);
        ck_assert_int_eq(cede_group_limit(g, 0), 0);
        for (i = 0; i < 20; i++)
            ck_assert_ptr_nonnull(cede_group_go(g, crowded, .running = &running, .most = &most));
    }
    ck_assert_int_eq(most, 20);
    ck_assert_int_eq(running, 0);
}

struct adds_sibling { struct cede_group *group; int *ended, error; };

static int adds_sibling(struct adds_sibling *a)
{
    struct cede_task *sibling = cede_group_go(a->group, child, .ended = a->ended);

    if (a->error) {
        ck_assert_ptr_null(sibling);
        ck_assert_int_eq(errno, a->error);
    } else {
        ck_assert_ptr_nonnull(sibling);
    }
    return 0;
}

TASK_TEST(a_higher_limit_lets_those_go_on_who_wait)
{
    int ended = 0, i;

    cede_group (g) {
        cede_group_limit(g, 4);
        for (i = 0; i < 4; i++)
            cede_group_go(g, adds_sibling, .group = g, .ended = &ended);
        cede_yield();
        ck_assert_int_eq(ended, 0); /* all four wait for each other */
        cede_group_limit(g, 5); /* one goes on, and lets the next go on */
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    ck_assert_int_eq(ended, 4);
}

TASK_TEST(cancelling_ends_the_wait_at_the_limit)
{
    int ended = 0;

    cede_group (g) {
        cede_group_limit(g, 1);
        cede_group_go(g, adds_sibling, .group = g, .ended = &ended, .error = ECANCELED);
        cede_yield();
        ck_assert_int_eq(cede_group_cancel(g), 0);
        ck_assert_fails(cede_group_wait(g), ECANCELED);
    }
    ck_assert_int_eq(ended, 0);
}

TASK_TEST(a_deadline_ends_the_wait_at_the_limit)
{
    struct cede_task *task;

    cede_group (g) {
        cede_group_limit(g, 1);
        task = cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND);
        cede_timeout (MS) {
            ck_assert_ptr_null(cede_group_go(g, child, .result = 0));
            ck_assert_int_eq(errno, ETIMEDOUT);
        }
        cede_cancel(task); /* not by the group: it counts as a failure */
        ck_assert_fails(cede_group_wait(g), ECANCELED);
    }
}

/* One who waits at the limit and then has no memory, or too big a stack, must not take the others' place away. */
static int adds_a_bad_sibling(void *group)
{
    struct cede_task_attr bad = {.stack_size = 1};

    ck_assert_ptr_null(cede_group_spawn(group, &bad, joins, NULL));
    ck_assert_int_eq(errno, EINVAL);
    return 0;
}

TASK_TEST(a_spawn_that_fails_at_the_limit_passes_its_place_on)
{
    int ended = 0;

    cede_group (g) {
        cede_group_limit(g, 3);
        cede_group_spawn(g, NULL, adds_a_bad_sibling, g);
        cede_group_go(g, adds_sibling, .group = g, .ended = &ended);
        cede_group_go(g, child, .sleep_ns = 2 * MS);
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    ck_assert_int_eq(ended, 1);
}

/* ---- rarer errnos ---- */

static int uses_a_foreign_group(void *group)
{
    ck_assert_ptr_null(cede_group_spawn(group, NULL, joins, NULL));
    ck_assert_int_eq(errno, EPERM);
    ck_assert_fails(cede_group_wait(group), EPERM);
    ck_assert_fails(cede_group_close(group), EPERM);
    ck_assert_fails(cede_group_cancel(group), EPERM);
    ck_assert_fails(cede_group_limit(group, 1), EPERM);
    ck_assert_fails(cede_group_keep_going(group, 1), EPERM);
    ck_assert_ptr_null(cede_group_next(group));
    ck_assert_int_eq(errno, EPERM);
    return 0;
}

struct a_child_may_only_add { struct cede_group *group; };

static int a_child_may_only_add(struct a_child_may_only_add *a)
{
    ck_assert_fails(cede_group_wait(a->group), EPERM);
    ck_assert_fails(cede_group_cancel(a->group), EPERM);
    ck_assert_ptr_nonnull(cede_group_go(a->group, child, .result = 0));
    return 0;
}

TASK_TEST(only_the_owner_may_use_it)
{
    cede_group (g) {
        ck_assert_int_eq(cede_await(cede_spawn(uses_a_foreign_group, g)), 0);
        cede_group_go(g, a_child_may_only_add, .group = g);
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
}

TASK_TEST(what_spawn_fails_with)
{
    struct cede_task_attr bad = {.stack_size = 1};

    cede_group (g) {
        ck_assert_ptr_null(cede_group_spawn(g, NULL, NULL, NULL));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_ptr_null(cede_group_spawn(g, &bad, joins, NULL));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(cede_group_wait(g), 0);
        cede_group_cancel(g);
        ck_assert_ptr_null(cede_group_spawn(g, NULL, joins, NULL));
        ck_assert_int_eq(errno, ECANCELED);
    }
}

TASK_TEST(next_is_ended_like_any_wait)
{
    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = 20 * MS, .result = 3);
        cede_timeout (MS) {
            ck_assert_ptr_null(cede_group_next(g));
            ck_assert_int_eq(errno, ETIMEDOUT);
        }
        ck_assert_int_eq(cede_await(cede_group_next(g)), 3); /* nothing was cancelled */
    }
}

static int nexts(void *ended)
{
    struct cede_task *next;

    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = ended);
        next = cede_group_next(g);
        ck_assert_ptr_null(next);
        ck_assert_int_eq(errno, ECANCELED);
    }
    return 0;
}

TASK_TEST(next_is_ended_by_cancelling)
{
    int ended = 0;
    struct cede_task *task = cede_spawn(nexts, &ended);

    cede_yield();
    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(ended, 1);
}

/* ---- nothing can end it ---- */

static int waits_for_ever(void *mutex)
{
    int result = cede_mutex_lock(mutex);

    return result;
}

static int group_of_the_locked(void *unused)
{
    struct cede_mutex mutex = {0};

    (void)unused;
    cede_mutex_lock(&mutex);
    cede_group (g) {
        cede_group_spawn(g, NULL, waits_for_ever, &mutex);
        ck_assert_fails(cede_group_wait(g), EDEADLK);
    }
    return cede_mutex_unlock(&mutex);
}

static int next_of_the_locked(void *unused)
{
    struct cede_mutex mutex = {0};

    (void)unused;
    cede_mutex_lock(&mutex);
    cede_group (g) {
        cede_group_spawn(g, NULL, waits_for_ever, &mutex);
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, EDEADLK);
    }
    return cede_mutex_unlock(&mutex);
}

static int waits_shielded(void *mutex)
{
    cede_shield
        ck_assert_fails(cede_mutex_lock(mutex), EDEADLK);
    return 0;
}

static int group_of_the_shielded(void *unused)
{
    struct cede_mutex mutex = {0};

    (void)unused;
    cede_mutex_lock(&mutex);
    cede_group (g) {
        cede_group_spawn(g, NULL, waits_shielded, &mutex);
        ck_assert_fails(cede_group_wait(g), EDEADLK);
    }
    return cede_mutex_unlock(&mutex);
}

START_TEST(a_deadlock_ends_it)
{
    deadlock_assert_reported(group_of_the_locked, "group");
    deadlock_assert_reported(next_of_the_locked, "group");
    deadlock_assert_reported(group_of_the_shielded, "group");
}
END_TEST

START_TEST(outside_a_task_it_is_EPERM)
{
    struct cede_group group;

    ck_assert_fails(cede_group_open(&group), EPERM);
    ck_assert_fails(cede_group_close(&group), EPERM);
    cede_group (g) {
        ck_assert_ptr_null(cede_group_go(g, child, .result = 0));
        ck_assert_int_eq(errno, EPERM);
        ck_assert_fails(cede_group_wait(g), EPERM);
        ck_assert_fails(cede_group_cancel(g), EPERM);
        ck_assert_fails(cede_group_limit(g, 1), EPERM);
        ck_assert_fails(cede_group_keep_going(g, 1), EPERM);
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, EPERM);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *group = suite_create("group");
    TCase *cases = tcase_create("group");

    tcase_add_test(cases, it_waits_for_all);
    tcase_add_test(cases, the_first_failure_cancels_the_rest_and_the_block);
    tcase_add_test(cases, leaving_early_cancels_and_waits);
    tcase_add_test(cases, a_deadline_ends_it);
    tcase_add_test(cases, cancelling_its_owner_ends_it);
    tcase_add_test(cases, next_returns_them_as_they_end_and_a_limit_holds);
    tcase_add_test(cases, keep_going_lets_all_end);
    tcase_add_test(cases, a_child_may_be_detached_while_it_runs);
    tcase_add_test(cases, a_child_may_be_detached_once_it_has_ended);
    tcase_add_test(cases, next_leaves_out_what_another_task_joins);
    tcase_add_test(cases, a_child_that_another_task_joins_outlives_the_group_as_a_result);
    tcase_add_test(cases, who_joins_a_child_hears_of_its_failure_before_it_cancels_the_block);
    tcase_add_test(cases, no_more_than_the_limit_run);
    tcase_add_test(cases, a_higher_limit_lets_those_go_on_who_wait);
    tcase_add_test(cases, cancelling_ends_the_wait_at_the_limit);
    tcase_add_test(cases, a_deadline_ends_the_wait_at_the_limit);
    tcase_add_test(cases, a_spawn_that_fails_at_the_limit_passes_its_place_on);
    tcase_add_test(cases, only_the_owner_may_use_it);
    tcase_add_test(cases, what_spawn_fails_with);
    tcase_add_test(cases, next_is_ended_like_any_wait);
    tcase_add_test(cases, next_is_ended_by_cancelling);
    tcase_add_test(cases, a_deadlock_ends_it);
    tcase_add_test(cases, outside_a_task_it_is_EPERM);
    suite_add_tcase(group, cases);
    return group;
}
