/* SPDX-License-Identifier: MIT */
/* Generators: every item arrives, in order; the body ends when its loop does; neither's scopes reach the other. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "early.h"

#define LONG (600 * CEDE_SECOND) /* fails the test by its time limit */

static int ended; /* bodies that were left, in whatever way */

static void count_up(int *counter)
{
    ++*counter;
    errno = EIO; /* must not reach anybody */
}

struct counter { int from, to; };

static int counter(struct counter *a, int *item)
{
    cede_defer(count_up, &ended);
    for (int i = a->from; i < a->to; i++)
        if (cede_gen_put(item, i) != 0)
            return -1;
    return 0;
}

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

static int parks(void *unused)
{
    (void)unused;
    return cede_park();
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

/* ---- each has its own scopes ---- */

struct bounded { int count; int64_t ns; };

static int bounded(struct bounded *a, int *item)
{
    cede_timeout (a->ns)
        for (int i = 0; i < a->count; i++) {
            if (cede_gen_put(item, i) != 0)
                return -1;
            if (cede_check() != 0)
                return -1;
        }
    return 0;
}

TASK_TEST(a_deadline_in_the_body_does_not_reach_the_consumer)
{
    int turns = 0;

    ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
    cede_for (int, i, bounded, .count = 10, .ns = 2 * CEDE_MILLISECOND) {
        ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
        ck_assert_int_eq(cede_sleep(5 * CEDE_MILLISECOND), 0);
        ck_assert_int_eq(cede_check(), 0);
        turns++;
    }
    ck_assert_int_eq(errno, ETIMEDOUT); /* the body's own, for it went on meanwhile */
    ck_assert_int_eq(turns, 1);
    ck_assert_int_eq(cede_check(), 0);
}

TASK_TEST(a_deadline_of_the_consumer_holds_in_the_body_while_it_runs)
{
    struct cede_gen gen;
    int item;

    ck_assert_int_eq(cede_gen_open(&gen, &item, bounded, .count = 10, .ns = LONG), 0);
    cede_timeout (0)
        ck_assert_int_eq(cede_gen_next(&gen), 1);
    ck_assert_int_eq(cede_gen_next(&gen), 1);
    cede_timeout (0)
        ck_assert_fails(cede_gen_next(&gen), ETIMEDOUT);
    ck_assert_fails(cede_gen_close(&gen), ETIMEDOUT);
}

struct shielded { int unused; };

static int shielded(struct shielded *a, int *item)
{
    (void)a;
    cede_shield {
        while (cede_gen_put(item, 1) == 0)
            ck_assert_int_eq(cede_sleep(1), 0);
        return 0;
    }
    return -1;
}

static int consumes_shielded(void *unused)
{
    (void)unused;
    cede_for (int, i, shielded, .unused = 0)
        if (cede_sleep(CEDE_MILLISECOND) != 0)
            break;
    ck_assert_int_eq(errno, ECANCELED);
    return 0;
}

TASK_TEST(a_shield_in_the_body_does_not_shield_the_consumer)
{
    struct cede_task *task = cede_spawn(consumes_shielded, NULL);

    cede_sleep(3 * CEDE_MILLISECOND);
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
}

static int destroyed;

static void destroy(void *value)
{
    destroyed++;
    free(value);
}

static const struct cede_local key = CEDE_LOCAL_INIT(destroy);

static char *text(const char *string)
{
    return strcpy(malloc(strlen(string) + 1), string);
}

struct local { int unused; };

static int local(struct local *a, const char **item)
{
    (void)a;
    if (cede_gen_put(item, cede_local_get(&key)) != 0)
        return -1;
    cede_local_with (&key, text("inner"))
        if (cede_gen_put(item, cede_local_get(&key)) != 0)
            return -1;
    if (cede_gen_put(item, cede_local_get(&key)) != 0)
        return -1;
    cede_local_set(&key, text("last"));
    return cede_gen_put(item, cede_local_get(&key));
}

TASK_TEST(task_locals_are_inherited_and_then_its_own)
{
    static const char *const expected[] = {"outer", "inner", "outer", "last"};
    int i = 0, last;

    cede_local_set(&key, text("outer"));
    cede_for (const char *, value, local, .unused = 0) {
        ck_assert_str_eq(value, expected[i]);
        ck_assert_str_eq(cede_local_get(&key), i == 0 ? "outer" : "changed");
        cede_local_set(&key, text("changed"));
        i++;
    }
    ck_assert_int_eq(i, 4);
    ck_assert_int_eq(destroyed, 6);
    for (last = 0; last < 4; last++) {
        i = 0;
        cede_for (const char *, value, local, .unused = 0)
            if (i++ == last)
                break;
        ck_assert_str_eq(cede_local_get(&key), "changed");
    }
    cede_local_set(&key, NULL);
    ck_assert_int_eq(destroyed, 7 + 1 + 1 + 2);
}

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

struct names { int unused; };

static int names(struct names *a, int *item)
{
    (void)a;
    ck_assert_int_eq(cede_name_set("from the body"), 0);
    return cede_gen_put(item, 1);
}

/* ---- the rest of the runtime sees one task ---- */

static int names_in_a_body(void *unused)
{
    (void)unused;
    cede_for (int, i, names, .unused = 0)
        ck_assert_str_eq(cede_name(), "from the body");
    ck_assert_str_eq(cede_name(), "from the body");
    return 0;
}

struct self { int unused; };

static int self(struct self *a, struct cede_task **item)
{
    (void)a;
    return cede_gen_put(item, cede_self());
}

TASK_TEST(the_body_is_the_consumer)
{
    cede_for (struct cede_task *, task, self, .unused = 0)
        ck_assert_ptr_eq(task, cede_self());
    ck_assert_int_eq(cede_await(cede_spawn(names_in_a_body, NULL)), 0);
}

struct dumps { int fd; };

static int dumps(struct dumps *a, int *item)
{
    return cede_dump(a->fd) > 0 ? cede_gen_put(item, 1) : -1;
}

static __attribute__((noinline)) int consumes_a_dump(int fd)
{
    int turns = 0;

    cede_for (int, i, dumps, .fd = fd)
        turns++;
    return turns;
}

TASK_TEST(a_dump_shows_the_body_and_its_consumer)
{
    char name[] = "/tmp/cede_test_gen_XXXXXX", report[20000];
    int fd = mkstemp(name);
    ssize_t length;
    char *found;

    ck_assert_int_ge(fd, 0);
    unlink(name);
    ck_assert_int_eq(consumes_a_dump(fd), 1);
    length = pread(fd, report, sizeof report - 1, 0);
    ck_assert_int_gt(length, 0);
    report[length] = '\0';
    found = strstr(report, "a generator, consumed by\n");
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_nonnull(strstr(found, "consumes_a_dump"));
    close(fd);
}

/* ---- many ---- */

struct storm { unsigned seed; int depth; };

static int open_bodies;

static void count_down(int *counter)
{
    --*counter;
}

static int some_errno(unsigned choice)
{
    errno = choice % 2 ? EDOM : ERANGE;
    return -1;
}

static int storm(struct storm *a, unsigned *item)
{
    unsigned choice, next = 0, sum;

    open_bodies++;
    cede_defer(count_down, &open_bodies);
    for (;;) {
        choice = harness_random(&a->seed) % 32;
        if (choice == 0)
            return 0;
        if (choice == 1)
            return some_errno(a->seed);
        if (choice == 2 && a->depth == 0)
            cede_exit(5);
        if (choice < 6) {
            cede_yield();
        } else if (choice < 8) {
            cede_timeout ((int64_t)(harness_random(&a->seed) % 4) * 10 * CEDE_MICROSECOND) {
                if (cede_gen_put(item, next++) != 0)
                    return -1;
                cede_sleep(20 * CEDE_MICROSECOND);
            }
        } else if (choice < 10 && a->depth > 0) {
            sum = 0;
            cede_for (unsigned, i, storm, .seed = harness_random(&a->seed), .depth = a->depth - 1) {
                ck_assert_uint_eq(i, sum);
                sum++;
                if (harness_random(&a->seed) % 8 == 0)
                    break;
                if (cede_gen_put(item, next++) != 0)
                    return -1;
            }
        } else if (choice == 10) {
            cede_group (g) {
                cede_group_spawn(g, NULL, parks, NULL);
                if (cede_gen_put(item, next++) != 0)
                    break;
                cede_yield();
                cede_group_cancel(g);
            }
        } else if (choice == 11) {
            cede_shield
                if (cede_gen_put(item, next++) != 0)
                    break;
        } else if (cede_gen_put(item, next++) != 0 && harness_random(&a->seed) % 2) {
            return -1;
        }
    }
}

static int storms(void *arg)
{
    unsigned seed = *(unsigned *)arg, expected = 0;

    cede_timeout (harness_random(&seed) % 2 ? CEDE_FOREVER : harness_random(&seed) % 200 * CEDE_MICROSECOND)
        cede_for (unsigned, i, storm, .seed = seed, .depth = 3) {
            ck_assert_uint_eq(i, expected);
            expected++;
            if (harness_random(&seed) % 50 == 0)
                break;
            if (harness_random(&seed) % 10 == 0)
                cede_yield();
        }
    return 0;
}

TASK_TEST(a_storm_of_generators)
{
    enum { TASKS = 8 };
    struct cede_task *tasks[TASKS];
    unsigned seeds[TASKS], seed = 23;
    int round, i;

    for (round = 0; round < HARNESS_ROUNDS(6000); round++) {
        for (i = 0; i < TASKS; i++) {
            seeds[i] = harness_random(&seed);
            ck_assert_ptr_nonnull(tasks[i] = cede_spawn(storms, &seeds[i]));
        }
        for (i = harness_random(&seed) % 4; i > 0; i--)
            cede_yield();
        cede_cancel(tasks[harness_random(&seed) % TASKS]);
        for (i = 0; i < TASKS; i++)
            ck_assert_int_ge(cede_await(tasks[i]), 0);
        ck_assert_int_eq(open_bodies, 0);
    }
    ck_assert_int_eq(cede_check(), 0);
}

Suite *suite(void)
{
    Suite *gen = suite_create("gen");
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
    tcase_add_test(cases, while_the_body_waits_others_run);
    tcase_add_test(cases, the_body_is_cancelled_with_its_task);
    tcase_add_test(cases, a_deadline_around_the_loop_reaches_the_body);
    tcase_add_test(cases, children_of_a_body_end_with_it);
    tcase_add_test(cases, a_deadline_in_the_body_does_not_reach_the_consumer);
    tcase_add_test(cases, a_deadline_of_the_consumer_holds_in_the_body_while_it_runs);
    tcase_add_test(cases, a_shield_in_the_body_does_not_shield_the_consumer);
    tcase_add_test(cases, task_locals_are_inherited_and_then_its_own);
    tcase_add_test(cases, a_body_may_consume_and_may_call_others);
    tcase_add_test(cases, many_levels);
    tcase_add_test(cases, exit_in_a_body_ends_the_task);
    tcase_add_test(cases, exit_in_the_loop_ends_the_body);
    tcase_add_test(cases, the_body_is_the_consumer);
    tcase_add_test(cases, a_dump_shows_the_body_and_its_consumer);
    tcase_add_test(cases, a_storm_of_generators);
    tcase_add_test(cases, the_wait_for_an_item_ends_early);
    suite_add_tcase(gen, cases);
    return gen;
}
