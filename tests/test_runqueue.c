/* SPDX-License-Identifier: MIT */
/* The run queue: order, and who is let pass. Tasks are descriptors only; nothing runs. */
#include "runqueue.h"

#include "harness.h"
#include "sched.h"

enum { TASKS = 3000, RUN = CEDE__RUNQUEUE_NEW_RUN };

static struct cede__worker worker;
static struct cede__runqueue queue;
static struct cede__task *tasks[TASKS];

/* Runs without a runtime: only descriptors are needed. */
static void set_up(void)
{
    unsigned i;

    cede__runqueue_clear(&queue);
    while (queue.mask < TASKS)
        ck_assert_int_eq(cede__runqueue_grow(&queue), 0);
    for (i = 0; i < TASKS; i++)
        ck_assert_ptr_nonnull(tasks[i] = cede__task_new(&worker));
}

static void tear_down(void)
{
    cede__runqueue_free(&queue);
}

static void push(struct cede__task *task, bool new)
{
    task->state = new ? CEDE__TASK_NEW : CEDE__TASK_READY;
    if (new)
        cede__runqueue_push_new(&queue, task);
    else
        cede__runqueue_push(&queue, task);
}

/* The next one, as the scheduler takes it; NULL: none. */
static struct cede__task *pop(void)
{
    struct cede__task *task;

    while (!cede__runqueue_empty(&queue)) {
        task = cede__runqueue_pop_ready(&queue);
        if (!task)
            task = cede__runqueue_pop_new(&queue);
        if (task)
            return task;
    }
    return NULL;
}

/* Nothing comes from outside: started or not, first come, first served. */
START_TEST(one_queue_of_two_kinds)
{
    unsigned seed = (unsigned)_i + 1, pushed = 0, popped = 0, count;
    bool new = false;

    while (popped < TASKS) {
        for (count = harness_random(&seed) % 200; count > 0 && pushed < TASKS; count--) {
            if (harness_random(&seed) % (_i % 2 ? 3 : 90) == 0)
                new = !new;
            push(tasks[pushed++], new);
        }
        for (count = harness_random(&seed) % 200; count > 0 && popped < pushed; count--)
            ck_assert_ptr_eq(pop(), tasks[popped++]);
        if (popped == pushed)
            ck_assert_ptr_null(pop());
        cede__runqueue_arrived(&queue, queue.tail);
    }
}
END_TEST

/* However many have not started, what comes from outside waits for a run of them and no longer. */
START_TEST(what_arrives_passes_those_that_have_not_started)
{
    uint32_t before;
    unsigned i, next = 0, arrival = TASKS - 1, waited;

    for (i = 0; i < TASKS / 2; i++)
        push(tasks[i], true);
    while (next < TASKS / 2 - 2 * RUN) {
        before = queue.tail;
        push(tasks[arrival], false);
        cede__runqueue_arrived(&queue, before);
        for (waited = 0; pop() != tasks[arrival]; waited++, next++)
            ck_assert_uint_lt(waited, RUN + 1);
        arrival--;
    }
    while (next < TASKS / 2)
        ck_assert_ptr_eq(pop(), tasks[next++]);
    ck_assert_ptr_null(pop());
}
END_TEST

/* Two that run all the time, and something from outside before every step: others still start, in their order. */
START_TEST(what_arrives_does_not_starve_those_that_have_not_started)
{
    unsigned next = 0, steps = 0, i;
    struct cede__task *task;
    uint32_t before;

    for (i = 0; i < 1000; i++)
        push(tasks[i], true);
    for (i = 0; i < 10; i++)
        push(tasks[TASKS - 1 - i], false);
    while (next < 1000) {
        task = pop();
        ck_assert_ptr_nonnull(task);
        if (task->state == CEDE__TASK_NEW) {
            ck_assert_ptr_eq(task, tasks[next++]);
            task->state = CEDE__TASK_READY;
        } else {
            before = queue.tail;
            push(task, false);
            cede__runqueue_arrived(&queue, before);
        }
        ck_assert_uint_lt(++steps, 3 * 1000);
    }
}
END_TEST

/* What is left of a batch that was passed over, and what is spawned meanwhile, stays in order. */
START_TEST(batches_stay_in_order)
{
    unsigned seed = (unsigned)_i + 1, pushed = 0, next = 0, ready = TASKS, i;
    struct cede__task *task;
    uint32_t before;

    while (next < TASKS / 2) {
        for (i = harness_random(&seed) % 100; i > 0 && pushed < TASKS / 2; i--)
            push(tasks[pushed++], true);
        before = queue.tail;
        if (ready > TASKS / 2 && harness_random(&seed) % 2)
            push(tasks[--ready], false);
        if (harness_random(&seed) % 2)
            cede__runqueue_arrived(&queue, before);
        for (i = harness_random(&seed) % 100; i > 0 && (task = pop()); i--)
            if (task->state == CEDE__TASK_NEW)
                ck_assert_ptr_eq(task, tasks[next++]);
        /* The ring need not have room for more than there are tasks. */
        ck_assert_uint_le(queue.tail - queue.head, pushed - next + TASKS - ready);
    }
}
END_TEST

START_TEST(clearing_leaves_nothing)
{
    push(tasks[0], true);
    push(tasks[1], false);
    push(tasks[2], true);
    cede__runqueue_clear(&queue);
    ck_assert_ptr_null(pop());
    push(tasks[3], true);
    push(tasks[4], false);
    ck_assert(pop() == tasks[3] && pop() == tasks[4] && !pop());
}
END_TEST

Suite *suite(void)
{
    Suite *runqueue = suite_create("runqueue");
    TCase *cases = tcase_create("runqueue");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, one_queue_of_two_kinds, 0, 20);
    tcase_add_test(cases, what_arrives_passes_those_that_have_not_started);
    tcase_add_test(cases, what_arrives_does_not_starve_those_that_have_not_started);
    tcase_add_loop_test(cases, batches_stay_in_order, 0, 20);
    tcase_add_test(cases, clearing_leaves_nothing);
    suite_add_tcase(runqueue, cases);
    return runqueue;
}
