/* SPDX-License-Identifier: MIT */
/* Generators that consume generators, or call them; and the end of the task from any depth of them. */
#include "counter.h"

/* ---- generators in generators ---- */

struct squares { int count; };

static int squares(struct squares *a, long *item)
{
    cede_defer(count_up, &ended);
    cede_for (int, i, counter, .from = 0, .to = a->count)
        if (cede_gen_put(item, (long)i * i) != 0)
            return -1;
    return errno ? -1 : 0;
}

struct chain { int count; };

/* From other generators, by calling them. */
static int chain(struct chain *a, int *item)
{
    if (counter(&(struct counter){.from = 0, .to = a->count}, item) != 0)
        return -1;
    return counter(&(struct counter){.from = 0, .to = a->count}, item);
}

TASK_TEST(a_body_may_consume_and_may_call_others)
{
    int n = 0, turns = 0;

    cede_for (long, square, squares, .count = 100) {
        ck_assert_int_eq(square, (long)n * n);
        n++;
    }
    ck_assert_int_eq(n, 100);
    ck_assert_int_eq(ended, 2);
    cede_for (long, square, squares, .count = 100)
        if (square == 25)
            break;
    ck_assert_int_eq(ended, 4);
    cede_for (int, i, chain, .count = 5)
        ck_assert_int_eq(i, turns++ % 5);
    ck_assert_int_eq(turns, 10);
    ck_assert_int_eq(ended, 6);
    turns = 0;
    cede_for (int, i, counter, .from = 0, .to = 10)
        cede_for (int, j, counter, .from = 0, .to = i)
            turns++;
    ck_assert_int_eq(turns, 45);
}

struct deep { int levels; };

static int deep(struct deep *a, int *item)
{
    cede_defer(count_up, &ended);
    if (a->levels == 0)
        return cede_sleep(1) != 0 || cede_gen_put(item, 0) != 0 || cede_gen_put(item, 100) != 0 ? -1 : 0;
    cede_for (int, i, deep, .levels = a->levels - 1)
        if (cede_gen_put(item, i + 1) != 0)
            return -1;
    return errno ? -1 : 0;
}

TASK_TEST(many_levels)
{
    int turns = 0;

    cede_for (int, i, deep, .levels = 30) {
        ck_assert_int_eq(i, turns == 0 ? 30 : 130);
        turns++;
    }
    ck_assert_int_eq(turns, 2);
    ck_assert_int_eq(ended, 31);
    cede_for (int, i, deep, .levels = 30)
        break;
    ck_assert_int_eq(ended, 62);
}

/* ---- the task ends ---- */

struct exits { int at, result; };

static int exits(struct exits *a, int *item)
{
    cede_defer(count_up, &ended);
    for (int i = 0;; i++) {
        cede_timeout (LONG) {
            if (i == a->at) {
                errno = EDOM;
                cede_exit(a->result);
            }
            if (cede_gen_put(item, i) != 0)
                cede_exit(a->result);
        }
    }
}

struct through { int at, result; };

static int through(struct through *a, int *item)
{
    cede_defer(count_up, &ended);
    cede_for (int, i, exits, .at = a->at, .result = a->result)
        if (cede_gen_put(item, i) != 0)
            return -1;
    ck_abort();
}

static int consumes_exits(void *arg)
{
    struct exits *a = arg;

    cede_defer(count_up, &ended);
    cede_for (int, i, through, .at = a->at, .result = a->result) {
        ck_assert_int_le(i, 5);
        if (i == 5)
            break;
    }
    ck_abort();
}

static int exits_in_the_loop(void *unused)
{
    (void)unused;
    cede_defer(count_up, &ended);
    cede_for (long, square, squares, .count = 10)
        if (square == 9)
            cede_exit(9);
    return 0;
}

TASK_TEST(exit_in_a_body_ends_the_task)
{
    struct exits a = {.at = 3, .result = 17};

    ck_assert_int_eq(cede_await(cede_spawn(consumes_exits, &a)), 17);
    ck_assert_int_eq(ended, 3);
    a = (struct exits){.at = 0, .result = -1};
    ck_assert_int_eq(cede_await(cede_spawn(consumes_exits, &a)), -1);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_int_eq(ended, 6);
    a = (struct exits){.at = 10, .result = 3}; /* while it is closed */
    ck_assert_int_eq(cede_await(cede_spawn(consumes_exits, &a)), 3);
    ck_assert_int_eq(ended, 9);
}

TASK_TEST(exit_in_the_loop_ends_the_body)
{
    ck_assert_int_eq(cede_await(cede_spawn(exits_in_the_loop, NULL)), 9);
    ck_assert_int_eq(ended, 3);
}

Suite *suite(void)
{
    Suite *self = suite_create("gen_nested");
    TCase *cases = tcase_create("gen_nested");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_body_may_consume_and_may_call_others);
    tcase_add_test(cases, many_levels);
    tcase_add_test(cases, exit_in_a_body_ends_the_task);
    tcase_add_test(cases, exit_in_the_loop_ends_the_body);
    suite_add_tcase(self, cases);
    return self;
}
