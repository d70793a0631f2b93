/* SPDX-License-Identifier: MIT */
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

START_TEST(outside_a_task_it_is_EPERM)
{
    struct cede_group group;

    ck_assert_fails(cede_group_open(&group), EPERM);
    cede_group (g) {
        ck_assert_ptr_null(cede_group_go(g, child, .result = 0));
        ck_assert_int_eq(errno, EPERM);
        ck_assert_fails(cede_group_wait(g), EPERM);
        ck_assert_fails(cede_group_cancel(g), EPERM);
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
    tcase_add_test(cases, outside_a_task_it_is_EPERM);
    suite_add_tcase(group, cases);
    return group;
}
