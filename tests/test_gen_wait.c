/* SPDX-License-Identifier: MIT */
/* Generators whose bodies wait: others run meanwhile, and cancellation and deadlines reach the body. */
#include "counter.h"

/* ---- the body waits ---- */

struct sleeper { int count; int64_t ns; };

static int sleeper(struct sleeper *a, int *item)
{
    cede_defer(count_up, &ended);
    for (int i = 0; i < a->count; i++)
        if (cede_sleep(a->ns) != 0 || cede_gen_put(item, i) != 0)
            return -1;
    return 0;
}

static int ticks;

static int ticker(void *unused)
{
    (void)unused;
    while (cede_sleep(CEDE_MILLISECOND) == 0)
        ticks++;
    return 0;
}

TASK_TEST(while_the_body_waits_others_run)
{
    struct cede_task *task = cede_spawn(ticker, NULL);
    int expected = 0;

    cede_for (int, i, sleeper, .count = 10, .ns = 2 * CEDE_MILLISECOND)
        ck_assert_int_eq(i, expected++);
    ck_assert_int_eq(expected, 10);
    ck_assert_int_gt(ticks, 2);
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
}

static int consumes_for_ever(void *unused)
{
    int turns = 0;

    (void)unused;
    cede_for (int, i, sleeper, .count = 1000, .ns = CEDE_MILLISECOND)
        turns++;
    ck_assert_int_eq(errno, ECANCELED);
    return turns;
}

TASK_TEST(the_body_is_cancelled_with_its_task)
{
    struct cede_task *task = cede_spawn(consumes_for_ever, NULL);
    int turns;

    cede_sleep(5 * CEDE_MILLISECOND);
    cede_cancel(task);
    turns = cede_await(task);
    ck_assert_int_ge(turns, 0);
    ck_assert_int_lt(turns, 1000);
    ck_assert_int_eq(ended, 1);
}

struct waits { int unused; };
static int waits(struct waits *a, int *item)
{
    (void)a, (void)item;
    return cede_sleep(CEDE_FOREVER);
}

static int asks_in_vain(void *unused)
{
    struct cede_gen gen;
    int item, result, error;

    (void)unused;
    ck_assert_int_eq(cede_gen_open(&gen, &item, waits, .unused = 0), 0);
    result = cede_gen_next(&gen);
    error = errno;
    ck_assert_fails(cede_gen_close(&gen), error); /* what the body returned */
    errno = error;
    return result;
}

TASK_TEST(the_wait_for_an_item_ends_early)
{
    early_assert_ends(asks_in_vain, NULL);
}

TASK_TEST(a_deadline_around_the_loop_reaches_the_body)
{
    struct cede_gen gen;
    int item;

    cede_timeout (3 * CEDE_MILLISECOND) {
        cede_for (int, i, sleeper, .count = 2, .ns = LONG)
            ck_abort();
        ck_assert_int_eq(errno, ETIMEDOUT);
    }
    ck_assert_int_eq(cede_gen_open(&gen, &item, sleeper, .count = 10, .ns = LONG), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_gen_next(&gen), ETIMEDOUT);
    ck_assert_int_eq(cede_check(), 0);
    ck_assert_fails(cede_gen_close(&gen), ETIMEDOUT);
    ck_assert_int_eq(ended, 2);
}

struct gathers { int count; };

/* A body with children of its own. */
static int gathers(struct gathers *a, int *item)
{
    int error = 0;

    cede_defer(count_up, &ended);
    cede_group (g) {
        for (int i = 0; i < a->count && !error; i++) {
            cede_group_spawn(g, NULL, parks, NULL);
            if (cede_gen_put(item, i) != 0)
                error = errno;
        }
        cede_group_cancel(g);
    }
    return -error;
}

TASK_TEST(children_of_a_body_end_with_it)
{
    int turns = 0;

    cede_for (int, i, gathers, .count = 10)
        turns++;
    ck_assert_int_eq(turns, 10);
    cede_for (int, i, gathers, .count = 10)
        if (i == 3)
            break;
    ck_assert_int_eq(ended, 2);
}

Suite *suite(void)
{
    Suite *self = suite_create("gen_wait");
    TCase *cases = tcase_create("gen_wait");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, while_the_body_waits_others_run);
    tcase_add_test(cases, the_body_is_cancelled_with_its_task);
    tcase_add_test(cases, a_deadline_around_the_loop_reaches_the_body);
    tcase_add_test(cases, children_of_a_body_end_with_it);
    tcase_add_test(cases, the_wait_for_an_item_ends_early);
    suite_add_tcase(self, cases);
    return self;
}
