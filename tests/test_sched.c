/* SPDX-License-Identifier: MIT */
/* The scheduler: order, fairness, numbers. */
#include <fenv.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "sched.h"

/* ---- order ---- */

static char said[256];

static int says(void *letter)
{
    strcat(said, letter);
    return 0;
}

static int says_after_park(void *letter)
{
    ck_assert_int_eq(cede_park(), 0);
    return says(letter);
}

static int says_before_and_after_yield(void *letter)
{
    says(letter);
    ck_assert_int_eq(cede_yield(), 0);
    return says(letter);
}

TASK_TEST(spawns_run_in_order_and_after_the_spawner)
{
    struct cede_task *a = cede_spawn(says, (void *)"a"), *b = cede_spawn(says, (void *)"b"), *c;

    says((void *)"-");
    c = cede_spawn(says, (void *)"c");
    cede_yield();
    ck_assert_str_eq(said, "-abc");
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0 && cede_await(c) == 0);
}

TASK_TEST(wakes_take_effect_in_order)
{
    static char *const letters[] = {"a", "b", "c", "d"};
    static const int order[] = {2, 0, 3, 1};
    struct cede_task *tasks[4];
    int i;

    for (i = 0; i < 4; i++)
        tasks[i] = cede_spawn(says_after_park, letters[i]);
    cede_yield();
    for (i = 0; i < 4; i++)
        cede_wake(tasks[order[i]]);
    cede_yield();
    cede_yield();
    ck_assert_str_eq(said, "cadb");
    for (i = 0; i < 4; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
}

TASK_TEST(yield_goes_to_the_end)
{
    struct cede_task *a = cede_spawn(says_before_and_after_yield, (void *)"a");
    struct cede_task *b = cede_spawn(says_before_and_after_yield, (void *)"b");

    cede_yield();
    says((void *)"-");
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0);
    ck_assert_str_eq(said, "ab-ab");
}

/* ---- fairness ---- */

enum { YIELDERS = 20, YIELDS = 1000 };

static int turns[YIELDERS];

static int yields_and_compares(void *arg)
{
    int self = (int)(intptr_t)arg, i, other;

    for (i = 0; i < YIELDS; i++) {
        turns[self]++;
        for (other = 0; other < YIELDERS; other++)
            ck_assert_int_le(abs(turns[self] - turns[other]), 1);
        cede_yield();
    }
    return 0;
}

TASK_TEST(yielding_tasks_take_turns)
{
    struct cede_task *tasks[YIELDERS];
    intptr_t i;

    for (i = 0; i < YIELDERS; i++)
        tasks[i] = cede_spawn(yields_and_compares, (void *)i);
    for (i = 0; i < YIELDERS; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
}

static bool over;

static int yields_until_over(void *unused)
{
    (void)unused;
    while (!over)
        cede_yield();
    return 0;
}

TASK_TEST(timers_fire_while_others_yield)
{
    struct cede_task *a = cede_spawn(yields_until_over, NULL), *b = cede_spawn(yields_until_over, NULL);
    int64_t before = cede_now();
    int i;

    for (i = 0; i < 20; i++)
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    ck_assert_int_lt(cede_now() - before, 5 * CEDE_SECOND);
    over = true;
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0);
}

static int started;

static int works_a_little(void *unused)
{
    int64_t before = cede_now();

    (void)unused;
    started++;
    while (cede_now() - before < 20 * CEDE_MICROSECOND) {}
    return 0;
}

/* 40 ms of work in tasks that have not started, and a sleep that ends long before. */
TASK_TEST(timers_fire_before_a_crowd_has_started)
{
    enum { CROWD = 2000 };
    static struct cede_task *tasks[CROWD];
    int i;

    for (i = 0; i < CROWD; i++)
        tasks[i] = cede_spawn(works_a_little, NULL);
    ck_assert_int_eq(cede_sleep(CEDE_MICROSECOND), 0);
    ck_assert_int_lt(started, CROWD / 2);
    for (i = 0; i < CROWD; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_int_eq(started, CROWD);
}

static int ticks_until_over(void *unused)
{
    (void)unused;
    while (!over)
        cede__sched_tick(cede__worker);
    return 0;
}

/* Calls that never wait are as good as a loop, but for the tick. */
TASK_TEST(ticking_tasks_let_the_others_run)
{
    struct cede_task *a = cede_spawn(ticks_until_over, NULL), *b = cede_spawn(ticks_until_over, NULL);

    ck_assert_int_eq(cede_sleep(3 * CEDE_MILLISECOND), 0);
    over = true;
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0);
}

static int spawns_until_over(void *unused)
{
    (void)unused;
    while (!over)
        ck_assert_int_eq(cede_await(cede_spawn(says, (void *)"")), 0);
    return 0;
}

TASK_TEST(timers_fire_while_others_spawn_and_join)
{
    struct cede_task *task = cede_spawn(spawns_until_over, NULL);

    ck_assert_int_eq(cede_sleep(3 * CEDE_MILLISECOND), 0);
    over = true;
    ck_assert_int_eq(cede_await(task), 0);
}

TASK_TEST(check_sees_a_deadline_in_a_long_loop)
{
    int64_t before = cede_now();

    cede_timeout (2 * CEDE_MILLISECOND) {
        while (cede_check() == 0)
            ck_assert_int_lt(cede_now() - before, 10 * CEDE_SECOND);
        ck_assert_int_eq(errno, ETIMEDOUT);
        ck_assert_int_ge(cede_now() - before, 2 * CEDE_MILLISECOND);
    }
}

TASK_TEST(yield_alone_sees_a_deadline)
{
    int64_t before = cede_now();

    cede_timeout (2 * CEDE_MILLISECOND)
        while (cede_yield() == 0)
            ck_assert_int_lt(cede_now() - before, 10 * CEDE_SECOND);
    ck_assert_int_ge(cede_now() - before, 2 * CEDE_MILLISECOND);
}

/* A runtime that only waits must not burn the CPU. */
TASK_TEST(waiting_costs_no_cpu_time)
{
    struct timespec before, after;
    int64_t used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    ck_assert_int_eq(cede_sleep(300 * CEDE_MILLISECOND), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    used = (after.tv_sec - before.tv_sec) * CEDE_SECOND + after.tv_nsec - before.tv_nsec;
    ck_assert_int_lt(used, 100 * CEDE_MILLISECOND);
}

/* ---- floating-point control words ---- */

#ifndef CEDE_NO_FP_CONTROL

/* The rounding mode, and whether arithmetic follows it: it may be in more than one control word. */
static bool rounds(int mode)
{
    const volatile double one = 1, three = 3;

    return fegetround() == mode && one / three == (mode == FE_UPWARD ? 0x1.5555555555556p-2 : 0x1.5555555555555p-2);
}

static int rounds_upward(void *park)
{
    if (!rounds(FE_TONEAREST))
        return 1;
    fesetround(FE_UPWARD);
    if (park && cede_park() != 0)
        return 2;
    return rounds(FE_UPWARD) ? 0 : 3;
}

/* Of eight tasks every second one parks, so that the next one begins on another's stack, after another's end, after a
 * switch, and is resumed after another's end. */
TASK_TEST(a_rounding_mode_stays_with_its_task)
{
    struct cede_task *tasks[8];
    int i;

    for (i = 0; i < 8; i++)
        tasks[i] = cede_spawn(rounds_upward, i % 2 ? &tasks : NULL);
    cede_yield();
    ck_assert(rounds(FE_TONEAREST));
    for (i = 1; i < 8; i += 2)
        ck_assert_int_eq(cede_wake(tasks[i]), 0);
    for (i = 0; i < 8; i++) {
        ck_assert_int_eq(cede_await(tasks[i]), 0);
        ck_assert(rounds(FE_TONEAREST));
    }
    ck_assert_int_eq(cede_await(cede_spawn(rounds_upward, NULL)), 0);
}

static int shows_rounding(void *unused)
{
    (void)unused;
    return fegetround();
}

static int shows_rounding_of_a_child(void *unused)
{
    (void)unused;
    fesetround(FE_UPWARD);
    return cede_await(cede_spawn(shows_rounding, NULL));
}

START_TEST(tasks_start_with_the_rounding_mode_of_the_thread)
{
    fesetround(FE_DOWNWARD);
    ck_assert_int_eq(cede_run(shows_rounding, NULL), FE_DOWNWARD);
    ck_assert_int_eq(cede_run(shows_rounding_of_a_child, NULL), FE_DOWNWARD);
    ck_assert_int_eq(fegetround(), FE_DOWNWARD);
}
END_TEST

#endif

/* ---- numbers ---- */

enum { MANY = HARNESS_SCALE(100000) };

static unsigned finished;

static int parks_and_finishes(void *unused)
{
    (void)unused;
    if (cede_park() != 0)
        return -1;
    finished++;
    return 0;
}

static int finishes(void *unused)
{
    (void)unused;
    finished++;
    return 0;
}

/* All at once, twice, so that the second time takes what the first has left. */
static void run_many(int many, cede_task_fn *fn, bool wake)
{
    const struct cede_task_attr small = {.stack_size = CEDE_STACK_MIN};
    static struct cede_task *tasks[MANY];
    int i, round;

    for (round = 1; round <= 2; round++) {
        for (i = 0; i < many; i++)
            ck_assert_ptr_nonnull(tasks[i] = cede_spawn_attr(&small, fn, NULL));
        ck_assert_int_eq(cede_yield(), 0);
        for (i = 0; wake && i < many; i++)
            ck_assert_int_eq(cede_wake(tasks[i]), 0);
        for (i = 0; i < many; i++)
            ck_assert_int_eq(cede_await(tasks[i]), 0);
        ck_assert_uint_eq(finished, (unsigned)(round * many));
    }
}

TASK_TEST(very_many_tasks_run)
{
    run_many(MANY, finishes, false);
}

#ifndef HARNESS_TSAN /* as many fibers */
TASK_TEST(very_many_tasks_park)
{
    /* A guard made by mprotect(2) takes two of the 65,530 mappings that a process may have. */
    run_many(strcmp(cede__stack_guard_kind(), "mprotect") ? MANY : HARNESS_SCALE(30000), parks_and_finishes, true);
}
#endif

/* One after the other on the same stack, far more than there are stacks. */
TASK_TEST(a_stack_is_used_again_and_again)
{
    int i;

    for (i = 0; i < 200000; i++)
        ck_assert_int_eq(cede_await(cede_spawn(finishes, NULL)), 0);
    ck_assert_uint_le(cede__worker->stacks.pools->made, 3);
}

/* The same with tasks that are left and resumed before they end. */
TASK_TEST(a_stack_is_used_again_after_its_task_was_parked)
{
    struct cede_task *task;
    int i;

    for (i = 0; i < 100000; i++) {
        task = cede_spawn(parks_and_finishes, NULL);
        cede_yield();
        ck_assert_int_eq(cede_wake(task), 0);
        ck_assert_int_eq(cede_await(task), 0);
    }
    ck_assert_uint_le(cede__worker->stacks.pools->made, 3);
}

static int sleeps(void *duration_ns)
{
    int64_t before = cede_now();

    ck_assert_int_eq(cede_sleep((intptr_t)duration_ns), 0);
    ck_assert_int_ge(cede_now() - before, (intptr_t)duration_ns);
    return 0;
}

TASK_TEST(many_sleepers_wake_and_never_early)
{
    enum { SLEEPERS = HARNESS_SCALE(10000) };
    static struct cede_task *tasks[SLEEPERS];
    unsigned seed = 5;
    int i;

    for (i = 0; i < SLEEPERS; i++)
        tasks[i] = cede_spawn_attr(&(struct cede_task_attr){.stack_size = CEDE_STACK_MIN}, sleeps,
                                   (void *)(intptr_t)(harness_random(&seed) % (100 * CEDE_MILLISECOND) + 1));
    for (i = 0; i < SLEEPERS; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
}

/* The run queue's counters go round at 2^32. */
TASK_TEST(the_run_queue_survives_the_wrap_of_its_counters)
{
    struct cede__worker *worker = cede__worker;
    struct cede_task *tasks[300];
    int i;

    ck_assert_uint_eq(worker->queue.head, worker->queue.tail); /* only this task there is */
    worker->queue.head = worker->queue.tail = worker->queue.arrived = UINT32_MAX - 100;
    for (i = 0; i < 300; i++)
        tasks[i] = cede_spawn(parks_and_finishes, NULL);
    cede_yield();
    for (i = 0; i < 300; i++)
        cede_wake(tasks[i]);
    for (i = 0; i < 300; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_uint_eq(finished, 300);
    ck_assert_uint_lt(worker->queue.head, UINT32_MAX / 2);
}

Suite *suite(void)
{
    Suite *sched = suite_create("sched");
    TCase *cases = tcase_create("sched");

    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, spawns_run_in_order_and_after_the_spawner);
    tcase_add_test(cases, wakes_take_effect_in_order);
    tcase_add_test(cases, yield_goes_to_the_end);
    tcase_add_test(cases, yielding_tasks_take_turns);
    tcase_add_test(cases, timers_fire_while_others_yield);
    tcase_add_test(cases, timers_fire_before_a_crowd_has_started);
    tcase_add_test(cases, ticking_tasks_let_the_others_run);
    tcase_add_test(cases, timers_fire_while_others_spawn_and_join);
    tcase_add_test(cases, check_sees_a_deadline_in_a_long_loop);
    tcase_add_test(cases, yield_alone_sees_a_deadline);
    tcase_add_test(cases, waiting_costs_no_cpu_time);
#ifndef CEDE_NO_FP_CONTROL
    tcase_add_test(cases, a_rounding_mode_stays_with_its_task);
    tcase_add_test(cases, tasks_start_with_the_rounding_mode_of_the_thread);
#endif
    tcase_add_test(cases, very_many_tasks_run);
#ifndef HARNESS_TSAN
    tcase_add_test(cases, very_many_tasks_park);
#endif
    tcase_add_test(cases, a_stack_is_used_again_and_again);
    tcase_add_test(cases, a_stack_is_used_again_after_its_task_was_parked);
    tcase_add_test(cases, many_sleepers_wake_and_never_early);
    tcase_add_test(cases, the_run_queue_survives_the_wrap_of_its_counters);
    suite_add_tcase(sched, cases);
    return sched;
}
