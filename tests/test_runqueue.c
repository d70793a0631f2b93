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

/* ---- depth first ---- */

static void push_nested(struct cede__task *task)
{
    task->state = CEDE__TASK_NEW;
    ck_assert_int_eq(cede__runqueue_reserve_nested(&queue), 0);
    cede__runqueue_push_nested(&queue, task);
}

START_TEST(the_newest_nested_comes_first)
{
    uint32_t before;
    unsigned i;

    push(tasks[0], false);
    push(tasks[1], true);
    for (i = 2; i < 10; i++)
        push_nested(tasks[i]);
    ck_assert_ptr_eq(pop(), tasks[9]);
    before = queue.tail;
    push(tasks[10], false);
    push(tasks[11], false);
    cede__runqueue_to_front(&queue, before);
    ck_assert(pop() == tasks[10] && pop() == tasks[11]);
    for (i = 8; i >= 2; i--)
        ck_assert_ptr_eq(pop(), tasks[i]);
    ck_assert(pop() == tasks[0] && pop() == tasks[1] && !pop());
}
END_TEST

/* However many are nested, after a run of them all others get their turn: of a crowd, a run as well. */
START_TEST(others_come_after_a_run_of_nested)
{
    unsigned nested, others = 0, i;

    for (i = 0; i < TASKS / 2; i++)
        push_nested(tasks[i]);
    for (; i < TASKS; i++)
        push(tasks[i], _i);
    for (nested = TASKS / 2; nested > RUN; nested -= RUN) {
        for (i = 0; i < RUN; i++)
            ck_assert_ptr_eq(pop(), tasks[nested - 1 - i]);
        for (i = 0; i < (_i ? RUN : TASKS / 2) && others < TASKS / 2; i++, others++)
            ck_assert_ptr_eq(pop(), tasks[TASKS / 2 + others]);
    }
    for (i = 0; pop(); i++)
        ;
    ck_assert_uint_eq(i, nested + TASKS / 2 - others);
}
END_TEST

/* All three kinds and what arrives, at random, against lists: the nested are taken newest first, the others in their
 * own order, none is lost, and the ring holds no more than there are tasks. */
START_TEST(nested_and_others)
{
    unsigned seed = (unsigned)_i + 1, pushed = 0, popped = 0, nested = 0, count, last_new = 0;
    struct cede__task *stack[TASKS], *task;
    bool is_nested[TASKS] = {false};
    uint32_t before;

    while (popped < TASKS) {
        for (count = harness_random(&seed) % 200; count > 0 && pushed < TASKS; count--, pushed++) {
            before = queue.tail;
            switch (harness_random(&seed) % 4) {
            case 0:
                push(tasks[pushed], false);
                if (harness_random(&seed) % 2)
                    cede__runqueue_to_front(&queue, before);
                else
                    cede__runqueue_arrived(&queue, before);
                break;
            case 1:
                push_nested(stack[nested++] = tasks[pushed]);
                is_nested[pushed] = true;
                break;
            default:
                push(tasks[pushed], true);
            }
            ck_assert_uint_le(queue.tail - queue.head, pushed + 1 - popped);
        }
        for (count = harness_random(&seed) % 200; count > 0 && (task = pop()); count--, popped++) {
            unsigned at = 0;

            while (tasks[at] != task)
                at++;
            if (is_nested[at]) {
                ck_assert_ptr_eq(task, stack[--nested]);
            } else if (task->state == CEDE__TASK_NEW) {
                ck_assert_uint_le(last_new, at);
                last_new = at;
            }
            ck_assert_uint_le(queue.tail - queue.head, pushed - 1 - popped);
        }
    }
    ck_assert_ptr_null(pop());
}
END_TEST

START_TEST(clearing_leaves_nothing)
{
    push_nested(tasks[5]);
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
    tcase_add_test(cases, the_newest_nested_comes_first);
    tcase_add_loop_test(cases, others_come_after_a_run_of_nested, 0, 2);
    tcase_add_loop_test(cases, nested_and_others, 0, 20);
    tcase_add_test(cases, clearing_leaves_nothing);
    suite_add_tcase(runqueue, cases);
    return runqueue;
}
