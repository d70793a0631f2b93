/* SPDX-License-Identifier: MIT */
/* Channels: order, capacity, close, every errno, cancel and deadline while waiting, types; nothing lost in a storm. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "capture.h"
#include "harness.h"

#define LONG (600 * CEDE_SECOND)

/* A task that sends or receives one int. */
struct op {
    struct cede_chan *chan;
    struct cede_task *task;
    int element, result, error;
    bool ended;
};

static int sends(void *arg)
{
    struct op *op = arg;

    op->result = cede_chan_send(op->chan, &op->element);
    op->error = errno;
    op->element = -1; /* nobody may look at it any more */
    op->ended = true;
    return 0;
}

static int receives(void *arg)
{
    struct op *op = arg;

    op->result = cede_chan_recv(op->chan, &op->element);
    op->error = errno;
    op->ended = true;
    return 0;
}

/* Until it waits. */
static void start(struct op *op, cede_task_fn *fn, struct cede_chan *chan, int element)
{
    *op = (struct op){.chan = chan, .element = element};
    op->task = cede_spawn(fn, op);
    ck_assert_ptr_nonnull(op->task);
    cede_yield();
}

static void assert_ended(struct op *op, int result, int error)
{
    ck_assert_int_eq(cede_join(op->task, NULL), 0);
    ck_assert_int_eq(op->result, result);
    if (result < 0)
        ck_assert_int_eq(op->error, error);
}

static int received(struct cede_chan *chan)
{
    int element = -1;

    ck_assert_int_eq(cede_chan_recv(chan, &element), 1);
    return element;
}

/* ---- order ---- */

TASK_TEST(unbuffered_a_send_waits_for_its_receiver)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);
    struct op op[3];
    int i;

    for (i = 0; i < 3; i++) {
        start(&op[i], sends, chan, 10 + i);
        ck_assert(!op[i].ended);
    }
    ck_assert_uint_eq(cede_chan_length(chan), 0);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(received(chan), 10 + i);
    for (i = 0; i < 3; i++)
        assert_ended(&op[i], 0, 0);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

TASK_TEST(receivers_are_served_in_their_order)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);
    struct op op[3];
    int i;

    for (i = 0; i < 3; i++)
        start(&op[i], receives, chan, -1);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(cede_chan_send(chan, &(int){20 + i}), 0);
    for (i = 0; i < 3; i++) {
        assert_ended(&op[i], 1, 0);
        ck_assert_int_eq(op[i].element, 20 + i);
    }
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

/* Five in a channel for three: the fourth and fifth wait, and come into the places that get free. */
TASK_TEST(buffered_it_waits_only_when_full)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 3);
    struct op op[2];
    int round, i;

    ck_assert_uint_eq(cede_chan_capacity(chan), 3);
    for (round = 0; round < 5; round++) { /* the buffer wraps round at each place */
        for (i = 0; i < 3; i++) {
            ck_assert_uint_eq(cede_chan_length(chan), (size_t)i);
            ck_assert_int_eq(cede_chan_send(chan, &i), 0);
        }
        for (i = 0; i < 2; i++) {
            start(&op[i], sends, chan, 3 + i);
            ck_assert(!op[i].ended);
        }
        for (i = 0; i < 5; i++) {
            ck_assert_uint_eq(cede_chan_length(chan), i < 2 ? 3 : (size_t)(5 - i));
            ck_assert_int_eq(received(chan), i);
        }
        for (i = 0; i < 2; i++)
            assert_ended(&op[i], 0, 0);
        ck_assert_int_eq(cede_chan_send(chan, &i), 0);
        received(chan);
    }
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

TASK_TEST(elements_of_every_size)
{
    static const size_t sizes[] = {0, 1, 3, 4, 8, 12, 16, 1000};
    unsigned char sent[1000], got[1001];
    struct cede_chan *chan;
    unsigned i, j;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        chan = cede_chan_open(sizes[i], 3);
        for (j = 0; j < 20; j++) {
            memset(sent, (int)(i * 20 + j), sizeof sent);
            memset(got, 0xee, sizeof got);
            ck_assert_int_eq(cede_chan_send(chan, sizes[i] ? sent : NULL), 0);
            ck_assert_int_eq(cede_chan_recv(chan, got), 1);
            ck_assert_mem_eq(got, sent, sizes[i]);
            ck_assert_uint_eq(got[sizes[i]], 0xee);
        }
        ck_assert_int_eq(cede_chan_free(chan), 0);
    }
}

TASK_TEST(an_element_may_be_dropped)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 1);
    struct op op;

    ck_assert_int_eq(cede_chan_send(chan, &(int){1}), 0);
    start(&op, sends, chan, 2);
    ck_assert_int_eq(cede_chan_recv(chan, NULL), 1);
    assert_ended(&op, 0, 0);
    ck_assert_int_eq(received(chan), 2);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

/* ---- try ---- */

TASK_TEST(tries_do_not_wait)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 1), *unbuffered = cede_chan_open(sizeof(int), 0);
    struct op op;
    int element = 5;

    ck_assert_fails(cede_chan_try_recv(chan, &element), EAGAIN);
    ck_assert_int_eq(cede_chan_try_send(chan, &element), 0);
    ck_assert_fails(cede_chan_try_send(chan, &element), EAGAIN);
    element = 0;
    ck_assert_int_eq(cede_chan_try_recv(chan, &element), 1);
    ck_assert_int_eq(element, 5);

    ck_assert_fails(cede_chan_try_send(unbuffered, &element), EAGAIN);
    start(&op, receives, unbuffered, 0);
    ck_assert_int_eq(cede_chan_try_send(unbuffered, &element), 0);
    ck_assert(!op.ended); /* it did not let the other run */
    assert_ended(&op, 1, 0);
    ck_assert_int_eq(op.element, 5);
    start(&op, sends, unbuffered, 6);
    ck_assert_int_eq(cede_chan_try_recv(unbuffered, &element), 1);
    ck_assert_int_eq(element, 6);
    assert_ended(&op, 0, 0);
    ck_assert_int_eq(cede_chan_free(chan), 0);
    ck_assert_int_eq(cede_chan_free(unbuffered), 0);
}

static int counts(void *counter)
{
    while (cede_yield() == 0)
        ++*(int *)counter;
    return 0;
}

TASK_TEST(who_never_has_to_wait_lets_others_run)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 1);
    int counter = 0, i;
    struct cede_task *task = cede_spawn(counts, &counter);

    for (i = 0; i < 10000; i++) {
        ck_assert_int_eq(cede_chan_send(chan, &i), 0);
        ck_assert_int_eq(received(chan), i);
    }
    ck_assert_int_gt(counter, 10);
    cede_cancel(task);
    cede_join(task, NULL);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

/* ---- close ---- */

TASK_TEST(closed_it_gives_what_is_left_and_then_0)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 2);
    int element = 1;

    ck_assert_int_eq(cede_chan_closed(chan), 0);
    ck_assert_int_eq(cede_chan_send(chan, &element), 0);
    ck_assert_int_eq(cede_chan_close(chan), 0);
    ck_assert_int_eq(cede_chan_closed(chan), 1);
    ck_assert_fails(cede_chan_close(chan), EPIPE);
    ck_assert_fails(cede_chan_send(chan, &element), EPIPE);
    ck_assert_fails(cede_chan_try_send(chan, &element), EPIPE);
    ck_assert_int_eq(received(chan), 1);
    ck_assert_int_eq(cede_chan_recv(chan, &element), 0);
    ck_assert_int_eq(cede_chan_recv(chan, NULL), 0);
    ck_assert_int_eq(cede_chan_try_recv(chan, &element), 0);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

TASK_TEST(close_ends_every_wait)
{
    struct cede_chan *empty = cede_chan_open(sizeof(int), 1), *full = cede_chan_open(sizeof(int), 1);
    struct op op[4];

    ck_assert_int_eq(cede_chan_send(full, &(int){7}), 0);
    start(&op[0], receives, empty, 0);
    start(&op[1], receives, empty, 0);
    start(&op[2], sends, full, 8);
    start(&op[3], sends, full, 9);
    ck_assert_int_eq(cede_chan_close(empty), 0);
    ck_assert_int_eq(cede_chan_close(full), 0);
    assert_ended(&op[0], 0, 0);
    assert_ended(&op[1], 0, 0);
    assert_ended(&op[2], -1, EPIPE);
    assert_ended(&op[3], -1, EPIPE);
    ck_assert_int_eq(received(full), 7);
    ck_assert_int_eq(cede_chan_recv(full, NULL), 0);
    ck_assert_int_eq(cede_chan_free(empty), 0);
    ck_assert_int_eq(cede_chan_free(full), 0);
}

TASK_TEST(free_refuses_while_tasks_wait)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);
    struct op op;

    start(&op, receives, chan, 0);
    ck_assert_fails(cede_chan_free(chan), EBUSY);
    cede_cancel(op.task);
    assert_ended(&op, -1, ECANCELED);
    start(&op, sends, chan, 0);
    ck_assert_fails(cede_chan_free(chan), EBUSY);
    ck_assert_int_eq(received(chan), 0);
    ck_assert_int_eq(cede_chan_free(chan), 0); /* the sender has yet to run, but is done with the channel */
    assert_ended(&op, 0, 0);
    ck_assert_int_eq(cede_chan_free(NULL), 0);
}

/* ---- wrong use ---- */

TASK_TEST(wrong_arguments)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 1);

    errno = 0;
    ck_assert_ptr_null(cede_chan_open(SIZE_MAX / 4, 5));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(cede_chan_open(1, SIZE_MAX - 4));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_fails(cede_chan_send(NULL, NULL), EINVAL);
    ck_assert_fails(cede_chan_send(chan, NULL), EINVAL);
    ck_assert_fails(cede_chan_try_send(NULL, NULL), EINVAL);
    ck_assert_fails(cede_chan_try_send(chan, NULL), EINVAL);
    ck_assert_fails(cede_chan_recv(NULL, NULL), EINVAL);
    ck_assert_fails(cede_chan_try_recv(NULL, NULL), EINVAL);
    ck_assert_fails(cede_chan_close(NULL), EINVAL);
    ck_assert_uint_eq(cede_chan_length(NULL), 0);
    ck_assert_uint_eq(cede_chan_capacity(NULL), 0);
    ck_assert_int_eq(cede_chan_closed(NULL), 0);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

static int receives_all(void *arg)
{
    ck_assert_int_eq(received(arg), 1);
    ck_assert_int_eq(received(arg), 2);
    return cede_chan_recv(arg, NULL);
}

START_TEST(outside_a_task)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 2);

    ck_assert_fails(cede_chan_recv(chan, NULL), EPERM);
    ck_assert_int_eq(cede_chan_send(chan, &(int){1}), 0);
    ck_assert_int_eq(cede_chan_send(chan, &(int){2}), 0);
    ck_assert_fails(cede_chan_send(chan, &(int){3}), EPERM);
    ck_assert_int_eq(cede_chan_close(chan), 0);
    ck_assert_int_eq(cede_run(receives_all, chan), 0);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}
END_TEST

static void *interferes(void *chan)
{
    int element = 0;

    ck_assert_fails(cede_chan_send(chan, &element), EPERM);
    ck_assert_fails(cede_chan_try_send(chan, &element), EPERM);
    ck_assert_fails(cede_chan_close(chan), EPERM);
    return NULL;
}

static void *interferes_with_a_sender(void *chan)
{
    ck_assert_fails(cede_chan_recv(chan, NULL), EPERM);
    ck_assert_fails(cede_chan_try_recv(chan, NULL), EPERM);
    return NULL;
}

/* While this thread stands still, so that there is no race. */
TASK_TEST(another_thread_is_refused)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);
    struct op op;
    pthread_t thread;

    start(&op, receives, chan, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, interferes, chan), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(cede_chan_send(chan, &(int){4}), 0);
    assert_ended(&op, 1, 0);
    ck_assert_int_eq(op.element, 4);
    start(&op, sends, chan, 5);
    ck_assert_int_eq(pthread_create(&thread, NULL, interferes_with_a_sender, chan), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(received(chan), 5);
    assert_ended(&op, 0, 0);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

/* ---- interrupted ---- */

TASK_TEST(cancelled_nothing_is_sent_or_received)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);
    struct op op[3];

    start(&op[0], sends, chan, 1);
    start(&op[1], sends, chan, 2);
    start(&op[2], sends, chan, 3);
    cede_cancel(op[1].task);
    cede_yield();
    ck_assert_int_eq(received(chan), 1);
    ck_assert_int_eq(received(chan), 3);
    assert_ended(&op[0], 0, 0);
    assert_ended(&op[1], -1, ECANCELED);
    assert_ended(&op[2], 0, 0);
    start(&op[0], receives, chan, -5);
    start(&op[1], receives, chan, -5);
    cede_cancel(op[0].task);
    cede_yield();
    ck_assert_int_eq(cede_chan_send(chan, &(int){4}), 0);
    assert_ended(&op[0], -1, ECANCELED);
    ck_assert_int_eq(op[0].element, -5);
    assert_ended(&op[1], 1, 0);
    ck_assert_int_eq(op[1].element, 4);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

/* What has happened has happened. */
TASK_TEST(cancelled_too_late)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);
    struct op op;

    start(&op, receives, chan, 0);
    ck_assert_int_eq(cede_chan_send(chan, &(int){1}), 0);
    cede_cancel(op.task);
    assert_ended(&op, 1, 0);
    ck_assert_int_eq(op.element, 1);
    start(&op, sends, chan, 2);
    ck_assert_int_eq(received(chan), 2);
    cede_cancel(op.task);
    assert_ended(&op, 0, 0);
    start(&op, receives, chan, 0);
    ck_assert_int_eq(cede_chan_close(chan), 0);
    cede_cancel(op.task);
    assert_ended(&op, 0, 0);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

static int uses_it_though_cancelled(void *arg)
{
    struct cede_chan *chan = arg;

    cede_cancel(cede_self());
    ck_assert_int_eq(cede_chan_send(chan, &(int){1}), 0); /* they need not wait */
    ck_assert_fails(cede_chan_send(chan, &(int){2}), ECANCELED);
    ck_assert_int_eq(received(chan), 1);
    ck_assert_fails(cede_chan_recv(chan, NULL), ECANCELED);
    return 0;
}

TASK_TEST(cancelled_before)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 1);

    ck_assert_int_eq(cede_await(cede_spawn(uses_it_though_cancelled, chan)), 0);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

TASK_TEST(deadline)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);

    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_chan_recv(chan, NULL), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_chan_send(chan, &(int){1}), ETIMEDOUT);
    ck_assert_fails(cede_chan_try_recv(chan, NULL), EAGAIN);
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

static struct capture seen;

static int waits_in_vain(void *unused)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);

    (void)unused;
    ck_assert_fails(cede_chan_recv(chan, NULL), EDEADLK);
    ck_assert_fails(cede_chan_send(chan, &(int){1}), EDEADLK);
    return cede_chan_free(chan);
}

static void run_waits_in_vain(void *unused)
{
    ck_assert_int_eq(cede_run(waits_in_vain, unused), 0);
}

START_TEST(deadlock)
{
    capture_child(&seen, run_waits_in_vain, NULL);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, " in receive from channel 0x");
    ck_assert_says(&seen, " in send to channel 0x");
}
END_TEST

/* ---- types ---- */

struct point {
    double x, y;
};

typedef cede_chan_of(struct point) point_chan;

static int sums_up(void *arg)
{
    point_chan *points = arg;
    int sum = 0;

    cede_chan_each (point, *points) {
        if (point.x == 2)
            continue;
        sum += (int)(point.x * point.y);
    }
    return sum;
}

TASK_TEST(channels_of_a_type)
{
    const struct point constant = {3, 10};
    struct point point = {1, 10};
    point_chan points, copy;
    struct cede_task *task;

    ck_assert_uint_eq(sizeof points, sizeof(void *));
    ck_assert_int_eq(cede_chan_make(points, 2), 0);
    ck_assert_uint_eq(cede_chan_capacity(points.chan), 2);
    ck_assert_int_eq(cede_chan_try_get(points, &point), -1);
    ck_assert_int_eq(cede_chan_put(points, &point), 0);
    ck_assert_int_eq(cede_chan_try_put(points, &(struct point){2, 10}), 0);
    task = cede_spawn(sums_up, &points);
    copy = points;
    ck_assert_int_eq(cede_chan_put(copy, &constant), 0);
    ck_assert_int_eq(cede_chan_close(points.chan), 0);
    ck_assert_int_eq(cede_await(task), 40);
    ck_assert_int_eq(cede_chan_get(points, &point), 0);
    ck_assert_int_eq(cede_chan_free(points.chan), 0);
    errno = 0;
    ck_assert_int_eq(cede_chan_make(points, SIZE_MAX), -1);
    ck_assert_int_eq(errno, ENOMEM);
}

TASK_TEST(each_ends_when_a_wait_fails)
{
    cede_chan_of(int) numbers;
    int seen_before = 0;

    ck_assert_int_eq(cede_chan_make(numbers, 1), 0);
    ck_assert_int_eq(cede_chan_put(numbers, &(int){1}), 0);
    cede_timeout (CEDE_MILLISECOND) {
        cede_chan_each (number, numbers)
            seen_before += number;
        ck_assert_fails(cede_check(), ETIMEDOUT);
    }
    ck_assert_int_eq(seen_before, 1);
    ck_assert_int_eq(cede_chan_free(numbers.chan), 0);
}

/* ---- storm ---- */

enum { SENDERS = 8, RECEIVERS = 6, EACH = 30, ROUNDS = 2000 };

/* Each sender's elements are numbered; those it could not send are marked. */
static struct {
    struct cede_chan *chan;
    unsigned seed;
    bool sent[SENDERS][EACH];
    int received[SENDERS][EACH];
} storm;

struct numbered {
    int sender, number;
    double rest;
};

static unsigned below(unsigned bound)
{
    return harness_random(&storm.seed) % bound;
}

static int storm_send(void *arg)
{
    struct numbered element = {.sender = (int)(intptr_t)arg};
    int result = 0;

    for (; element.number < EACH; element.number++) {
        element.rest = element.number * 1.5;
        switch (below(4)) {
        case 0:
            result = cede_chan_try_send(storm.chan, &element);
            break;
        case 1:
            cede_timeout (below(20) * CEDE_MICROSECOND)
                result = cede_chan_send(storm.chan, &element);
            break;
        default:
            result = cede_chan_send(storm.chan, &element);
        }
        ck_assert(result == 0 || errno == EAGAIN || errno == ETIMEDOUT || errno == ECANCELED || errno == EPIPE);
        storm.sent[element.sender][element.number] = result == 0;
        if (below(8) == 0)
            cede_yield();
    }
    return 0;
}

static int storm_receive(void *unused)
{
    int last[SENDERS], result = 1, i;
    struct numbered element;

    (void)unused;
    for (i = 0; i < SENDERS; i++)
        last[i] = -1;
    while (result > 0 || (result < 0 && errno != ECANCELED)) {
        switch (below(3)) {
        case 0:
            cede_timeout (below(20) * CEDE_MICROSECOND)
                result = cede_chan_recv(storm.chan, &element);
            break;
        default:
            result = cede_chan_recv(storm.chan, &element);
        }
        if (result <= 0)
            continue;
        storm.received[element.sender][element.number]++;
        ck_assert(element.rest == element.number * 1.5);
        ck_assert_int_gt(element.number, last[element.sender]);
        last[element.sender] = element.number;
    }
    ck_assert(result == 0 || errno == ECANCELED);
    return 0;
}

static void storm_round(unsigned round)
{
    struct cede_task *tasks[SENDERS + RECEIVERS];
    struct numbered element;
    int i, j, pauses;

    memset(storm.received, 0, sizeof storm.received);
    storm.chan = cede_chan_open(sizeof element, below(4));
    for (i = 0; i < SENDERS + RECEIVERS; i++)
        tasks[i] = cede_spawn(i < SENDERS ? storm_send : storm_receive, (void *)(intptr_t)i);
    for (pauses = (int)below(60); pauses; pauses--) {
        if (below(4) == 0)
            cede_cancel(tasks[below(SENDERS + RECEIVERS)]);
        cede_yield();
    }
    if (below(2))
        cede_sleep(below(50) * CEDE_MICROSECOND);
    ck_assert_int_eq(cede_chan_close(storm.chan), 0);
    for (i = 0; i < SENDERS + RECEIVERS; i++)
        ck_assert_int_eq(cede_join(tasks[i], NULL), 0);
    while (cede_chan_try_recv(storm.chan, &element) > 0)
        storm.received[element.sender][element.number]++;
    for (i = 0; i < SENDERS; i++)
        for (j = 0; j < EACH; j++)
            ck_assert_msg(storm.received[i][j] == storm.sent[i][j], "round %u: %d of %d sent %d, received %d", round, j,
                          i, storm.sent[i][j], storm.received[i][j]);
    ck_assert_int_eq(cede_chan_free(storm.chan), 0);
}

TASK_TEST(a_storm_loses_nothing)
{
    unsigned round;

    storm.seed = 4711;
    for (round = 0; round < (harness_valgrind() ? ROUNDS / 50 : HARNESS_ROUNDS(ROUNDS)); round++)
        storm_round(round);
}

Suite *suite(void)
{
    Suite *chan = suite_create("chan");
    TCase *cases = tcase_create("chan");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, unbuffered_a_send_waits_for_its_receiver);
    tcase_add_test(cases, receivers_are_served_in_their_order);
    tcase_add_test(cases, buffered_it_waits_only_when_full);
    tcase_add_test(cases, elements_of_every_size);
    tcase_add_test(cases, an_element_may_be_dropped);
    tcase_add_test(cases, tries_do_not_wait);
    tcase_add_test(cases, who_never_has_to_wait_lets_others_run);
    tcase_add_test(cases, closed_it_gives_what_is_left_and_then_0);
    tcase_add_test(cases, close_ends_every_wait);
    tcase_add_test(cases, free_refuses_while_tasks_wait);
    tcase_add_test(cases, wrong_arguments);
    tcase_add_test(cases, outside_a_task);
    tcase_add_test(cases, another_thread_is_refused);
    tcase_add_test(cases, cancelled_nothing_is_sent_or_received);
    tcase_add_test(cases, cancelled_too_late);
    tcase_add_test(cases, cancelled_before);
    tcase_add_test(cases, deadline);
    tcase_add_test(cases, deadlock);
    tcase_add_test(cases, channels_of_a_type);
    tcase_add_test(cases, each_ends_when_a_wait_fails);
    tcase_add_test(cases, a_storm_loses_nothing);
    suite_add_tcase(chan, cases);
    return chan;
}
