/* SPDX-License-Identifier: MIT */
/* Deadlines and shields: which one holds, for whom, and what is left when a scope has been left. */
#include <stdlib.h>

#include "crowd.h"

#define LONG  (600 * CEDE_SECOND) /* fails the test by its time limit */
#define SHORT (3 * CEDE_MILLISECOND)

TASK_TEST(a_wait_ends_at_the_deadline)
{
    int64_t before = cede_now();

    cede_timeout (SHORT) {
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
        ck_assert_int_ge(cede_now() - before, SHORT);
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
        ck_assert_fails(cede_park(), ETIMEDOUT);
        ck_assert_fails(cede_yield(), ETIMEDOUT);
        ck_assert_fails(cede_check(), ETIMEDOUT);
    }
    ck_assert_int_eq(cede_sleep(1), 0);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_check(), 0);
}

TASK_TEST(what_is_over_in_time_keeps_its_result)
{
    cede_timeout (LONG) {
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        ck_assert_int_eq(cede_yield(), 0);
    }
}

/* The nearest counts, whichever is outside. */
TASK_TEST(the_nearest_of_nested_ones_wins)
{
    cede_timeout (LONG)
        cede_timeout (SHORT)
            ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    cede_timeout (LONG) {
        cede_timeout (SHORT)
            ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
        ck_assert_int_eq(cede_sleep(1), 0); /* the inner one is over, the outer one goes on */
    }
    cede_timeout (SHORT) {
        cede_timeout (LONG) {
            ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
            ck_assert_int_eq(cede_time_left(), 0);
        }
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    }
    ck_assert_int_eq(cede_sleep(1), 0);
}

TASK_TEST(time_left_is_that_of_the_nearest)
{
    ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
    cede_timeout (CEDE_HOUR) {
        ck_assert_int_le(cede_time_left(), CEDE_HOUR);
        ck_assert_int_gt(cede_time_left(), CEDE_HOUR - CEDE_MINUTE);
        cede_timeout (CEDE_MINUTE)
            ck_assert_int_le(cede_time_left(), CEDE_MINUTE);
        cede_timeout (2 * CEDE_HOUR)
            ck_assert_int_le(cede_time_left(), CEDE_HOUR);
        cede_timeout (CEDE_FOREVER)
            ck_assert_int_le(cede_time_left(), CEDE_HOUR);
        cede_shield {
            ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
            cede_timeout (2 * CEDE_HOUR)
                ck_assert_int_gt(cede_time_left(), CEDE_HOUR);
        }
        ck_assert_int_le(cede_time_left(), CEDE_HOUR);
    }
    ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
}

/* ---- bounds ---- */

TASK_TEST(zero_lets_the_first_wait_fail)
{
    cede_timeout (0) {
        ck_assert_fails(cede_check(), ETIMEDOUT);
        ck_assert_fails(cede_sleep(0), ETIMEDOUT);
        ck_assert_fails(cede_park(), ETIMEDOUT);
        ck_assert_int_eq(cede_time_left(), 0);
    }
    ck_assert_int_eq(cede_check(), 0);
}

TASK_TEST(forever_sets_no_deadline)
{
    cede_timeout (CEDE_FOREVER) {
        ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    }
    cede_timeout (CEDE_FOREVER - 1)
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    cede_timeout (CEDE_FOREVER / 2)
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
}

TASK_TEST(a_negative_duration_is_EINVAL_at_the_first_wait)
{
    struct cede_scope scope;

    cede_timeout (-1) {
        ck_assert_fails(cede_sleep(LONG), EINVAL);
        ck_assert_fails(cede_park(), EINVAL);
        ck_assert_fails(cede_check(), EINVAL);
        cede_timeout (0)
            ck_assert_fails(cede_yield(), EINVAL);
        cede_shield
            ck_assert_int_eq(cede_sleep(1), 0);
    }
    cede_timeout (INT64_MIN)
        ck_assert_fails(cede_sleep(LONG), EINVAL);
    ck_assert_int_eq(cede_sleep(1), 0);
    ck_assert_fails(cede_scope_timeout(&scope, -1), EINVAL);
    ck_assert_int_eq(cede_sleep(1), 0);
}

/* ---- shield ---- */

static int cleans_up_in_a_shield(void *unused)
{
    (void)unused;
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    cede_shield {
        ck_assert_int_eq(cede_check(), 0);
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        cede_timeout (SHORT)
            ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
        ck_assert_int_eq(cede_yield(), 0);
        cede_shield
            ck_assert_int_eq(cede_sleep(1), 0);
        ck_assert_int_eq(cede_sleep(1), 0);
    }
    ck_assert_fails(cede_check(), ECANCELED);
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    return 0;
}

TASK_TEST(a_shield_keeps_cancellation_away)
{
    struct cede_task *task = cede_spawn(cleans_up_in_a_shield, NULL);

    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
}

static int is_cancelled_in_a_shield(void *unused)
{
    (void)unused;
    cede_shield {
        ck_assert_int_eq(cede_sleep(SHORT), 0);
        ck_assert_int_eq(cede_check(), 0);
    }
    ck_assert_fails(cede_yield(), ECANCELED);
    return 0;
}

TASK_TEST(cancellation_holds_again_after_the_shield)
{
    struct cede_task *task = cede_spawn(is_cancelled_in_a_shield, NULL);

    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
}

static int cleans_up_in_grace(void *unused)
{
    (void)unused;
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    cede_shield cede_timeout (CEDE_SECOND)
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0); /* time enough */
    cede_shield cede_timeout (2 * CEDE_MILLISECOND) {
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT); /* not for ever */
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    }
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    return 0;
}

TASK_TEST(cleanup_may_use_a_grace_deadline)
{
    struct cede_task *task = cede_spawn(cleans_up_in_grace, NULL);

    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
    /* The same after a deadline of one's own, which does not shorten the grace. */
    cede_timeout (CEDE_MILLISECOND) {
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
        cede_shield cede_timeout (CEDE_SECOND)
            ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    }
}

static int times_out_by_itself(void *unused)
{
    int result = 0;

    (void)unused;
    cede_timeout (0)
        result = cede_sleep(LONG);
    return result;
}

static int awaits_for_ever(void *unused)
{
    struct cede_scope scope;
    struct cede_task *task = cede_spawn(times_out_by_itself, NULL);
    int result = 0;

    (void)unused;
    ck_assert_int_eq(cede_scope_timeout(&scope, LONG), 0);
    /* The task's timeout is its result, not ours ... */
    ck_assert_int_eq(cede_join(task, &result), 0);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_eq(cede_scope_expired(&scope), 0);
    ck_assert_int_eq(cede_check(), 0);
    /* ... and our being cancelled is no timeout. */
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    ck_assert_int_eq(cede_scope_expired(&scope), 0);
    cede_scope_leave(&scope);
    return 0;
}

TASK_TEST(a_timeout_is_told_from_another_tasks_and_from_cancellation)
{
    struct cede_task *task = cede_spawn(awaits_for_ever, NULL);

    cede_yield();
    cede_yield();
    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
}

TASK_TEST(an_outer_deadline_holds_again_after_the_shield)
{
    cede_timeout (CEDE_MILLISECOND) {
        cede_shield
            ck_assert_int_eq(cede_sleep(SHORT), 0); /* the outer deadline passes meanwhile */
        ck_assert_fails(cede_check(), ETIMEDOUT);
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    }
    cede_timeout (0) {
        cede_shield
            ck_assert_int_eq(cede_sleep(1), 0);
        ck_assert_fails(cede_park(), ETIMEDOUT);
    }
    ck_assert_int_eq(cede_check(), 0);
}

/* ---- children ---- */

static int sleeps_long(void *unused)
{
    (void)unused;
    return cede_sleep(LONG);
}

static int tells_time_left(void *unused)
{
    (void)unused;
    return cede_time_left() < CEDE_HOUR;
}

static int spawns_one_more(void *unused)
{
    (void)unused;
    return cede_await(cede_spawn(tells_time_left, NULL));
}

TASK_TEST(children_inherit_the_nearest_deadline)
{
    struct cede_task *task = NULL, *free = NULL;

    cede_timeout (CEDE_MINUTE) {
        cede_timeout (SHORT)
            task = cede_spawn(sleeps_long, NULL);
        ck_assert_fails(cede_await(task), ETIMEDOUT); /* its, not ours */
        ck_assert_int_eq(cede_check(), 0);
        ck_assert_int_eq(cede_await(cede_spawn(spawns_one_more, NULL)), 1);
        cede_shield
            free = cede_spawn(tells_time_left, NULL);
        ck_assert_int_eq(cede_await(free), 0);
    }
    ck_assert_int_eq(cede_await(cede_spawn(tells_time_left, NULL)), 0);
    cede_timeout (0)
        task = cede_spawn(sleeps_long, NULL);
    ck_assert_fails(cede_await(task), ETIMEDOUT);
}

/* ---- cancel and timeout ---- */

static int is_cancelled_after_a_timeout(void *unused)
{
    (void)unused;
    cede_timeout (CEDE_MILLISECOND) {
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
        cede_cancel(cede_self());
        ck_assert_fails(cede_sleep(LONG), ECANCELED);
        cede_timeout (-1)
            ck_assert_fails(cede_sleep(LONG), ECANCELED);
    }
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    return 0;
}

TASK_TEST(cancellation_comes_before_timeout)
{
    ck_assert_int_eq(cede_await(cede_spawn(is_cancelled_after_a_timeout, NULL)), 0);
}

/* ---- expired ---- */

TASK_TEST(expired_tells_whose_deadline_it_was)
{
    struct cede_scope outer, inner;

    ck_assert_int_eq(cede_scope_timeout(&outer, CEDE_MINUTE), 0);
    ck_assert_int_eq(cede_scope_timeout(&inner, LONG), 0);
    ck_assert_int_eq(cede_scope_expired(&inner), 0);
    cede_scope_leave(&inner);
    ck_assert_int_eq(cede_scope_timeout(&inner, SHORT), 0);
    ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    ck_assert_int_eq(cede_scope_expired(&inner), 1);
    ck_assert_int_eq(cede_scope_expired(&outer), 0);
    cede_scope_leave(&inner);
    ck_assert_int_eq(cede_sleep(1), 0);
    cede_scope_leave(&outer);

    ck_assert_int_eq(cede_scope_shield(&outer), 0);
    ck_assert_int_eq(cede_scope_expired(&outer), 0);
    cede_scope_leave(&outer);
    ck_assert_int_eq(cede_scope_timeout(&outer, 0), 0);
    ck_assert_int_eq(cede_scope_expired(&outer), 1);
    cede_scope_leave(&outer);
    ck_assert_int_eq(cede_scope_timeout(&outer, CEDE_FOREVER), 0);
    ck_assert_int_eq(cede_scope_expired(&outer), 0);
    cede_scope_leave(&outer);
}

/* ---- ways out ---- */

static int returns_from_inside(void)
{
    cede_timeout (0)
        cede_shield
            cede_timeout (CEDE_MILLISECOND)
                return 3;
    return 0;
}

static void goes_out(void)
{
    cede_timeout (0) {
        cede_timeout (CEDE_MILLISECOND)
            goto out;
        ck_abort_msg("not reached");
    }
out:
    ck_assert_int_eq(cede_check(), 0);
}

TASK_TEST(the_block_may_be_left_in_any_way)
{
    int turns, inside = 0;

    for (turns = 0; turns < 3; turns++) {
        cede_timeout (0) {
            inside++;
            if (turns == 1)
                break; /* leaves the scope, not the loop */
            if (turns == 2)
                continue;
            inside++;
        }
        ck_assert_int_eq(cede_check(), 0);
    }
    ck_assert_int_eq(turns, 3);
    ck_assert_int_eq(inside, 4);
    ck_assert_int_eq(returns_from_inside(), 3);
    ck_assert_int_eq(cede_check(), 0);
    goes_out();
    ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
    ck_assert_int_eq(cede_sleep(2 * CEDE_MILLISECOND), 0); /* no timer of a scope that is gone fires */
}

TASK_TEST(errno_is_preserved_on_the_way_out)
{
    cede_timeout (0)
        errno = EXDEV;
    ck_assert_int_eq(errno, EXDEV);
    cede_shield
        errno = EDOM;
    ck_assert_int_eq(errno, EDOM);
    cede_timeout (-5)
        cede_sleep(1);
    ck_assert_int_eq(errno, EINVAL);
}

TASK_TEST(two_scopes_on_one_line_nest)
{
    cede_timeout (CEDE_MINUTE) ck_assert_int_le(cede_time_left(), CEDE_MINUTE);
    cede_shield cede_timeout (SHORT) ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
}

START_TEST(outside_a_task_it_has_no_effect)
{
    struct cede_scope scope;
    int turns = 0;

    cede_timeout (0) {
        ck_assert_int_eq(cede_check(), 0);
        ck_assert_int_eq(cede_sleep(1), 0);
        ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
        turns++;
    }
    cede_shield
        turns++;
    ck_assert_int_eq(turns, 2);
    ck_assert_int_eq(cede_scope_timeout(&scope, 0), 0);
    ck_assert_int_eq(cede_scope_expired(&scope), 0);
    cede_scope_leave(&scope);
    ck_assert_fails(cede_scope_timeout(&scope, -1), EINVAL);
}
END_TEST

static int many_scopes(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg * 7919 + 1, round;

    for (round = 0; round < 50; round++) {
        int64_t outer = (int64_t)(harness_random(&seed) % 2000) * CEDE_MICROSECOND, before = cede_now();
        int64_t inner = (int64_t)(harness_random(&seed) % 2000) * CEDE_MICROSECOND;
        int64_t sleep = (int64_t)(harness_random(&seed) % 2000) * CEDE_MICROSECOND;

        cede_timeout (outer)
            cede_timeout (inner) {
                if (cede_sleep(sleep) == 0)
                    ck_assert_int_ge(cede_now() - before, sleep);
                else
                    ck_assert_int_ge(cede_now() - before, outer < inner ? outer : inner);
            }
        ck_assert_int_eq(cede_check(), 0);
    }
    return 0;
}

TASK_TEST(many_tasks_with_many_scopes)
{
    struct cede_task *tasks[50];
    uintptr_t i;

    for (i = 0; i < 50; i++)
        tasks[i] = cede_spawn(many_scopes, (void *)i);
    for (i = 0; i < 50; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
}

/* ---- storm ---- */

/* Scopes within scopes, in tasks that are cancelled at random. */
static void nest(unsigned *seed, int depth)
{
    const bool cancelled = cede_check() != 0 && errno == ECANCELED;
    const int64_t before = cede_time_left(), duration = harness_random(seed) % 100000;
    struct cede_scope scope;
    bool ended;
    int slept;

    if (depth == 0) {
        crowd_check(harness_random(seed) % 2 ? cede_sleep(harness_random(seed) % 20000) : cede_yield());
        return;
    }
    switch (harness_random(seed) % 4) {
    case 0:
        cede_timeout (duration) {
            ck_assert_int_le(cede_time_left(), duration);
            ck_assert_int_le(cede_time_left(), before);
            nest(seed, depth - 1);
            if (harness_random(seed) % 4 == 0)
                break;
            nest(seed, depth - 1);
        }
        break;
    case 1:
        cede_shield {
            ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
            ck_assert_int_eq(cede_yield(), 0);
            ck_assert_int_eq(cede_sleep(harness_random(seed) % 5000), 0);
            if (harness_random(seed) % 4 == 0)
                continue;
            nest(seed, depth - 1);
            ck_assert_int_eq(cede_check(), 0);
        }
        break;
    case 2:
        ck_assert_int_eq(cede_scope_timeout(&scope, duration), 0);
        nest(seed, depth - 1);
        slept = crowd_check(cede_sleep(2 * duration));
        ended = slept == 0 || errno == ECANCELED || cede_scope_expired(&scope);
        cede_scope_leave(&scope);
        ck_assert(slept != 0 || duration == 0);
        ck_assert(ended || cede_time_left() == 0); /* by the deadline of an outer one */
        break;
    default:
        nest(seed, depth - 1);
        nest(seed, depth - 1);
    }
    if (cancelled) /* it holds again, whatever has been left */
        ck_assert_fails(cede_check(), ECANCELED);
    ck_assert_int_le(cede_time_left(), before);
}

static void nests(void *unused, unsigned *seed)
{
    (void)unused;
    nest(seed, 4);
}

START_TEST(storm)
{
    struct crowd crowd = {.act = nests, .seed = 61 + (unsigned)_i, .tasks = 32, .rounds = HARNESS_ROUNDS(1000)};

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
}
END_TEST

Suite *suite(void)
{
    Suite *scope = suite_create("scope");
    TCase *cases = tcase_create("scope");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_wait_ends_at_the_deadline);
    tcase_add_test(cases, what_is_over_in_time_keeps_its_result);
    tcase_add_test(cases, the_nearest_of_nested_ones_wins);
    tcase_add_test(cases, time_left_is_that_of_the_nearest);
    tcase_add_test(cases, zero_lets_the_first_wait_fail);
    tcase_add_test(cases, forever_sets_no_deadline);
    tcase_add_test(cases, a_negative_duration_is_EINVAL_at_the_first_wait);
    tcase_add_test(cases, a_shield_keeps_cancellation_away);
    tcase_add_test(cases, cancellation_holds_again_after_the_shield);
    tcase_add_test(cases, cleanup_may_use_a_grace_deadline);
    tcase_add_test(cases, a_timeout_is_told_from_another_tasks_and_from_cancellation);
    tcase_add_test(cases, an_outer_deadline_holds_again_after_the_shield);
    tcase_add_test(cases, children_inherit_the_nearest_deadline);
    tcase_add_test(cases, cancellation_comes_before_timeout);
    tcase_add_test(cases, expired_tells_whose_deadline_it_was);
    tcase_add_test(cases, the_block_may_be_left_in_any_way);
    tcase_add_test(cases, errno_is_preserved_on_the_way_out);
    tcase_add_test(cases, two_scopes_on_one_line_nest);
    tcase_add_test(cases, outside_a_task_it_has_no_effect);
    tcase_add_test(cases, many_tasks_with_many_scopes);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(scope, cases);
    return scope;
}
