/* SPDX-License-Identifier: MIT */
/* Wait groups: who waits passes when nothing is left, and nothing is counted twice. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crowd.h"
#include "deadlock.h"
#include "early.h"

static struct cede_waitgroup group;

static int waits(void *unused)
{
    (void)unused;
    return cede_waitgroup_wait(&group) == 0 ? 0 : errno;
}

TASK_TEST(it_ends_all_waits_when_nothing_is_left)
{
    struct cede_task *a, *b;

    ck_assert_int_eq(waits(NULL), 0); /* nothing was begun */
    ck_assert_int_eq(cede_waitgroup_add(&group, 2), 0);
    a = cede_spawn(waits, NULL);
    b = cede_spawn(waits, NULL);
    cede_yield();
    ck_assert_int_eq(cede_waitgroup_count(&group), 2);
    ck_assert_int_eq(cede_waitgroup_done(&group), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(waits(NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_waitgroup_add(&group, 0), 0);
    ck_assert_int_eq(cede_waitgroup_done(&group), 0);
    ck_assert_int_eq(cede_waitgroup_count(&group), 0);
    ck_assert_int_eq(cede_waitgroup_add(&group, 1), 0); /* used afresh: who waited passes all the same */
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0);
}

TASK_TEST(it_counts_within_bounds)
{
    ck_assert_fails(cede_waitgroup_done(&group), EINVAL);
    ck_assert_int_eq(cede_waitgroup_add(&group, CEDE_WAITGROUP_MAX), 0);
    ck_assert_fails(cede_waitgroup_add(&group, 1), EOVERFLOW);
    ck_assert_int_eq(cede_waitgroup_count(&group), (int)CEDE_WAITGROUP_MAX);
    ck_assert_int_eq(cede_waitgroup_done(&group), 0);
    ck_assert_fails(cede_waitgroup_add(&group, 2), EOVERFLOW);
    ck_assert_int_eq(cede_waitgroup_add(&group, 1), 0);
    ck_assert_fails(cede_waitgroup_add(&group, -1u), EOVERFLOW);
}

TASK_TEST(what_need_not_wait_succeeds_after_a_deadline)
{
    cede_timeout (0) {
        ck_assert_int_eq(waits(NULL), 0);
        ck_assert_int_eq(cede_waitgroup_add(&group, 1), 0);
        ck_assert_int_eq(waits(NULL), ETIMEDOUT);
    }
}

/* ---- ends of waits ---- */

static int waits_once(void *unused)
{
    (void)unused;
    return cede_waitgroup_wait(&group);
}

static void begins(void)
{
    ck_assert_int_eq(cede_waitgroup_add(&group, 1), 0);
}

static void ends(void)
{
    ck_assert_int_eq(cede_waitgroup_done(&group), 0);
}

static const struct early_object waited_for = {.waits = waits_once, .arms = begins, .brings = ends};

EARLY_TESTS(&waited_for)

/* ---- deadlock ---- */

static int waits_for_nobody(void *unused)
{
    ck_assert_int_eq(cede_waitgroup_add(&group, 1), 0);
    ck_assert_int_eq(waits(unused), EDEADLK);
    return 0;
}

START_TEST(a_deadlock_is_reported)
{
    deadlock_assert_reported_alone(waits_for_nobody, " in wait group 0x");
}
END_TEST

/* ---- storm ---- */

/* Whoever comes begins a job for a group, or ends one that others have begun; and all wait now and then. */
struct works {
    struct cede_waitgroup group;
    atomic_int begun, ended, waited;
};

static void works(void *object, unsigned *seed)
{
    struct works *works = object;

    if (harness_random(seed) % 4 == 0) {
        if (cede_self()) /* others may keep it busy without end: under a deadline */
            cede_timeout ((int64_t)(harness_random(seed) % 100000))
                if (crowd_check(cede_waitgroup_wait(&works->group)) == 0)
                    atomic_fetch_add(&works->waited, 1);
        return;
    }
    ck_assert_int_eq(cede_waitgroup_add(&works->group, 1), 0);
    atomic_fetch_add(&works->begun, 1);
    if (harness_random(seed) % 4 == 0)
        cede_yield();
    atomic_fetch_add(&works->ended, 1);
    ck_assert_int_eq(cede_waitgroup_done(&works->group), 0);
}

START_TEST(storm)
{
    struct works all = {.begun = 0};
    struct crowd crowd = {.act = works, .object = &all, .seed = 81 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(3000)};

    if (_i == 0) {
        crowd_run_alone(&crowd);
        ck_assert_int_gt(atomic_load(&all.waited), 0); /* with other threads, on a busy machine, no wait may be lucky */
    } else {
        crowd_run(&crowd);
    }
    ck_assert_int_eq(atomic_load(&all.begun), atomic_load(&all.ended));
    ck_assert_int_eq(cede_waitgroup_count(&all.group), 0);
}
END_TEST

/* A group that is freed by who waits for it: nobody who calls done touches it afterwards. */
static void *does(void *group_of_one)
{
    ck_assert_int_eq(cede_waitgroup_done(group_of_one), 0);
    return NULL;
}

TASK_TEST(who_waited_may_free_it)
{
    struct cede_waitgroup *one;
    pthread_t thread;
    int i;

    for (i = 0; i < HARNESS_ROUNDS(2000); i++) {
        one = calloc(1, sizeof *one);
        ck_assert_ptr_nonnull(one);
        ck_assert_int_eq(cede_waitgroup_add(one, 1), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, does, one), 0);
        ck_assert_int_eq(cede_waitgroup_wait(one), 0);
        free(one);
        pthread_join(thread, NULL);
    }
}

Suite *suite(void)
{
    Suite *self = suite_create("waitgroup");
    TCase *cases = tcase_create("waitgroup");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, it_ends_all_waits_when_nothing_is_left);
    tcase_add_test(cases, it_counts_within_bounds);
    tcase_add_test(cases, what_need_not_wait_succeeds_after_a_deadline);
    tcase_add_test(cases, a_deadlock_is_reported);
    tcase_add_test(cases, who_waited_may_free_it);
    EARLY_ADD(cases);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
