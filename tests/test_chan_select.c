/* SPDX-License-Identifier: MIT */
/* Select: exactly one case, fairly chosen; timeouts, close, every errno, cancel and deadline while waiting; a storm. */
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "harness.h"

enum { CHANS = 4, CASES_MAX = 24 };

static struct cede_chan *open_ints(size_t capacity)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), capacity);

    ck_assert_ptr_nonnull(chan);
    return chan;
}

static void free_chan(struct cede_chan *chan)
{
    ck_assert_int_eq(cede_chan_free(chan), 0);
}

/* A task that selects. */
struct selection {
    struct cede_chan_case cases[CASES_MAX];
    size_t count;
    int64_t timeout_ns;
    struct cede_task *task;
    int chosen, error;
    bool ended;
};

static int selects(void *arg)
{
    struct selection *selection = arg;

    selection->chosen = cede_chan_select(selection->cases, selection->count, selection->timeout_ns);
    selection->error = errno;
    selection->ended = true;
    return 0;
}

/* Until it waits. */
static void start(struct selection *selection, size_t count, int64_t timeout_ns)
{
    selection->count = count;
    selection->timeout_ns = timeout_ns;
    selection->ended = false;
    selection->task = cede_spawn(selects, selection);
    ck_assert_ptr_nonnull(selection->task);
    cede_yield();
    ck_assert(!selection->ended);
}

static void assert_chosen(struct selection *selection, int chosen, int result)
{
    ck_assert_int_eq(cede_join(selection->task, NULL), 0);
    ck_assert_int_eq(selection->chosen, chosen);
    ck_assert_int_eq(selection->cases[chosen].result, result);
}

static void assert_failed(struct selection *selection, int error)
{
    ck_assert_int_eq(cede_join(selection->task, NULL), 0);
    ck_assert_int_eq(selection->chosen, -1);
    ck_assert_int_eq(selection->error, error);
}

/* ---- without waiting ---- */

TASK_TEST(the_case_that_is_ready)
{
    struct cede_chan *empty = open_ints(1), *full = open_ints(1);
    int got = 0, sent = 3;
    struct cede_chan_case cases[] = {
        cede_case_recv(empty, &got), cede_case_send(full, &sent), cede_case_recv(full, &got),
        cede_case_recv(NULL, &got)};

    ck_assert_int_eq(cede_chan_send(full, &(int){2}), 0);
    ck_assert_fails(cede_chan_select(cases, 2, 0), EAGAIN);
    ck_assert_int_eq(cede_chan_select(cases, 4, 0), 2);
    ck_assert_int_eq(cases[2].result, 1);
    ck_assert_int_eq(got, 2);
    ck_assert_int_eq(cede_chan_select(cases, 2, CEDE_FOREVER), 1);
    ck_assert_int_eq(cases[1].result, 0);
    cases[2] = cede_case_recv(full, NULL);
    ck_assert_int_eq(cede_chan_select(&cases[2], 2, CEDE_SECOND), 0);
    ck_assert_fails(cede_chan_select(&cases[3], 1, 0), EAGAIN);
    ck_assert_fails(cede_chan_select(NULL, 0, 0), EAGAIN);
    free_chan(empty);
    free_chan(full);
}

TASK_TEST(a_partner_that_waits_makes_a_case_ready)
{
    struct cede_chan *chan = open_ints(0);
    struct selection other;
    struct cede_chan_case one;
    int got = 0, sent = 6, theirs = 0;

    other.cases[0] = cede_case_recv(chan, &theirs);
    start(&other, 1, CEDE_FOREVER);
    one = cede_case_send(chan, &sent);
    ck_assert_int_eq(cede_chan_select(&one, 1, 0), 0);
    assert_chosen(&other, 0, 1);
    ck_assert_int_eq(theirs, 6);
    other.cases[0] = cede_case_send(chan, &sent);
    start(&other, 1, CEDE_FOREVER);
    one = cede_case_recv(chan, &got);
    ck_assert_int_eq(cede_chan_select(&one, 1, 0), 0);
    assert_chosen(&other, 0, 0);
    ck_assert_int_eq(got, 6);
    free_chan(chan);
}

TASK_TEST(closed_channels_are_ready)
{
    struct cede_chan *chan = open_ints(0);
    int element = 1;
    struct cede_chan_case receive = cede_case_recv(chan, &element), send = cede_case_send(chan, &element);

    ck_assert_int_eq(cede_chan_close(chan), 0);
    ck_assert_int_eq(cede_chan_select(&receive, 1, 0), 0);
    ck_assert_int_eq(receive.result, 0);
    errno = 0;
    ck_assert_int_eq(cede_chan_select(&send, 1, CEDE_FOREVER), 0);
    ck_assert_int_eq(send.result, -1);
    ck_assert_int_eq(errno, EPIPE);
    free_chan(chan);
}

/* Whether chosen from two, three or four, at any places: each about as often. */
TASK_TEST(the_choice_is_fair)
{
    enum { TRIES = 12000 };
    struct cede_chan *chan[CHANS];
    struct cede_chan_case cases[2 * CHANS];
    int chosen[2 * CHANS], i, ready, try;

    for (i = 0; i < CHANS; i++)
        chan[i] = open_ints(1);
    for (ready = 2; ready <= CHANS; ready++) {
        memset(chosen, 0, sizeof chosen);
        for (i = 0; i < 2 * CHANS; i++) /* every second one never is */
            cases[i] = cede_case_send(i % 2 && i / 2 < ready ? chan[i / 2] : NULL, &i);
        for (try = 0; try < TRIES; try++) {
            i = cede_chan_select(cases, 2 * CHANS, 0);
            ck_assert_int_ge(i, 0);
            chosen[i]++;
            ck_assert_int_eq(cede_chan_try_recv(cases[i].chan, NULL), 1);
        }
        for (i = 0; i < ready; i++)
            ck_assert_msg(abs(chosen[2 * i + 1] - TRIES / ready) < TRIES / ready / 10, "%d of %d: %d times", i, ready,
                          chosen[2 * i + 1]);
    }
    for (i = 0; i < CHANS; i++)
        free_chan(chan[i]);
}

static int sequence(void *choices)
{
    struct cede_chan *chan[CHANS];
    struct cede_chan_case cases[CHANS];
    int i, at, element = 0;

    for (i = 0; i < CHANS; i++) {
        chan[i] = open_ints(100);
        cases[i] = cede_case_send(chan[i], &element);
    }
    for (i = 0; i < 100; i++) {
        at = cede_chan_select(cases, CHANS, 0);
        ((char *)choices)[i] = (char)at;
    }
    for (i = 0; i < CHANS; i++)
        free_chan(chan[i]);
    return 0;
}

START_TEST(the_choice_is_the_same_in_each_run)
{
    char first[100], second[100];

    ck_assert_int_eq(cede_run(sequence, first), 0);
    ck_assert_int_eq(cede_run(sequence, second), 0);
    ck_assert_mem_eq(first, second, sizeof first);
}
END_TEST

static int counts(void *counter)
{
    while (cede_yield() == 0)
        ++*(int *)counter;
    return 0;
}

TASK_TEST(who_never_has_to_wait_lets_others_run)
{
    struct cede_chan *chan = open_ints(1);
    int counter = 0, i, element = 0;
    struct cede_task *task = cede_spawn(counts, &counter);
    struct cede_chan_case cases[] = {cede_case_send(chan, &element), cede_case_recv(chan, &element)};

    for (i = 0; i < 10000; i++)
        ck_assert_int_ge(cede_chan_select(cases, 2, CEDE_FOREVER), 0);
    ck_assert_int_gt(counter, 10);
    cede_cancel(task);
    cede_join(task, NULL);
    free_chan(chan);
}

/* ---- waiting ---- */

/* One that waits at many channels is served at one of them, and is then no longer at the others; also with more cases
 * than fit on its stack. */
static void serve_at_each(size_t count)
{
    struct cede_chan *chan[CASES_MAX];
    struct selection selection;
    int into[CASES_MAX], element, result;
    size_t i, j;

    for (i = 0; i < count; i++)
        chan[i] = open_ints(0);
    for (i = 0; i < 2 * count; i++) {
        size_t at = i / 2;
        bool sends = i % 2;

        for (j = 0; j < count; j++) {
            into[j] = (int)j;
            selection.cases[j] = (j == at) == sends ? cede_case_send(chan[j], &into[j])
                                                    : cede_case_recv(chan[j], &into[j]);
        }
        start(&selection, count, CEDE_FOREVER);
        element = 100;
        result = sends ? cede_chan_try_recv(chan[at], &element) : cede_chan_try_send(chan[at], &element);
        ck_assert_int_eq(result, sends);
        for (j = 0; j < count; j++) /* it has not run yet, but nobody may serve it again */
            if ((j == at) == sends)
                ck_assert_fails(cede_chan_try_recv(chan[j], NULL), EAGAIN);
            else
                ck_assert_fails(cede_chan_try_send(chan[j], &element), EAGAIN);
        assert_chosen(&selection, (int)at, !sends);
        ck_assert_int_eq(sends ? element : into[at], sends ? (int)at : 100);
        for (j = 0; j < count; j++) {
            ck_assert_fails(cede_chan_try_recv(chan[j], NULL), EAGAIN);
            ck_assert_fails(cede_chan_try_send(chan[j], &element), EAGAIN);
        }
    }
    for (i = 0; i < count; i++)
        free_chan(chan[i]);
}

TASK_TEST(served_once)
{
    serve_at_each(1);
    serve_at_each(4);
    serve_at_each(16);
    serve_at_each(17);
    serve_at_each(CASES_MAX);
}

/* Both cases of one select at one channel do not serve each other. */
TASK_TEST(not_served_by_itself)
{
    struct cede_chan *chan = open_ints(0);
    struct selection one, two;
    int sent[2] = {1, 2}, got[2] = {0, 0};

    one.cases[0] = cede_case_send(chan, &sent[0]);
    one.cases[1] = cede_case_recv(chan, &got[0]);
    one.cases[2] = cede_case_recv(chan, &got[0]); /* nor does it matter that a channel comes twice */
    start(&one, 3, CEDE_FOREVER);
    two.cases[0] = cede_case_recv(chan, &got[1]);
    two.cases[1] = cede_case_send(chan, &sent[1]);
    two.count = 2;
    two.timeout_ns = CEDE_FOREVER;
    two.task = cede_spawn(selects, &two);
    ck_assert_int_eq(cede_join(two.task, NULL), 0);
    ck_assert_int_eq(cede_join(one.task, NULL), 0);
    if (two.chosen == 0) {
        ck_assert_int_eq(one.chosen, 0);
        ck_assert_int_eq(got[1], 1);
    } else {
        ck_assert_int_ge(one.chosen, 1);
        ck_assert_int_eq(got[0], 2);
    }
    ck_assert_int_eq(got[0] + got[1], two.chosen + 1);
    free_chan(chan);
}

TASK_TEST(close_while_it_waits)
{
    struct cede_chan *chan[2] = {open_ints(0), open_ints(0)};
    struct selection selection;
    int element = 0;

    selection.cases[0] = cede_case_recv(chan[0], &element);
    selection.cases[1] = cede_case_send(chan[1], &element);
    start(&selection, 2, CEDE_FOREVER);
    ck_assert_int_eq(cede_chan_close(chan[0]), 0);
    ck_assert_int_eq(cede_chan_close(chan[1]), 0); /* too late */
    assert_chosen(&selection, 0, 0);
    free_chan(chan[0]);
    chan[0] = open_ints(0);
    free_chan(chan[1]);
    chan[1] = open_ints(0);
    selection.cases[0] = cede_case_recv(chan[0], &element);
    selection.cases[1] = cede_case_send(chan[1], &element);
    start(&selection, 2, CEDE_FOREVER);
    ck_assert_int_eq(cede_chan_close(chan[1]), 0);
    assert_chosen(&selection, 1, -1);
    ck_assert_int_eq(selection.error, EPIPE);
    free_chan(chan[0]);
    free_chan(chan[1]);
}

TASK_TEST(free_refuses_while_it_waits)
{
    struct cede_chan *chan[2] = {open_ints(0), open_ints(0)};
    struct selection selection;
    int element = 0;

    selection.cases[0] = cede_case_recv(chan[0], &element);
    selection.cases[1] = cede_case_send(chan[1], &element);
    start(&selection, 2, CEDE_FOREVER);
    ck_assert_fails(cede_chan_free(chan[0]), EBUSY);
    ck_assert_fails(cede_chan_free(chan[1]), EBUSY);
    ck_assert_int_eq(cede_chan_send(chan[0], &element), 0);
    free_chan(chan[1]); /* it has yet to run, but does not wait any more */
    free_chan(chan[0]);
    assert_chosen(&selection, 0, 1);
}

/* ---- timeout ---- */

TASK_TEST(timeout)
{
    struct cede_chan *chan = open_ints(0);
    struct cede_chan_case one = cede_case_recv(chan, NULL);
    int64_t before = cede_now();

    ck_assert_fails(cede_chan_select(&one, 1, 5 * CEDE_MILLISECOND), ETIMEDOUT);
    ck_assert_int_ge(cede_now() - before, 5 * CEDE_MILLISECOND);
    ck_assert_fails(cede_chan_select(NULL, 0, CEDE_MILLISECOND), ETIMEDOUT);
    ck_assert_fails(cede_chan_try_send(chan, &(int){1}), EAGAIN);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_chan_select(&one, 1, CEDE_FOREVER), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_chan_select(&one, 1, CEDE_HOUR), ETIMEDOUT);
    ck_assert_fails(cede_chan_try_send(chan, &(int){1}), EAGAIN);
    free_chan(chan);
}

/* ---- cancelled ---- */

TASK_TEST(cancelled)
{
    struct cede_chan *chan[2] = {open_ints(0), open_ints(0)};
    struct selection selection;
    int element = -5;

    selection.cases[0] = cede_case_recv(chan[0], &element);
    selection.cases[1] = cede_case_send(chan[1], &element);
    start(&selection, 2, CEDE_FOREVER);
    cede_cancel(selection.task);
    assert_failed(&selection, ECANCELED);
    ck_assert_int_eq(element, -5);
    ck_assert_fails(cede_chan_try_send(chan[0], &element), EAGAIN);
    ck_assert_fails(cede_chan_try_recv(chan[1], &element), EAGAIN);
    start(&selection, 2, CEDE_FOREVER);
    ck_assert_int_eq(cede_chan_send(chan[0], &(int){7}), 0);
    cede_cancel(selection.task); /* too late */
    assert_chosen(&selection, 0, 1);
    ck_assert_int_eq(element, 7);
    free_chan(chan[0]);
    free_chan(chan[1]);
}

static int selects_though_cancelled(void *unused)
{
    struct cede_chan *chan = open_ints(1);
    int element = 1;
    struct cede_chan_case send = cede_case_send(chan, &element), receive = cede_case_recv(chan, &element);

    (void)unused;
    cede_cancel(cede_self());
    ck_assert_int_eq(cede_chan_select(&send, 1, CEDE_FOREVER), 0); /* it need not wait */
    ck_assert_fails(cede_chan_select(&send, 1, CEDE_FOREVER), ECANCELED);
    ck_assert_int_eq(cede_chan_select(&receive, 1, CEDE_FOREVER), 0);
    ck_assert_fails(cede_chan_select(&receive, 1, CEDE_SECOND), ECANCELED);
    ck_assert_fails(cede_chan_select(NULL, 0, CEDE_FOREVER), ECANCELED);
    free_chan(chan);
    return 0;
}

TASK_TEST(cancelled_before)
{
    ck_assert_int_eq(cede_await(cede_spawn(selects_though_cancelled, NULL)), 0);
}

/* ---- wrong use ---- */

TASK_TEST(wrong_arguments)
{
    struct cede_chan *chan = open_ints(1), *signals = cede_chan_open(0, 1);
    struct cede_chan_case one = cede_case_recv(chan, NULL);

    ck_assert_fails(cede_chan_select(&one, 1, -1), EINVAL);
    ck_assert_fails(cede_chan_select(NULL, 1, 0), EINVAL);
    ck_assert_fails(cede_chan_select(&one, (size_t)INT_MAX + 1, 0), EINVAL);
    one = cede_case_send(chan, NULL);
    ck_assert_fails(cede_chan_select(&one, 1, 0), EINVAL);
    one = cede_case_send(NULL, NULL);
    ck_assert_fails(cede_chan_select(&one, 1, 0), EAGAIN);
    one = cede_case_send(signals, NULL);
    ck_assert_int_eq(cede_chan_select(&one, 1, 0), 0);
    one.op = (enum cede_chan_op)7;
    ck_assert_fails(cede_chan_select(&one, 1, 0), EINVAL);
    free_chan(chan);
    free_chan(signals);
}

START_TEST(outside_a_task)
{
    struct cede_chan *chan = open_ints(1);
    int element = 0;
    struct cede_chan_case cases[] = {cede_case_send(chan, &element), cede_case_send(chan, &element)};

    ck_assert_int_eq(cede_chan_select(cases, 2, CEDE_FOREVER), 0);
    ck_assert_fails(cede_chan_select(cases, 2, CEDE_FOREVER), EPERM);
    ck_assert_fails(cede_chan_select(cases, 2, 0), EAGAIN);
    free_chan(chan);
}
END_TEST

static void *interferes(void *arg)
{
    int element = 0;
    struct cede_chan_case one = cede_case_send(arg, &element);

    ck_assert_fails(cede_chan_select(&one, 1, 0), EPERM);
    return NULL;
}

TASK_TEST(another_thread_is_refused)
{
    struct cede_chan *chan = open_ints(0);
    struct selection selection;
    pthread_t thread;

    selection.cases[0] = cede_case_recv(chan, NULL);
    start(&selection, 1, CEDE_FOREVER);
    ck_assert_int_eq(pthread_create(&thread, NULL, interferes, chan), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(cede_chan_send(chan, &(int){1}), 0);
    assert_chosen(&selection, 0, 1);
    free_chan(chan);
}

static struct capture seen;

static int waits_in_vain(void *unused)
{
    struct cede_chan *chan = open_ints(0);
    int element = 0;
    struct cede_chan_case cases[] = {cede_case_recv(chan, NULL), cede_case_send(chan, &element)};

    (void)unused;
    ck_assert_fails(cede_chan_select(cases, 2, CEDE_FOREVER), EDEADLK);
    ck_assert_fails(cede_chan_try_send(chan, &element), EAGAIN);
    cases[0].chan = cases[1].chan = NULL;
    ck_assert_fails(cede_chan_select(cases, 2, CEDE_FOREVER), EDEADLK);
    ck_assert_fails(cede_chan_select(NULL, 0, CEDE_FOREVER), EDEADLK);
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
    ck_assert_says(&seen, " in select, stack ");
}
END_TEST

#ifndef HARNESS_SANITIZED /* their malloc() does not fail, it aborts */
static int run_out_of_memory(void *unused)
{
    const struct rlimit none = {0, 0};
    size_t count = (size_t)1 << 20, i;
    struct cede_chan_case *cases = malloc(count * sizeof *cases);

    (void)unused;
    ck_assert_ptr_nonnull(cases);
    for (i = 0; i < count; i++)
        cases[i] = cede_case_recv(NULL, NULL);
    setrlimit(RLIMIT_AS, &none);
    ck_assert_fails(cede_chan_select(cases, count, CEDE_FOREVER), ENOMEM);
    return 0;
}

static void run_run_out_of_memory(void *unused)
{
    ck_assert_int_eq(cede_run(run_out_of_memory, unused), 0);
}

START_TEST(no_memory)
{
    if (harness_emulated("limit on memory"))
        return;
    capture_child(&seen, run_run_out_of_memory, NULL);
    capture_assert_exited(&seen);
}
END_TEST
#endif

/* ---- types ---- */

TASK_TEST(cases_of_a_type)
{
    cede_chan_of(int) numbers;
    cede_chan_of(const char *) words;
    const char *word = "none";
    struct cede_chan_case cases[2];

    ck_assert_int_eq(cede_chan_make(numbers, 1), 0);
    ck_assert_int_eq(cede_chan_make(words, 1), 0);
    cases[0] = cede_case_put(numbers, &(const int){5});
    cases[1] = cede_case_get(words, &word);
    ck_assert_int_eq(cede_chan_select(cases, 2, 0), 0);
    ck_assert_int_eq(cede_chan_put(words, &(const char *){"word"}), 0);
    ck_assert_int_eq(cede_chan_select(cases, 2, 0), 1);
    ck_assert_str_eq(word, "word");
    free_chan(numbers.chan);
    free_chan(words.chan);
}

/* ---- storm ---- */

/* Tasks that send, receive and select at random channels, while they are cancelled, time out, and channels are closed:
 * what was sent is received, exactly once, and nothing else is. */
enum { TASKS = 12, ACTIONS = 20, PER_ACTION = 6, ELEMENTS = TASKS * ACTIONS * PER_ACTION, ROUNDS = 2000 };

static struct {
    struct cede_chan *chan[CHANS];
    unsigned seed;
    bool sent[ELEMENTS], received[ELEMENTS];
} storm;

static unsigned below(unsigned bound)
{
    return harness_random(&storm.seed) % bound;
}

static struct cede_chan *any(void)
{
    return storm.chan[below(CHANS)];
}

static void take_in(int element)
{
    ck_assert(element >= 0 && element < ELEMENTS && !storm.received[element]);
    storm.received[element] = true;
}

/* Cases that offer elements of their own, first and following. */
static int select_some(int first)
{
    struct cede_chan_case cases[PER_ACTION];
    int elements[PER_ACTION], count = (int)below(PER_ACTION) + 1, i, chosen;
    bool sends[PER_ACTION];

    for (i = 0; i < count; i++) {
        sends[i] = below(2);
        elements[i] = sends[i] ? first + i : -1;
        cases[i] = sends[i] ? cede_case_send(any(), &elements[i]) : cede_case_recv(any(), &elements[i]);
        if (below(8) == 0)
            cases[i].chan = NULL;
    }
    chosen = cede_chan_select(cases, (size_t)count, below(3) ? CEDE_FOREVER : below(20) * CEDE_MICROSECOND);
    if (chosen >= 0 && sends[chosen] && cases[chosen].result == 0)
        storm.sent[elements[chosen]] = true;
    if (chosen >= 0 && !sends[chosen] && cases[chosen].result == 1)
        take_in(elements[chosen]);
    for (i = 0; i < count; i++) /* the others are untouched */
        if (i != chosen)
            ck_assert_int_eq(elements[i], sends[i] ? first + i : -1);
    return chosen < 0 ? -1 : cases[chosen].result;
}

static int act(int first)
{
    int element = first, result;

    switch (below(8)) {
    case 0: case 1:
        result = below(4) ? cede_chan_send(any(), &element) : cede_chan_try_send(any(), &element);
        if (result == 0)
            storm.sent[first] = true;
        return result;
    case 2: case 3:
        result = below(4) ? cede_chan_recv(any(), &element) : cede_chan_try_recv(any(), &element);
        if (result == 1)
            take_in(element);
        return result;
    default:
        return select_some(first);
    }
}

static int storms(void *arg)
{
    int first = (int)(intptr_t)arg * ACTIONS * PER_ACTION, i, result = 0;

    for (i = 0; i < ACTIONS; i++, first += PER_ACTION) {
        if (below(4))
            result = act(first);
        else
            cede_timeout (below(20) * CEDE_MICROSECOND)
                result = act(first);
        ck_assert(result >= 0 || errno == EAGAIN || errno == ETIMEDOUT || errno == ECANCELED || errno == EPIPE);
        if (below(8) == 0)
            cede_yield();
    }
    return 0;
}

static void storm_round(unsigned round)
{
    struct cede_task *tasks[TASKS];
    int i, element, pauses;

    memset(storm.sent, 0, sizeof storm.sent);
    memset(storm.received, 0, sizeof storm.received);
    for (i = 0; i < CHANS; i++)
        storm.chan[i] = open_ints(below(3));
    for (i = 0; i < TASKS; i++)
        tasks[i] = cede_spawn(storms, (void *)(intptr_t)i);
    for (pauses = (int)below(60); pauses; pauses--) {
        if (below(8) == 0)
            cede_cancel(tasks[below(TASKS)]);
        if (below(40) == 0)
            cede_chan_close(any());
        cede_yield();
    }
    if (below(2))
        cede_sleep(below(50) * CEDE_MICROSECOND);
    for (i = 0; i < TASKS; i++)
        cede_cancel(tasks[i]);
    for (i = 0; i < TASKS; i++)
        ck_assert_int_eq(cede_join(tasks[i], NULL), 0);
    for (i = 0; i < CHANS; i++) {
        while (cede_chan_try_recv(storm.chan[i], &element) > 0)
            take_in(element);
        free_chan(storm.chan[i]);
    }
    for (i = 0; i < ELEMENTS; i++)
        ck_assert_msg(storm.received[i] == storm.sent[i], "round %u: %d sent %d, received %d", round, i, storm.sent[i],
                      storm.received[i]);
}

TASK_TEST(a_storm_loses_nothing)
{
    unsigned round;

    storm.seed = 4713;
    for (round = 0; round < (harness_valgrind() ? ROUNDS / 50 : HARNESS_ROUNDS(ROUNDS)); round++)
        storm_round(round);
}

Suite *suite(void)
{
    Suite *chan_select = suite_create("chan_select");
    TCase *cases = tcase_create("chan_select");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, the_case_that_is_ready);
    tcase_add_test(cases, a_partner_that_waits_makes_a_case_ready);
    tcase_add_test(cases, closed_channels_are_ready);
    tcase_add_test(cases, the_choice_is_fair);
    tcase_add_test(cases, the_choice_is_the_same_in_each_run);
    tcase_add_test(cases, who_never_has_to_wait_lets_others_run);
    tcase_add_test(cases, served_once);
    tcase_add_test(cases, not_served_by_itself);
    tcase_add_test(cases, close_while_it_waits);
    tcase_add_test(cases, free_refuses_while_it_waits);
    tcase_add_test(cases, timeout);
    tcase_add_test(cases, cancelled);
    tcase_add_test(cases, cancelled_before);
    tcase_add_test(cases, wrong_arguments);
    tcase_add_test(cases, outside_a_task);
    tcase_add_test(cases, another_thread_is_refused);
    tcase_add_test(cases, deadlock);
#ifndef HARNESS_SANITIZED
    tcase_add_test(cases, no_memory);
#endif
    tcase_add_test(cases, cases_of_a_type);
    tcase_add_test(cases, a_storm_loses_nothing);
    suite_add_tcase(chan_select, cases);
    return chan_select;
}
