/* SPDX-License-Identifier: MIT */
/* Generators: every item arrives, in order; the body ends when its loop does, and errno tells how. */
#include <string.h>

#include "counter.h"

/* ---- items ---- */

TASK_TEST(a_loop_gets_every_item_in_order)
{
    int expected = 3;

    errno = ENOENT;
    cede_for (int, i, counter, .from = 3, .to = 1000)
        ck_assert_int_eq(i, expected++);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(expected, 1000);
    ck_assert_int_eq(ended, 1);
    cede_for (int, i, counter, .to = 0)
        ck_abort();
    ck_assert_int_eq(ended, 2);
}

struct point { double x, y; char name[24]; };
struct points { int count; };

static int points(struct points *a, struct point *item)
{
    for (int i = 0; i < a->count; i++) {
        struct point p = {.x = i, .y = -i, .name = "point"};

        if (cede_gen_put(item, p) != 0)
            return -1;
    }
    return 0;
}

struct words { const char *text; char room[200]; };

static int words(struct words *a, const char **item)
{
    strcpy(a->room, a->text); /* the arguments are the body's own */
    for (char *word = strtok(a->room, " "); word; word = strtok(NULL, " "))
        if (cede_gen_put(item, word) != 0)
            return -1;
    return 0;
}

TASK_TEST(items_may_be_of_any_type)
{
    int n = 0;

    cede_for (struct point, p, points, .count = 5) {
        ck_assert(p.x == n && p.y == -n);
        ck_assert_str_eq(p.name, "point");
        n++;
    }
    ck_assert_int_eq(n, 5);
    cede_for (const char *, word, words, .text = "to be or not")
        n += (int)strlen(word);
    ck_assert_int_eq(n, 5 + 9);
}

TASK_TEST(the_loop_may_change_its_variable)
{
    int turns = 0;

    cede_for (int, i, counter, .from = 0, .to = 10) {
        i += 100;
        turns++;
        ck_assert_int_eq(i, 99 + turns);
    }
    ck_assert_int_eq(turns, 10);
}

/* ---- leaving early ---- */

static int returns_from_the_loop(int at)
{
    cede_for (int, i, counter, .from = 0, .to = 100)
        if (i == at)
            return i;
    return -1;
}

TASK_TEST(the_body_ends_when_the_loop_is_left)
{
    int turns = 0;

    errno = ENOENT;
    cede_for (int, i, counter, .from = 0, .to = 100) {
        turns++;
        if (i == 7)
            break;
        if (i > 5)
            continue;
        errno = EDOM;
    }
    ck_assert_int_eq(turns, 8);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_int_eq(ended, 1);
    ck_assert_int_eq(returns_from_the_loop(4), 4);
    ck_assert_int_eq(ended, 2);
    cede_for (int, i, counter, .from = 0, .to = 100) {
        if (i == 1)
            goto out;
    }
out:
    ck_assert_int_eq(ended, 3);
}

struct stubborn { int *steps; };

/* Goes on putting items, and cleans up with waits. */
static int stubborn(struct stubborn *a, int *item)
{
    int i;

    ck_assert_fails(cede_gen_put(item, 1), ECANCELED);
    for (i = 0; i < 3; i++)
        ck_assert_fails(cede_gen_put(item, 2), ECANCELED);
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    ck_assert_fails(cede_check(), ECANCELED);
    ++*a->steps;
    cede_shield {
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        cede_timeout (CEDE_MILLISECOND)
            ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
        ck_assert_fails(cede_gen_put(item, 3), ECANCELED);
    }
    ++*a->steps;
    return -1;
}

TASK_TEST(a_body_that_is_left_is_cancelled_and_awaited)
{
    int steps = 0;

    cede_for (int, i, stubborn, .steps = &steps)
        break;
    ck_assert_int_eq(steps, 2);
    ck_assert_int_eq(cede_check(), 0); /* the consumer is not cancelled */
    ck_assert_int_eq(cede_sleep(1), 0);
}

/* ---- errors ---- */

struct fails { int after, error; };

static int fails(struct fails *a, int *item)
{
    for (int i = 0; i < a->after; i++)
        if (cede_gen_put(item, i) != 0)
            break;
    errno = a->error;
    return -2;
}

TASK_TEST(after_the_loop_errno_tells_how_the_body_ended)
{
    int turns = 0;

    cede_for (int, i, fails, .after = 3, .error = ERANGE)
        turns++;
    ck_assert_int_eq(errno, ERANGE);
    ck_assert_int_eq(turns, 3);
    cede_for (int, i, counter, .from = 0, .to = 1)
        errno = EDOM;
    ck_assert_int_eq(errno, 0);
}

START_TEST(outside_a_task_there_are_no_items)
{
    struct cede_gen gen;
    int item = 0;

    errno = 0;
    cede_for (int, i, counter, .from = 0, .to = 1)
        ck_abort();
    ck_assert_int_eq(errno, EPERM);
    ck_assert_fails(cede_gen_open(&gen, &item, counter, .to = 1), EPERM);
    ck_assert_fails(cede_gen_next(&gen), EPERM);
    ck_assert_int_eq(cede_gen_close(&gen), 0);
    ck_assert_fails(cede_gen_put(&item, 1), EPERM);
}
END_TEST

struct large { char bytes[20000]; };

static int large(struct large *a, int *item)
{
    return cede_gen_put(item, a->bytes[19999]);
}

static int asks_for_too_much(void *unused)
{
    struct cede_gen gen;
    int item;

    (void)unused;
    ck_assert_fails(cede_gen_open(&gen, &item, large, .bytes = {0}), EINVAL);
    ck_assert_int_eq(cede_gen_close(&gen), 0);
    return 0;
}

START_TEST(arguments_must_leave_room_on_the_stack)
{
    const struct cede_run_attr attr = {.stack_size = 32 << 10};

    ck_assert_int_eq(cede_run_attr(&attr, asks_for_too_much, NULL), 0);
}
END_TEST

TASK_TEST(large_arguments_are_copied)
{
    struct large a = {.bytes[19999] = 5};

    cede_for (int, i, large, .bytes[19999] = 5)
        ck_assert_int_eq(i, a.bytes[19999]);
    ck_assert_int_eq(errno, 0);
}

/* ---- step by step ---- */

struct echo { int unused; };

/* What the consumer leaves in the item comes back, doubled. */
static int echo(struct echo *a, int *item)
{
    (void)a;
    cede_defer(count_up, &ended);
    while (*item >= 0)
        if (cede_gen_put(item, 2 * *item) != 0)
            return -1;
    errno = ERANGE;
    return *item;
}

TASK_TEST(step_by_step_items_go_both_ways)
{
    struct cede_gen gen;
    int item = 0, i;

    ck_assert_int_eq(cede_gen_open(&gen, &item, echo, .unused = 0), 0);
    for (i = 0; i < 5; i++) {
        item = i;
        ck_assert_int_eq(cede_gen_next(&gen), 1);
        ck_assert_int_eq(item, 2 * i);
    }
    item = -1;
    ck_assert_fails(cede_gen_next(&gen), ERANGE);
    ck_assert_fails(cede_gen_next(&gen), ERANGE);
    ck_assert_fails(cede_gen_close(&gen), ERANGE);
    ck_assert_int_eq(cede_gen_close(&gen), 0);
    ck_assert_fails(cede_gen_next(&gen), EPERM);
    ck_assert_int_eq(ended, 1);
}

TASK_TEST(closing_tells_what_went_wrong)
{
    struct cede_gen gen;
    int item = 0;

    ck_assert_int_eq(cede_gen_open(&gen, &item, counter, .from = 0, .to = 5), 0);
    ck_assert_int_eq(cede_gen_close(&gen), 0); /* has not begun */
    ck_assert_int_eq(ended, 0);
    ck_assert_int_eq(cede_gen_open(&gen, &item, counter, .from = 0, .to = 5), 0);
    ck_assert_int_eq(cede_gen_next(&gen), 1);
    ck_assert_int_eq(cede_gen_close(&gen), 0); /* it returned -1, ECANCELED */
    ck_assert_int_eq(ended, 1);
    ck_assert_int_eq(cede_gen_open(&gen, &item, fails, .after = 5, .error = EDOM), 0);
    ck_assert_int_eq(cede_gen_next(&gen), 1);
    ck_assert_fails(cede_gen_close(&gen), EDOM);
    ck_assert_int_eq(cede_gen_open(&gen, &item, counter, .from = 0, .to = 1), 0);
    ck_assert_int_eq(cede_gen_next(&gen), 1);
    ck_assert_int_eq(cede_gen_next(&gen), 0);
    ck_assert_int_eq(cede_gen_next(&gen), 0);
    ck_assert_int_eq(cede_gen_close(&gen), 0);
}

static int steals(void *gen)
{
    ck_assert_fails(cede_gen_next(gen), EPERM);
    ck_assert_fails(cede_gen_close(gen), EPERM);
    return 0;
}

struct reenters { struct cede_gen *self; };

static int reenters(struct reenters *a, int *item)
{
    int other;

    ck_assert_fails(cede_gen_next(a->self), EDEADLK);
    ck_assert_fails(cede_gen_close(a->self), EDEADLK);
    ck_assert_fails(cede_gen_put(&other, 1), EPERM);
    return cede_gen_put(item, 1);
}

TASK_TEST(a_generator_belongs_to_the_task_that_opened_it)
{
    struct cede_gen gen;
    int item = 0;

    ck_assert_int_eq(cede_gen_open(&gen, &item, counter, .from = 0, .to = 5), 0);
    ck_assert_int_eq(cede_await(cede_spawn(steals, &gen)), 0);
    ck_assert_int_eq(cede_gen_close(&gen), 0);
    ck_assert_int_eq(cede_gen_open(&gen, &item, reenters, .self = &gen), 0);
    ck_assert_int_eq(cede_gen_next(&gen), 1);
    ck_assert_int_eq(cede_gen_next(&gen), 0);
    ck_assert_int_eq(cede_gen_close(&gen), 0);
    ck_assert_fails(cede_gen_put(&item, 1), EPERM);
}

Suite *suite(void)
{
    Suite *self = suite_create("gen");
    TCase *cases = tcase_create("gen");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_loop_gets_every_item_in_order);
    tcase_add_test(cases, items_may_be_of_any_type);
    tcase_add_test(cases, the_loop_may_change_its_variable);
    tcase_add_test(cases, the_body_ends_when_the_loop_is_left);
    tcase_add_test(cases, a_body_that_is_left_is_cancelled_and_awaited);
    tcase_add_test(cases, after_the_loop_errno_tells_how_the_body_ended);
    tcase_add_test(cases, outside_a_task_there_are_no_items);
    tcase_add_test(cases, arguments_must_leave_room_on_the_stack);
    tcase_add_test(cases, large_arguments_are_copied);
    tcase_add_test(cases, step_by_step_items_go_both_ways);
    tcase_add_test(cases, closing_tells_what_went_wrong);
    tcase_add_test(cases, a_generator_belongs_to_the_task_that_opened_it);
    suite_add_tcase(self, cases);
    return self;
}
