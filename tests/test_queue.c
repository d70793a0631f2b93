/* SPDX-License-Identifier: MIT */
/* Queues: the three orders, limit, task_done and join, shutdown, every errno, cancel and deadline; a storm. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "capture.h"
#include "harness.h"

/* A task that makes one call. */
struct op {
    struct cede_queue *queue;
    struct cede_task *task;
    int element, result, error;
    bool ended;
};

static int puts_one(void *arg)
{
    struct op *op = arg;

    op->result = cede_queue_put(op->queue, &op->element);
    op->error = errno;
    op->element = -1; /* nobody may look at it any more */
    op->ended = true;
    return 0;
}

static int gets_one(void *arg)
{
    struct op *op = arg;

    op->result = cede_queue_get(op->queue, &op->element);
    op->error = errno;
    op->ended = true;
    return 0;
}

static int joins(void *arg)
{
    struct op *op = arg;

    op->result = cede_queue_join(op->queue);
    op->error = errno;
    op->ended = true;
    return 0;
}

/* Until it waits. */
static void start(struct op *op, cede_task_fn *fn, struct cede_queue *queue, int element)
{
    *op = (struct op){.queue = queue, .element = element};
    op->task = cede_spawn(fn, op);
    ck_assert_ptr_nonnull(op->task);
    cede_yield();
    ck_assert(!op->ended);
}

static void assert_ended(struct op *op, int result, int error)
{
    ck_assert_int_eq(cede_join(op->task, NULL), 0);
    ck_assert_int_eq(op->result, result);
    if (result < 0)
        ck_assert_int_eq(op->error, error);
}

static int by_value(const void *a, const void *b)
{
    const int *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* A FIFO, LIFO or priority queue of ints. */
static struct cede_queue *open_kind(int kind, size_t limit)
{
    struct cede_queue *queue = kind == 0   ? cede_queue_open(sizeof(int), limit)
                               : kind == 1 ? cede_queue_open_lifo(sizeof(int), limit)
                                           : cede_queue_open_priority(sizeof(int), limit, by_value);

    ck_assert_ptr_nonnull(queue);
    return queue;
}

static void put(struct cede_queue *queue, int element)
{
    ck_assert_int_eq(cede_queue_put(queue, &element), 0);
}

static int get(struct cede_queue *queue)
{
    int element = -1;

    ck_assert_int_eq(cede_queue_get(queue, &element), 1);
    return element;
}

/* ---- order ---- */

TASK_TEST(three_orders)
{
    static const int order[3][5] = {{3, 1, 5, 2, 4}, {4, 2, 5, 1, 3}, {1, 2, 3, 4, 5}};
    struct cede_queue *queue;
    int kind, i;

    for (kind = 0; kind < 3; kind++) {
        queue = open_kind(kind, 0);
        for (i = 0; i < 5; i++)
            put(queue, order[0][i]);
        ck_assert_uint_eq(cede_queue_length(queue), 5);
        for (i = 0; i < 5; i++)
            ck_assert_int_eq(get(queue), order[kind][i]);
        ck_assert_uint_eq(cede_queue_length(queue), 0);
        ck_assert_int_eq(cede_queue_free(queue), 0);
    }
}

/* Against a plain array in which one searches; the array grows while the ring is wrapped, with and without a limit. */
static void compare_with_model(int kind, size_t limit, unsigned seed)
{
    struct cede_queue *queue = open_kind(kind, limit);
    int model[400], count = 0, element, at, i, step;

    for (step = 0; step < 3000; step++) {
        if (harness_random(&seed) % 100 < (step / 500 % 2 ? 40 : 60) && count < 400) {
            element = (int)(harness_random(&seed) % 1000);
            if (limit && (size_t)count == limit) {
                ck_assert_fails(cede_queue_try_put(queue, &element), EAGAIN);
                continue;
            }
            ck_assert_int_eq(cede_queue_try_put(queue, &element), 0);
            model[count++] = element;
        } else if (count) {
            at = kind == 1 ? count - 1 : 0;
            for (i = 0; kind == 2 && i < count; i++)
                if (model[i] < model[at])
                    at = i;
            ck_assert_int_eq(get(queue), model[at]);
            memmove(&model[at], &model[at + 1], (size_t)(--count - at) * sizeof *model);
        } else {
            ck_assert_fails(cede_queue_try_get(queue, &element), EAGAIN);
        }
        ck_assert_uint_eq(cede_queue_length(queue), (size_t)count);
    }
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

TASK_TEST(orders_hold_while_it_grows)
{
    static const size_t limits[] = {0, 1, 3, 11, 20};
    unsigned i, seed;
    int kind;

    for (kind = 0; kind < 3; kind++)
        for (i = 0; i < 5; i++)
            for (seed = 1; seed < 5; seed++)
                compare_with_model(kind, limits[i], seed * 7919);
}

/* Growing to a limit that leaves fewer new places than there are elements at the start of the ring. */
TASK_TEST(a_wrapped_ring_grows_to_its_limit)
{
    struct cede_queue *queue;
    int shift, i;

    for (shift = 0; shift < 8; shift++) {
        queue = open_kind(0, 10);
        for (i = 0; i < 8; i++)
            put(queue, -1);
        for (i = 0; i < shift; i++)
            get(queue);
        for (i = 0; i < 2 + shift; i++)
            put(queue, i);
        for (i = 0; i < 8 - shift; i++)
            ck_assert_int_eq(get(queue), -1);
        for (i = 0; i < 2 + shift; i++)
            ck_assert_int_eq(get(queue), i);
        ck_assert_int_eq(cede_queue_free(queue), 0);
    }
}

TASK_TEST(elements_without_size)
{
    struct cede_queue *queue = cede_queue_open(0, 0);
    int i;

    for (i = 0; i < 20; i++)
        ck_assert_int_eq(cede_queue_put(queue, NULL), 0);
    for (i = 0; i < 20; i++)
        ck_assert_int_eq(cede_queue_get(queue, NULL), 1);
    ck_assert_fails(cede_queue_try_get(queue, NULL), EAGAIN);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

/* ---- waiting ---- */

TASK_TEST(full_it_makes_wait_and_keeps_its_order)
{
    static const int order[3][4] = {{5, 7, 6, 1}, {7, 6, 1, 5}, {5, 6, 1, 7}};
    struct cede_queue *queue;
    struct op op[2];
    int kind, i;

    for (kind = 0; kind < 3; kind++) {
        queue = open_kind(kind, 2);
        put(queue, 5);
        put(queue, 7);
        start(&op[0], puts_one, queue, 6);
        start(&op[1], puts_one, queue, 1);
        ck_assert_uint_eq(cede_queue_length(queue), 2);
        for (i = 0; i < 4; i++)
            ck_assert_int_eq(get(queue), order[kind][i]);
        assert_ended(&op[0], 0, 0);
        assert_ended(&op[1], 0, 0);
        ck_assert_int_eq(cede_queue_free(queue), 0);
    }
}

TASK_TEST(empty_it_makes_wait)
{
    struct cede_queue *queue;
    struct op op[2];
    int kind;

    for (kind = 0; kind < 3; kind++) {
        queue = open_kind(kind, 2);
        start(&op[0], gets_one, queue, 0);
        start(&op[1], gets_one, queue, 0);
        put(queue, 8);
        put(queue, 3);
        ck_assert_uint_eq(cede_queue_length(queue), 0);
        assert_ended(&op[0], 1, 0);
        assert_ended(&op[1], 1, 0);
        ck_assert_int_eq(op[0].element, 8);
        ck_assert_int_eq(op[1].element, 3);
        ck_assert_int_eq(cede_queue_free(queue), 0);
    }
}

static int counts(void *counter)
{
    while (cede_yield() == 0)
        ++*(int *)counter;
    return 0;
}

TASK_TEST(who_never_has_to_wait_lets_others_run)
{
    struct cede_queue *queue = open_kind(0, 0);
    int counter = 0, i;
    struct cede_task *task = cede_spawn(counts, &counter);

    for (i = 0; i < 10000; i++) {
        put(queue, i);
        ck_assert_int_eq(get(queue), i);
    }
    ck_assert_int_gt(counter, 10);
    cede_cancel(task);
    cede_join(task, NULL);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

/* ---- done ---- */

TASK_TEST(join_waits_until_all_is_done)
{
    struct cede_queue *queue = open_kind(0, 1);
    struct op getter, putter, joiner[2];

    ck_assert_int_eq(cede_queue_join(queue), 0); /* nothing to do */
    ck_assert_fails(cede_queue_task_done(queue), EINVAL);
    start(&getter, gets_one, queue, 0);
    put(queue, 1); /* goes straight to the getter: also to be done */
    assert_ended(&getter, 1, 0);
    put(queue, 2);
    start(&putter, puts_one, queue, 3); /* not in the queue as yet */
    start(&joiner[0], joins, queue, 0);
    start(&joiner[1], joins, queue, 0);
    ck_assert_int_eq(get(queue), 2);
    assert_ended(&putter, 0, 0);
    ck_assert_int_eq(cede_queue_task_done(queue), 0);
    ck_assert_int_eq(cede_queue_task_done(queue), 0);
    ck_assert_int_eq(get(queue), 3);
    cede_yield();
    ck_assert(!joiner[0].ended && !joiner[1].ended);
    ck_assert_int_eq(cede_queue_task_done(queue), 0);
    ck_assert_fails(cede_queue_task_done(queue), EINVAL);
    put(queue, 4); /* does not matter to those who waited for what was before */
    assert_ended(&joiner[0], 0, 0);
    assert_ended(&joiner[1], 0, 0);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

/* ---- shutdown ---- */

TASK_TEST(shut_down_it_gives_what_is_left_and_then_0)
{
    struct cede_queue *queue = open_kind(0, 2);
    struct op putter, joiner;

    put(queue, 1);
    put(queue, 2);
    start(&putter, puts_one, queue, 3);
    start(&joiner, joins, queue, 0);
    ck_assert_int_eq(cede_queue_shutdown(queue, 0), 0);
    assert_ended(&putter, -1, EPIPE);
    ck_assert_fails(cede_queue_put(queue, &(int){4}), EPIPE);
    ck_assert_fails(cede_queue_try_put(queue, &(int){4}), EPIPE);
    ck_assert_int_eq(get(queue), 1);
    ck_assert_int_eq(get(queue), 2);
    ck_assert_int_eq(cede_queue_get(queue, NULL), 0);
    ck_assert_int_eq(cede_queue_try_get(queue, NULL), 0);
    ck_assert_int_eq(cede_queue_task_done(queue), 0);
    cede_yield();
    ck_assert(!joiner.ended);
    ck_assert_int_eq(cede_queue_task_done(queue), 0);
    assert_ended(&joiner, 0, 0);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

TASK_TEST(shut_down_at_once_nothing_is_left)
{
    struct cede_queue *queue;
    struct op putter, joiner, getter;
    int kind;

    for (kind = 0; kind < 3; kind++) {
        queue = open_kind(kind, 2);
        put(queue, 1);
        put(queue, 2);
        start(&putter, puts_one, queue, 3);
        start(&joiner, joins, queue, 0);
        ck_assert_int_eq(get(queue), kind == 1 ? 2 : 1); /* is under way: to be done still */
        assert_ended(&putter, 0, 0);
        ck_assert_int_eq(cede_queue_shutdown(queue, 0), 0);
        ck_assert_int_eq(cede_queue_shutdown(queue, 1), 0);
        ck_assert_uint_eq(cede_queue_length(queue), 0);
        ck_assert_int_eq(cede_queue_get(queue, NULL), 0);
        cede_yield();
        ck_assert(!joiner.ended);
        ck_assert_int_eq(cede_queue_task_done(queue), 0);
        assert_ended(&joiner, 0, 0);
        ck_assert_int_eq(cede_queue_free(queue), 0);
    }
    queue = open_kind(0, 0);
    put(queue, 1);
    start(&joiner, joins, queue, 0);
    ck_assert_int_eq(cede_queue_shutdown(queue, 1), 0);
    assert_ended(&joiner, 0, 0);
    ck_assert_int_eq(cede_queue_free(queue), 0);
    queue = open_kind(0, 0);
    start(&getter, gets_one, queue, 0);
    ck_assert_int_eq(cede_queue_shutdown(queue, 0), 0);
    assert_ended(&getter, 0, 0);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

/* ---- wrong use ---- */

TASK_TEST(wrong_arguments)
{
    struct cede_queue *queue = open_kind(0, 0), *huge = cede_queue_open(SIZE_MAX / 2, 0);

    errno = 0;
    ck_assert_ptr_null(cede_queue_open_priority(sizeof(int), 0, NULL));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_fails(cede_queue_put(NULL, NULL), EINVAL);
    ck_assert_fails(cede_queue_put(queue, NULL), EINVAL);
    ck_assert_fails(cede_queue_try_put(NULL, NULL), EINVAL);
    ck_assert_fails(cede_queue_try_put(queue, NULL), EINVAL);
    ck_assert_fails(cede_queue_get(NULL, NULL), EINVAL);
    ck_assert_fails(cede_queue_try_get(NULL, NULL), EINVAL);
    ck_assert_fails(cede_queue_task_done(NULL), EINVAL);
    ck_assert_fails(cede_queue_join(NULL), EINVAL);
    ck_assert_fails(cede_queue_shutdown(NULL, 0), EINVAL);
    ck_assert_uint_eq(cede_queue_length(NULL), 0);
    ck_assert_fails(cede_queue_put(huge, queue), ENOMEM);
    ck_assert_fails(cede_queue_try_put(huge, queue), ENOMEM);
    ck_assert_int_eq(cede_queue_free(queue), 0);
    ck_assert_int_eq(cede_queue_free(huge), 0);
    ck_assert_int_eq(cede_queue_free(NULL), 0);
}

TASK_TEST(free_refuses_while_tasks_wait)
{
    static cede_task_fn *const calls[] = {puts_one, gets_one, joins};
    struct cede_queue *queue;
    struct op op;
    int i;

    for (i = 0; i < 3; i++) {
        queue = open_kind(0, 1);
        if (i != 1)
            put(queue, 1);
        start(&op, calls[i], queue, 0);
        ck_assert_fails(cede_queue_free(queue), EBUSY);
        cede_cancel(op.task);
        assert_ended(&op, -1, ECANCELED);
        ck_assert_int_eq(cede_queue_free(queue), 0);
    }
}

START_TEST(outside_a_task)
{
    struct cede_queue *queue = open_kind(0, 1);
    int element = 1;

    ck_assert_fails(cede_queue_get(queue, &element), EPERM);
    ck_assert_int_eq(cede_queue_put(queue, &element), 0);
    ck_assert_fails(cede_queue_put(queue, &element), EPERM);
    ck_assert_fails(cede_queue_join(queue), EPERM);
    ck_assert_int_eq(cede_queue_get(queue, &element), 1);
    ck_assert_int_eq(cede_queue_task_done(queue), 0);
    ck_assert_int_eq(cede_queue_join(queue), 0);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}
END_TEST

static void *interferes(void *queue)
{
    int element = 0;

    ck_assert_fails(cede_queue_put(queue, &element), EPERM);
    ck_assert_fails(cede_queue_try_put(queue, &element), EPERM);
    ck_assert_fails(cede_queue_shutdown(queue, 0), EPERM);
    return NULL;
}

static void *interferes_with_a_putter(void *queue)
{
    ck_assert_fails(cede_queue_get(queue, NULL), EPERM);
    ck_assert_fails(cede_queue_try_get(queue, NULL), EPERM);
    return NULL;
}

static void *interferes_with_a_joiner(void *queue)
{
    ck_assert_fails(cede_queue_task_done(queue), EPERM);
    return NULL;
}

static void run_thread(void *(*fn)(void *), struct cede_queue *queue)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, fn, queue), 0);
    pthread_join(thread, NULL);
}

/* While this thread stands still, so that there is no race. */
TASK_TEST(another_thread_is_refused)
{
    struct cede_queue *queue = open_kind(0, 1);
    struct op op;

    start(&op, gets_one, queue, 0);
    run_thread(interferes, queue);
    put(queue, 4);
    assert_ended(&op, 1, 0);
    start(&op, joins, queue, 0);
    run_thread(interferes_with_a_joiner, queue);
    ck_assert_int_eq(cede_queue_task_done(queue), 0);
    assert_ended(&op, 0, 0);
    put(queue, 5);
    start(&op, puts_one, queue, 6);
    run_thread(interferes_with_a_putter, queue);
    ck_assert_int_eq(get(queue), 5);
    assert_ended(&op, 0, 0);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

/* ---- interrupted ---- */

TASK_TEST(cancelled_nothing_is_put_or_got)
{
    struct cede_queue *queue = open_kind(0, 1);
    struct op op[2];

    put(queue, 1);
    start(&op[0], puts_one, queue, 2);
    start(&op[1], puts_one, queue, 3);
    cede_cancel(op[0].task);
    assert_ended(&op[0], -1, ECANCELED);
    ck_assert_int_eq(get(queue), 1);
    ck_assert_int_eq(get(queue), 3);
    assert_ended(&op[1], 0, 0);
    start(&op[0], gets_one, queue, -5);
    start(&op[1], gets_one, queue, -5);
    cede_cancel(op[0].task);
    assert_ended(&op[0], -1, ECANCELED);
    ck_assert_int_eq(op[0].element, -5);
    put(queue, 4);
    assert_ended(&op[1], 1, 0);
    ck_assert_int_eq(op[1].element, 4);
    start(&op[0], joins, queue, 0);
    cede_cancel(op[0].task);
    assert_ended(&op[0], -1, ECANCELED);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

/* What has happened has happened. */
TASK_TEST(cancelled_too_late)
{
    struct cede_queue *queue = open_kind(0, 1);
    struct op op;

    start(&op, gets_one, queue, 0);
    put(queue, 1);
    cede_cancel(op.task);
    assert_ended(&op, 1, 0);
    ck_assert_int_eq(op.element, 1);
    start(&op, joins, queue, 0);
    ck_assert_int_eq(cede_queue_task_done(queue), 0);
    cede_cancel(op.task);
    assert_ended(&op, 0, 0);
    put(queue, 2);
    start(&op, puts_one, queue, 3);
    ck_assert_int_eq(get(queue), 2);
    cede_cancel(op.task);
    assert_ended(&op, 0, 0);
    ck_assert_int_eq(get(queue), 3);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

TASK_TEST(deadline)
{
    struct cede_queue *queue = open_kind(0, 1);

    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_queue_get(queue, NULL), ETIMEDOUT);
    put(queue, 1);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_queue_put(queue, &(int){2}), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_queue_join(queue), ETIMEDOUT);
    ck_assert_int_eq(get(queue), 1);
    ck_assert_int_eq(cede_queue_free(queue), 0);
}

static struct capture seen;

static int waits_in_vain(void *unused)
{
    struct cede_queue *queue = open_kind(0, 1);

    (void)unused;
    ck_assert_fails(cede_queue_get(queue, NULL), EDEADLK);
    put(queue, 1);
    ck_assert_fails(cede_queue_put(queue, &(int){2}), EDEADLK);
    ck_assert_fails(cede_queue_join(queue), EDEADLK);
    return cede_queue_free(queue);
}

static void run_waits_in_vain(void *unused)
{
    ck_assert_int_eq(cede_run(waits_in_vain, unused), 0);
}

START_TEST(deadlock)
{
    capture_child(&seen, run_waits_in_vain, NULL);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, " in get from queue 0x");
    ck_assert_says(&seen, " in put into queue 0x");
    ck_assert_says(&seen, " in join queue 0x");
}
END_TEST

/* ---- storm ---- */

enum { PUTTERS = 6, GETTERS = 5, EACH = 30, ROUNDS = 2000 };

static struct {
    struct cede_queue *queue;
    unsigned seed;
    bool put[PUTTERS * EACH];
    int got[PUTTERS * EACH];
} storm;

static unsigned below(unsigned bound)
{
    return harness_random(&storm.seed) % bound;
}

static int storm_put(void *arg)
{
    int first = (int)(intptr_t)arg * EACH, element, result = 0;

    for (element = first; element < first + EACH; element++) {
        switch (below(4)) {
        case 0:
            result = cede_queue_try_put(storm.queue, &element);
            break;
        case 1:
            cede_timeout (below(20) * CEDE_MICROSECOND)
                result = cede_queue_put(storm.queue, &element);
            break;
        default:
            result = cede_queue_put(storm.queue, &element);
        }
        ck_assert(result == 0 || errno == EAGAIN || errno == ETIMEDOUT || errno == ECANCELED || errno == EPIPE);
        storm.put[element] = result == 0;
        if (below(8) == 0)
            cede_yield();
        if (below(16) == 0)
            cede_timeout (below(20) * CEDE_MICROSECOND)
                if (cede_queue_join(storm.queue) != 0)
                    ck_assert(errno == ETIMEDOUT || errno == ECANCELED);
    }
    return 0;
}

static int storm_get(void *unused)
{
    int result = 1, element;

    (void)unused;
    while (result > 0 || (result < 0 && errno != ECANCELED)) {
        if (below(3))
            result = cede_queue_get(storm.queue, &element);
        else
            cede_timeout (below(20) * CEDE_MICROSECOND)
                result = cede_queue_get(storm.queue, &element);
        if (result <= 0)
            continue;
        storm.got[element]++;
        if (below(8) == 0)
            cede_yield();
        ck_assert_int_eq(cede_queue_task_done(storm.queue), 0);
    }
    ck_assert(result == 0 || errno == ECANCELED);
    return 0;
}

static void storm_round(unsigned round)
{
    struct cede_task *tasks[PUTTERS + GETTERS];
    int i, element, pauses;
    struct op joiner;

    memset(storm.got, 0, sizeof storm.got);
    storm.queue = open_kind((int)below(3), below(5));
    for (i = 0; i < PUTTERS + GETTERS; i++)
        tasks[i] = cede_spawn(i < PUTTERS ? storm_put : storm_get, (void *)(intptr_t)i);
    joiner = (struct op){.queue = storm.queue};
    joiner.task = cede_spawn(joins, &joiner);
    for (pauses = (int)below(60); pauses; pauses--) {
        if (below(4) == 0)
            cede_cancel(tasks[below(PUTTERS + GETTERS)]);
        cede_yield();
    }
    if (below(2))
        cede_sleep(below(50) * CEDE_MICROSECOND);
    ck_assert_int_eq(cede_queue_shutdown(storm.queue, 0), 0);
    for (i = 0; i < PUTTERS + GETTERS; i++)
        ck_assert_int_eq(cede_join(tasks[i], NULL), 0);
    while (cede_queue_try_get(storm.queue, &element) > 0) {
        storm.got[element]++;
        ck_assert_int_eq(cede_queue_task_done(storm.queue), 0);
    }
    assert_ended(&joiner, 0, 0);
    ck_assert_fails(cede_queue_task_done(storm.queue), EINVAL); /* as often as was put */
    for (i = 0; i < PUTTERS * EACH; i++)
        ck_assert_msg(storm.got[i] == storm.put[i], "round %u: %d put %d, got %d", round, i, storm.put[i],
                      storm.got[i]);
    ck_assert_int_eq(cede_queue_free(storm.queue), 0);
}

TASK_TEST(a_storm_loses_nothing)
{
    unsigned round;

    storm.seed = 4712;
    for (round = 0; round < (harness_valgrind() ? ROUNDS / 50 : HARNESS_ROUNDS(ROUNDS)); round++)
        storm_round(round);
}

Suite *suite(void)
{
    Suite *queue = suite_create("queue");
    TCase *cases = tcase_create("queue");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, three_orders);
    tcase_add_test(cases, orders_hold_while_it_grows);
    tcase_add_test(cases, a_wrapped_ring_grows_to_its_limit);
    tcase_add_test(cases, elements_without_size);
    tcase_add_test(cases, full_it_makes_wait_and_keeps_its_order);
    tcase_add_test(cases, empty_it_makes_wait);
    tcase_add_test(cases, who_never_has_to_wait_lets_others_run);
    tcase_add_test(cases, join_waits_until_all_is_done);
    tcase_add_test(cases, shut_down_it_gives_what_is_left_and_then_0);
    tcase_add_test(cases, shut_down_at_once_nothing_is_left);
    tcase_add_test(cases, wrong_arguments);
    tcase_add_test(cases, free_refuses_while_tasks_wait);
    tcase_add_test(cases, outside_a_task);
    tcase_add_test(cases, another_thread_is_refused);
    tcase_add_test(cases, cancelled_nothing_is_put_or_got);
    tcase_add_test(cases, cancelled_too_late);
    tcase_add_test(cases, deadline);
    tcase_add_test(cases, deadlock);
    tcase_add_test(cases, a_storm_loses_nothing);
    suite_add_tcase(queue, cases);
    return queue;
}
