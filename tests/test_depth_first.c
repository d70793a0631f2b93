/* SPDX-License-Identifier: MIT */
/* Tasks that start depth first: who comes when, that nobody starves, and how many are there at a time. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "fault.h"
#include "harness.h"
#include "sched.h"

static const struct cede_task_attr deep = {.depth_first = 1}, deep_detached = {.depth_first = 1, .detached = 1};

/* Who has run, in this order. */
static char order[64];
static size_t ran;

static int runs(void *name)
{
    order[ran++] = (char)(intptr_t)name;
    order[ran] = '\0';
    return 0;
}

static int yields_and_runs(void *name)
{
    cede_yield();
    return runs(name);
}

static struct cede_task *spawn(const struct cede_task_attr *attr, cede_task_fn *fn, int name)
{
    struct cede_task *task = cede_spawn_attr(attr, fn, (void *)(intptr_t)name);

    ck_assert_ptr_nonnull(task);
    return task;
}

/* ---- order ---- */

TASK_TEST(the_newest_starts_first_and_before_all_others)
{
    struct cede_task *yielding = spawn(NULL, yields_and_runs, 'y'), *plain, *first;

    cede_yield(); /* now that one can run */
    plain = spawn(NULL, runs, 'p');
    first = spawn(&deep, runs, '1');
    spawn(&deep_detached, runs, '2');
    spawn(&deep_detached, runs, '3');
    ck_assert_uint_eq(ran, 0);
    ck_assert_int_eq(cede_await(first), 0);
    ck_assert_str_eq(order, "321");
    ck_assert_int_eq(cede_await(plain), 0);
    ck_assert_str_eq(order, "321yp");
    ck_assert_int_eq(cede_await(yielding), 0);
}

TASK_TEST(a_yield_lets_them_start)
{
    spawn(NULL, runs, 'p');
    spawn(&deep_detached, runs, '1');
    spawn(&deep_detached, runs, '2');
    cede_yield();
    ck_assert_str_eq(order, "21p");
}

static int spawns_two(void *name)
{
    struct cede_task *first = spawn(&deep, runs, (int)(intptr_t)name + 1);

    spawn(&deep_detached, runs, (int)(intptr_t)name + 2);
    ck_assert_int_eq(cede_await(first), 0);
    return runs(name);
}

/* Who waits for one that ends comes before its brothers, who have still to start. */
TASK_TEST(the_joiner_goes_on_before_others_start)
{
    struct cede_task *a = spawn(&deep, spawns_two, 'a'), *k = spawn(&deep, spawns_two, 'k');

    spawn(NULL, runs, 'p');
    ck_assert_int_eq(cede_await(a), 0);
    ck_assert_str_eq(order, "mlkcba");
    ck_assert_int_eq(cede_await(k), 0);
    cede_yield();
    ck_assert_str_eq(order, "mlkcbap");
}

static int two_in_a_group(void *name)
{
    cede_group (g) {
        ck_assert_int_eq(cede_group_depth_first(g, 1), 0);
        ck_assert_ptr_nonnull(cede_group_spawn(g, NULL, runs, (void *)((intptr_t)name + 1)));
        ck_assert_ptr_nonnull(cede_group_spawn(g, &(struct cede_task_attr){.name = "named"}, runs,
                                               (void *)((intptr_t)name + 2)));
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    return runs(name);
}

TASK_TEST(the_owner_of_a_group_goes_on_before_others_start)
{
    cede_group (g) {
        ck_assert_int_eq(cede_group_depth_first(g, 0), 0);
        ck_assert_ptr_nonnull(cede_group_spawn(g, NULL, runs, (void *)'p'));
        ck_assert_ptr_nonnull(cede_group_spawn(g, &deep, two_in_a_group, (void *)'a'));
        ck_assert_ptr_nonnull(cede_group_spawn(g, &deep, two_in_a_group, (void *)'k'));
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    ck_assert_str_eq(order, "mlkcbap");
}

struct named { int name; };
static int named(struct named *a)
{
    return runs((void *)(intptr_t)a->name);
}

TASK_TEST(named_arguments_in_a_group)
{
    cede_group (g) {
        ck_assert_int_eq(cede_group_depth_first(g, 1), 0);
        ck_assert_ptr_nonnull(cede_group_go(g, named, .name = '1'));
        ck_assert_ptr_nonnull(cede_group_go(g, named, .name = '2'));
    }
    ck_assert_str_eq(order, "21");
}

static int is_not_the_owner(void *group)
{
    ck_assert_fails(cede_group_depth_first(group, 1), EPERM);
    return 0;
}

TASK_TEST(only_the_owner_sets_it)
{
    struct cede_group group;

    cede_group (g)
        ck_assert_ptr_nonnull(cede_group_spawn(g, NULL, is_not_the_owner, g));
    ck_assert_int_eq(cede_group_open(&group), 0);
    ck_assert_int_eq(cede_group_close(&group), 0);
    ck_assert_fails(cede_group_depth_first(&group, 1), EPERM);
}

static int fails(void *unused)
{
    (void)unused;
    errno = EXDEV;
    return -1;
}

/* The failure cancels the others, which have not started: they do, and fail at their first wait. */
static int is_cancelled(void *name)
{
    ck_assert_fails(cede_sleep(CEDE_HOUR), ECANCELED);
    return runs(name);
}

TASK_TEST(a_failure_in_a_group)
{
    cede_group (g) {
        cede_group_depth_first(g, 1);
        ck_assert_ptr_nonnull(cede_group_spawn(g, NULL, is_cancelled, (void *)'1'));
        ck_assert_ptr_nonnull(cede_group_spawn(g, NULL, is_cancelled, (void *)'2'));
        ck_assert_ptr_nonnull(cede_group_spawn(g, NULL, fails, NULL));
        ck_assert_fails(cede_group_wait(g), EXDEV);
        ck_assert_str_eq(order, "21");
    }
}

/* ---- as any other task ---- */

TASK_TEST(one_cancelled_before_it_starts)
{
    struct cede_task *task = spawn(&deep, is_cancelled, '1');

    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_uint_eq(ran, 0);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_str_eq(order, "1");
}

static int times_out(void *name)
{
    ck_assert_fails(cede_sleep(CEDE_HOUR), ETIMEDOUT);
    return runs(name);
}

TASK_TEST(it_inherits_a_deadline)
{
    struct cede_task *task = NULL;

    cede_timeout (CEDE_MILLISECOND)
        task = spawn(&deep, times_out, '1');
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_str_eq(order, "1");
}

static int leaves_some_behind(void *unused)
{
    (void)unused;
    spawn(&deep, is_cancelled, '1');
    spawn(NULL, is_cancelled, '2');
    spawn(&deep_detached, is_cancelled, '3');
    return 0;
}

START_TEST(those_left_at_the_end_are_cancelled)
{
    ck_assert_int_eq(cede_run(leaves_some_behind, NULL), 0);
    ck_assert_uint_eq(ran, 3);
}
END_TEST

#ifndef HARNESS_SANITIZED
static int never(void *unused)
{
    (void)unused;
    ck_abort_msg("it has run");
    return 0;
}

TASK_TEST(no_memory_for_its_stack)
{
    const struct cede_task_attr large = {.depth_first = 1, .stack_size = CEDE_STACK_MAX};
    const struct rlimit little = {(rlim_t)512 << 20, RLIM_INFINITY};
    struct cede_task *task, *waiting = spawn(NULL, runs, 'p');

    ck_assert_int_eq(setrlimit(RLIMIT_AS, &little), 0);
    if (mmap(NULL, little.rlim_cur, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED) {
        printf("no_memory_for_its_stack: skipped, RLIMIT_AS has no effect here (qemu-user)\n");
        return;
    }
    task = spawn(&large, never, 0);
    ck_assert_fails(cede_await(task), ENOMEM);
    ck_assert_uint_eq(ran, 0); /* who waited for it came before the others */
    ck_assert_int_eq(cede_await(waiting), 0);
}
#endif

TASK_TEST(no_memory_for_one_more)
{
    struct fault_memory memory;
    unsigned spawned = 0;
    int error;

    if (!fault_memory_begin(&memory))
        return;
    errno = 0;
    while (spawned < 100000 && cede_spawn_attr(&deep_detached, runs, NULL))
        spawned++;
    error = errno;
    fault_memory_end(&memory);
    ck_assert_int_eq(error, ENOMEM);
    ck_assert_uint_lt(spawned, sizeof order);
    cede_yield();
    ck_assert_uint_eq(ran, spawned);
    ck_assert_int_eq(cede_await(spawn(&deep, runs, 'x')), 0);
}

/* ---- nobody starves ---- */

static bool stop;
static unsigned rounds;

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* So that a nested task is always next. */
static int spawns_and_joins(void *unused)
{
    (void)unused;
    for (; !stop; rounds++)
        ck_assert_int_eq(cede_await(spawn(&deep, nothing, 0)), 0);
    return 0;
}

/* The same with no end to the joins: each joins the one that comes after it. */
static int spawns_its_successor(void *unused)
{
    (void)unused;
    rounds++;
    if (!stop)
        spawn(&deep_detached, spawns_its_successor, 0);
    return 0;
}

static int counts_yields(void *counter)
{
    while (!stop) {
        ++*(unsigned *)counter;
        cede_yield();
    }
    return 0;
}

static int sleeps(void *slept)
{
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    *(bool *)slept = true;
    return 0;
}

static void starve(cede_task_fn *greedy)
{
    unsigned yields = 0, i;
    bool slept = false;

    cede_spawn(counts_yields, &yields);
    cede_spawn(sleeps, &slept);
    cede_yield();
    spawn(&deep, greedy, 0);
    for (i = 0; i < 40; i++)
        spawn(NULL, runs, 'p'); /* they have to start as well */
    while (!slept || ran < 40 || yields < 100)
        cede_yield();
    ck_assert_uint_lt(rounds / CEDE__RUNQUEUE_NEW_RUN, yields + 2); /* in each round of the queue no more than a run */
    stop = true;
}

TASK_TEST(who_spawns_and_joins_for_ever_starves_nobody)
{
    starve(spawns_and_joins);
}

TASK_TEST(who_spawns_its_successor_for_ever_starves_nobody)
{
    starve(spawns_its_successor);
}

static int ends_it(void *unused)
{
    (void)unused;
    stop = true;
    return 0;
}

/* Those that were spawned before the newest start as well, however many newer ones come. */
TASK_TEST(the_oldest_of_them_starts_sometime)
{
    struct cede_task *old = spawn(&deep, ends_it, 0);

    ck_assert_int_eq(cede_await(spawn(&deep, spawns_and_joins, 0)), 0);
    ck_assert_int_eq(cede_await(old), 0);
    ck_assert_uint_le(rounds, CEDE__RUNQUEUE_NESTED_RUN);
}

/* ---- a tree ---- */

enum { CHILDREN = 10 };

static unsigned nodes, mixed;
static uint32_t most_tasks;

static int node(void *level)
{
    const struct cede_task_attr attr = {.stack_size = CEDE_STACK_MIN, .depth_first = !mixed || nodes % mixed != 0};
    struct cede_task *tasks[CHILDREN];
    bool backwards = mixed && nodes % 2;
    int i;

    nodes++;
    if (most_tasks < cede__worker->live)
        most_tasks = cede__worker->live;
    if (!level)
        return 0;
    if (mixed && nodes % 3 == 0)
        cede_yield();
    for (i = 0; i < CHILDREN; i++)
        tasks[i] = spawn(&attr, node, (int)(intptr_t)level - 1);
    for (i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(cede_await(tasks[backwards ? CHILDREN - 1 - i : i]), 0);
    return 0;
}

static size_t stacks_made(void)
{
    const struct cede__stack_pool *pool;
    size_t made = 0;

    for (pool = cede__worker->stacks.pools; pool; pool = pool->next)
        made += pool->made;
    return made;
}

/* As many at a time as it is deep, times its children; and as many again each time that it was the oldest's turn. */
TASK_TEST(a_tree_takes_little_at_a_time)
{
    const unsigned depth = 4, all = 11111, turns = all / CEDE__RUNQUEUE_NESTED_RUN;

    ck_assert_int_eq(cede_await(spawn(&deep, node, (int)depth)), 0);
    ck_assert_uint_eq(nodes, all);
    ck_assert_uint_le(most_tasks, 2 + (1 + turns) * depth * CHILDREN);
    ck_assert_uint_le(stacks_made(), 2 + (1 + turns) * depth);
}

/* Trees of both kinds at once, in which some yield, and joins go either way: all of them run. */
START_TEST(trees_of_both_kinds)
{
    mixed = (unsigned)_i + 2;
    ck_assert_int_eq(cede_run(node, (void *)3), 0);
    ck_assert_uint_eq(nodes, 1111);
}
END_TEST

Suite *suite(void)
{
    Suite *depth_first = suite_create("depth_first");
    TCase *cases = tcase_create("depth_first");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_newest_starts_first_and_before_all_others);
    tcase_add_test(cases, a_yield_lets_them_start);
    tcase_add_test(cases, the_joiner_goes_on_before_others_start);
    tcase_add_test(cases, the_owner_of_a_group_goes_on_before_others_start);
    tcase_add_test(cases, named_arguments_in_a_group);
    tcase_add_test(cases, only_the_owner_sets_it);
    tcase_add_test(cases, a_failure_in_a_group);
    tcase_add_test(cases, one_cancelled_before_it_starts);
    tcase_add_test(cases, it_inherits_a_deadline);
    tcase_add_test(cases, those_left_at_the_end_are_cancelled);
#ifndef HARNESS_SANITIZED
    tcase_add_test(cases, no_memory_for_its_stack);
#endif
    tcase_add_test(cases, no_memory_for_one_more);
    tcase_add_test(cases, who_spawns_and_joins_for_ever_starves_nobody);
    tcase_add_test(cases, who_spawns_its_successor_for_ever_starves_nobody);
    tcase_add_test(cases, the_oldest_of_them_starts_sometime);
    tcase_add_test(cases, a_tree_takes_little_at_a_time);
    tcase_add_loop_test(cases, trees_of_both_kinds, 0, 20);
    suite_add_tcase(depth_first, cases);
    return depth_first;
}
