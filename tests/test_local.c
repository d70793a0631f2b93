/* SPDX-License-Identifier: MIT */
/* Task-local values: who sees what, and that each value is destroyed once, when its last holder is gone. */
#include <stdlib.h>
#include <sys/resource.h>

#include "harness.h"

#define LONG (600 * CEDE_SECOND) /* fails the test by its time limit */

static int destroyed;
static int order[8]; /* what was destroyed last, first */

static void destroy(void *value)
{
    order[destroyed++ % 8] = *(int *)value;
    free(value);
    errno = EIO; /* must not reach whoever replaced the value */
}

static const struct cede_local plain;
static const struct cede_local owned = CEDE_LOCAL_INIT(destroy);

static int *number(int value)
{
    int *p = malloc(sizeof *p);

    ck_assert_ptr_nonnull(p);
    *p = value;
    return p;
}

static int owned_number(void)
{
    int *value = cede_local_get(&owned);

    return value ? *value : 0;
}

/* ---- one task ---- */

TASK_TEST(a_value_is_what_was_set_last)
{
    char a, b;

    ck_assert_ptr_null(cede_local_get(&plain));
    ck_assert_int_eq(cede_local_set(&plain, &a), 0);
    ck_assert_ptr_eq(cede_local_get(&plain), &a);
    ck_assert_ptr_null(cede_local_get(&owned));
    ck_assert_int_eq(cede_local_set(&plain, &b), 0);
    ck_assert_ptr_eq(cede_local_get(&plain), &b);
    ck_assert_int_eq(cede_local_set(&plain, NULL), 0);
    ck_assert_ptr_null(cede_local_get(&plain));
}

TASK_TEST(many_keys)
{
    static struct cede_local keys[50];
    int i, round;

    for (round = 1; round <= 2; round++) {
        for (i = 0; i < 50; i++)
            ck_assert_int_eq(cede_local_set(&keys[i], &keys[i] + round), 0);
        for (i = 0; i < 50; i++)
            ck_assert_ptr_eq(cede_local_get(&keys[i]), &keys[i] + round);
    }
}

TASK_TEST(a_replaced_value_is_destroyed)
{
    int *same = number(3);

    ck_assert_int_eq(cede_local_set(&owned, number(1)), 0);
    errno = ENOENT;
    ck_assert_int_eq(cede_local_set(&owned, number(2)), 0);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(cede_local_set(&owned, same), 0);
    ck_assert_int_eq(cede_local_set(&owned, same), 0);
    ck_assert_int_eq(destroyed, 2);
    ck_assert_int_eq(*same, 3);
    ck_assert_int_eq(cede_local_set(&owned, NULL), 0);
    ck_assert_int_eq(destroyed, 3);
    ck_assert_int_eq(cede_local_set(&owned, NULL), 0);
    ck_assert_int_eq(destroyed, 3);
}

START_TEST(outside_a_task_there_are_none)
{
    struct cede_local_scope scope;
    bool inside = false;
    char a;

    ck_assert_fails(cede_local_set(&plain, &a), EPERM);
    ck_assert_ptr_null(cede_local_get(&plain));
    ck_assert_fails(cede_local_enter(&scope, &plain, &a), EPERM);
    cede_local_leave(&scope);
    errno = 0;
    cede_local_with (&plain, &a)
        inside = true;
    ck_assert(!inside);
    ck_assert_int_eq(errno, EPERM);
}
END_TEST

/* ---- the end of a task, in any way ---- */

static int sets_and_returns(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_local_set(&owned, number(1)), 0);
    return 0;
}

static int sets_and_exits(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_local_set(&owned, number(2)), 0);
    cede_exit(0);
}

static int sets_and_is_cancelled(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_local_set(&owned, number(3)), 0);
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    return 0;
}

TASK_TEST(a_value_is_destroyed_at_the_end_of_its_task)
{
    const struct cede_task_attr detached = {.detached = 1};
    struct cede_task *task;

    ck_assert_int_eq(cede_await(cede_spawn(sets_and_returns, NULL)), 0);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(cede_await(cede_spawn(sets_and_exits, NULL)), 0);
    ck_assert_int_eq(destroyed, 2);
    ck_assert_ptr_nonnull(cede_spawn_attr(&detached, sets_and_returns, NULL));
    cede_yield();
    ck_assert_int_eq(destroyed, 3);
    task = cede_spawn(sets_and_is_cancelled, NULL);
    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(destroyed, 4);
    ck_assert_ptr_null(cede_local_get(&owned));
}

START_TEST(that_of_the_first_task_is_destroyed_at_the_end_of_the_run)
{
    ck_assert_int_eq(cede_run(sets_and_returns, NULL), 0);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(cede_run(sets_and_exits, NULL), 0);
    ck_assert_int_eq(destroyed, 2);
}
END_TEST

/* ---- inheritance ---- */

static int *expected_in_child;

static int child(void *unused)
{
    (void)unused;
    ck_assert_ptr_eq(cede_local_get(&owned), expected_in_child);
    ck_assert_int_eq(cede_local_set(&owned, number(20)), 0);
    ck_assert_int_eq(destroyed, 0);
    cede_yield();
    ck_assert_int_eq(owned_number(), 20);
    return 0;
}

TASK_TEST(a_child_begins_with_the_values_of_its_parent)
{
    struct cede_task *task;

    expected_in_child = number(10);
    ck_assert_int_eq(cede_local_set(&owned, expected_in_child), 0);
    task = cede_spawn(child, NULL);
    cede_yield();
    ck_assert_int_eq(owned_number(), 10);
    ck_assert_int_eq(cede_local_set(&owned, number(11)), 0);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(destroyed, 2);
    ck_assert_int_eq(order[1], 20);
    ck_assert_int_eq(owned_number(), 11);
}

/* What counts is the moment of the spawn, also for a child that starts later, and for its own children. */
static int grandchild(void *unused)
{
    (void)unused;
    ck_assert_int_eq(owned_number(), 1);
    return 0;
}

static int late_child(void *unused)
{
    ck_assert_int_eq(owned_number(), 1);
    return cede_await(cede_spawn(grandchild, unused));
}

TASK_TEST(a_child_sees_what_was_set_when_it_was_spawned)
{
    struct cede_task *task;

    cede_local_set(&owned, number(1));
    task = cede_spawn(late_child, NULL);
    cede_local_set(&owned, number(2));
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(order[0], 1);
}

static int holds_on(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_park(), 0);
    ck_assert_int_eq(owned_number(), 5);
    return 0;
}

static struct cede_task *last_holder;

static int sets_spawns_and_ends(void *unused)
{
    cede_local_set(&owned, number(5));
    last_holder = cede_spawn(holds_on, unused);
    return 0;
}

TASK_TEST(a_child_may_hold_a_value_longer_than_its_parent)
{
    ck_assert_int_eq(cede_await(cede_spawn(sets_spawns_and_ends, NULL)), 0);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(cede_wake(last_holder), 0);
    ck_assert_int_eq(cede_await(last_holder), 0);
    ck_assert_int_eq(destroyed, 1);
}

/* A stack of this size cannot be had: the task ends without having begun. */
TASK_TEST(a_task_that_never_starts_lets_go_too)
{
#if !defined HARNESS_SANITIZED && SIZE_MAX > UINT32_MAX
    const struct cede_task_attr huge = {.stack_size = CEDE_STACK_MAX};
    struct cede_task *tasks[100];
    int i, failed = 0;
    struct rlimit limit = {(rlim_t)8 << 30, (rlim_t)8 << 30};

    if (harness_emulated("limit on memory"))
        return;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(cede_local_set(&owned, number(5)), 0);
    for (i = 0; i < 100; i++)
        ck_assert_ptr_nonnull(tasks[i] = cede_spawn_attr(&huge, holds_on, NULL));
    ck_assert_int_eq(cede_local_set(&owned, NULL), 0);
    ck_assert_int_eq(destroyed, 0);
    cede_yield();
    for (i = 0; i < 100; i++) {
        cede_wake(tasks[i]);
        failed += cede_await(tasks[i]) == -1;
    }
    ck_assert_int_gt(failed, 0);
    ck_assert_int_eq(destroyed, 1);
#endif
}

/* ---- scopes ---- */

TASK_TEST(after_a_scope_the_value_is_the_former_one)
{
    char a, b, c;
    int i;

    cede_local_with (&plain, &a) {
        ck_assert_ptr_eq(cede_local_get(&plain), &a);
        cede_local_with (&plain, &b) {
            ck_assert_ptr_eq(cede_local_get(&plain), &b);
            cede_local_set(&plain, &c);
            ck_assert_ptr_eq(cede_local_get(&plain), &c);
        }
        ck_assert_ptr_eq(cede_local_get(&plain), &a);
    }
    ck_assert_ptr_null(cede_local_get(&plain));
    for (i = 0; i < 3; i++) {
        cede_local_with (&plain, &b) {
            if (i == 1)
                continue;
            break;
        }
        ck_assert_ptr_null(cede_local_get(&plain));
    }
    ck_assert_int_eq(i, 3);
    errno = ENOENT;
    cede_local_with (&owned, number(1)) {
        cede_local_set(&plain, &c);
        errno = EDOM;
    }
    ck_assert_int_eq(errno, EDOM);
    ck_assert_ptr_eq(cede_local_get(&plain), &c); /* another key's */
    ck_assert_int_eq(destroyed, 1);
}

static int sees_one(void *unused)
{
    (void)unused;
    ck_assert_int_eq(owned_number(), 1);
    cede_local_set(&owned, number(30));
    return 0;
}

TASK_TEST(children_inherit_a_scopes_value_and_may_outlive_it)
{
    struct cede_task *inside = NULL, *outside;

    cede_local_set(&owned, number(2));
    outside = cede_spawn(sets_and_returns, NULL);
    cede_local_with (&owned, number(1)) {
        inside = cede_spawn(sees_one, NULL);
        ck_assert_int_eq(owned_number(), 1);
    }
    ck_assert_int_eq(owned_number(), 2);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(cede_await(inside), 0);
    ck_assert_int_eq(destroyed, 3); /* 1, 30, and what `outside` has set */
    ck_assert_int_eq(cede_await(outside), 0);
    ck_assert_int_eq(destroyed, 3);
    ck_assert_int_eq(owned_number(), 2);
}

TASK_TEST(a_scope_may_bind_the_value_that_there_is)
{
    int *value = number(1);

    cede_local_set(&owned, value);
    cede_local_with (&owned, value) {
        ck_assert_int_eq(owned_number(), 1);
        cede_local_set(&owned, number(2));
        ck_assert_int_eq(destroyed, 0);
    }
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(owned_number(), 1);
}

static void expects_one(int *ran)
{
    *ran = owned_number();
}

static int exits_inside(void *ran)
{
    cede_local_set(&owned, number(1));
    cede_defer(expects_one, (int *)ran);
    cede_local_with (&owned, number(2))
        cede_exit(0);
    return 0;
}

TASK_TEST(exit_restores_the_value_on_the_way_out)
{
    int ran = 0;

    ck_assert_int_eq(cede_await(cede_spawn(exits_inside, &ran)), 0);
    ck_assert_int_eq(ran, 1);
    ck_assert_int_eq(destroyed, 2);
}

/* ---- many ---- */

enum { KEYS = 6 };

static struct cede_local storm_keys[KEYS];
static int alive; /* values */

static void count_down(void *value)
{
    ck_assert_int_gt(*(int *)value, 0);
    *(int *)value = 0;
    free(value);
    alive--;
}

static int *storm_value(unsigned key)
{
    alive++;
    return number((int)key + 1);
}

struct wander {
    unsigned seed;
    int depth;
};

static int wander(struct wander *a)
{
    struct cede_task *tasks[8];
    void *values[KEYS], *former;
    unsigned choice, key, i, count = 0;

    for (i = 0; i < 8; i++) {
        choice = harness_random(&a->seed) % 8;
        key = harness_random(&a->seed) % KEYS;
        if (choice < 3) {
            ck_assert_int_eq(cede_local_set(&storm_keys[key], choice == 0 ? NULL : storm_value(key)), 0);
        } else if (choice < 5 && a->depth > 0) {
            ck_assert_ptr_nonnull(tasks[count++] =
                                      cede_go(wander, .seed = harness_random(&a->seed), .depth = a->depth - 1));
        } else if (choice == 5 && a->depth > 0) {
            former = cede_local_get(&storm_keys[key]);
            cede_local_with (&storm_keys[key], storm_value(key)) {
                cede_yield();
                ck_assert_ptr_nonnull(tasks[count++] =
                                          cede_go(wander, .seed = harness_random(&a->seed), .depth = a->depth - 1));
                if (harness_random(&a->seed) % 4 == 0)
                    break;
                ck_assert_int_eq(cede_local_set(&storm_keys[(key + 1) % KEYS], storm_value((key + 1) % KEYS)), 0);
            }
            ck_assert_ptr_eq(cede_local_get(&storm_keys[key]), former);
        } else if (choice == 6) {
            for (key = 0; key < KEYS; key++)
                values[key] = cede_local_get(&storm_keys[key]);
            cede_timeout (harness_random(&a->seed) % 2 ? CEDE_FOREVER : harness_random(&a->seed) % 20000)
                cede_sleep(harness_random(&a->seed) % 20000);
            for (key = 0; key < KEYS; key++) {
                ck_assert_ptr_eq(cede_local_get(&storm_keys[key]), values[key]);
                ck_assert(!values[key] || *(int *)values[key] == (int)key + 1);
            }
        } else if (choice == 7 && count > 0) {
            cede_cancel(tasks[harness_random(&a->seed) % count]);
        }
    }
    cede_shield
        while (count > 0)
            ck_assert_int_eq(cede_await(tasks[--count]), 0);
    if (harness_random(&a->seed) % 2)
        cede_exit(0);
    return 0;
}

TASK_TEST(storm)
{
    unsigned seed = 11, key;
    int round;

    for (key = 0; key < KEYS; key++)
        storm_keys[key].destroy = count_down;
    for (round = 0; round < HARNESS_ROUNDS(2000); round++) {
        ck_assert_int_eq(cede_await(cede_go(wander, .seed = harness_random(&seed), .depth = 3)), 0);
        ck_assert_int_eq(alive, 0);
    }
}

Suite *suite(void)
{
    Suite *local = suite_create("local");
    TCase *cases = tcase_create("local");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_value_is_what_was_set_last);
    tcase_add_test(cases, many_keys);
    tcase_add_test(cases, a_replaced_value_is_destroyed);
    tcase_add_test(cases, outside_a_task_there_are_none);
    tcase_add_test(cases, a_value_is_destroyed_at_the_end_of_its_task);
    tcase_add_test(cases, that_of_the_first_task_is_destroyed_at_the_end_of_the_run);
    tcase_add_test(cases, a_child_begins_with_the_values_of_its_parent);
    tcase_add_test(cases, a_child_sees_what_was_set_when_it_was_spawned);
    tcase_add_test(cases, a_child_may_hold_a_value_longer_than_its_parent);
    tcase_add_test(cases, a_task_that_never_starts_lets_go_too);
    tcase_add_test(cases, after_a_scope_the_value_is_the_former_one);
    tcase_add_test(cases, children_inherit_a_scopes_value_and_may_outlive_it);
    tcase_add_test(cases, a_scope_may_bind_the_value_that_there_is);
    tcase_add_test(cases, exit_restores_the_value_on_the_way_out);
    tcase_add_test(cases, storm);
    suite_add_tcase(local, cases);
    return local;
}
