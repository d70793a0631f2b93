/* SPDX-License-Identifier: MIT */
/* Futures: one outcome, decided once, for all who wait and all callbacks, from whatever thread it comes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "crowd.h"
#include "deadlock.h"
#include "early.h"

static struct cede_future future;

/* The value, which is small here, or 1000 + the errno. */
static int waits(void *unused)
{
    intptr_t value = -1;

    (void)unused;
    if (cede_future_wait(&future, &value) == 0)
        return (int)value;
    ck_assert_int_eq(value, -1);
    return 1000 + errno;
}

static void renew(void)
{
    future = (struct cede_future){0};
}

TASK_TEST(a_value_reaches_all_who_wait)
{
    struct cede_task *a = cede_spawn(waits, NULL), *b = cede_spawn(waits, NULL);
    intptr_t value = 0;

    cede_yield();
    ck_assert_int_eq(cede_future_done(&future), 0);
    ck_assert_fails(cede_future_trywait(&future, &value), EAGAIN);
    ck_assert_int_eq(cede_future_set(&future, 7), 0);
    ck_assert_int_eq(cede_future_done(&future), 1);
    ck_assert_int_eq(cede_future_cancelled(&future), 0);
    ck_assert(cede_await(a) == 7 && cede_await(b) == 7);
    ck_assert_int_eq(waits(NULL), 7); /* at once */
    ck_assert_int_eq(cede_future_trywait(&future, &value), 0);
    ck_assert_int_eq(value, 7);
    ck_assert_int_eq(cede_future_wait(&future, NULL), 0);
}

TASK_TEST(a_value_may_be_a_pointer_or_negative)
{
    intptr_t value;

    ck_assert_int_eq(cede_future_set(&future, (intptr_t)&future), 0);
    ck_assert_int_eq(cede_future_wait(&future, &value), 0);
    ck_assert_ptr_eq((void *)value, &future);
    renew();
    ck_assert_int_eq(cede_future_set(&future, -5), 0);
    ck_assert_int_eq(cede_future_wait(&future, &value), 0);
    ck_assert_int_eq(value, -5);
}

TASK_TEST(an_error_reaches_all_who_wait)
{
    struct cede_task *a = cede_spawn(waits, NULL), *b = cede_spawn(waits, NULL);

    cede_yield();
    ck_assert_fails(cede_future_fail(&future, 0), EINVAL);
    ck_assert_fails(cede_future_fail(&future, -1), EINVAL);
    ck_assert_int_eq(cede_future_done(&future), 0);
    ck_assert_int_eq(cede_future_fail(&future, ENOLINK), 0);
    ck_assert(cede_await(a) == 1000 + ENOLINK && cede_await(b) == 1000 + ENOLINK);
    ck_assert_fails(cede_future_trywait(&future, NULL), ENOLINK);
    ck_assert_int_eq(cede_future_cancelled(&future), 0);
}

TASK_TEST(a_cancelled_future_is_told_from_a_cancelled_task)
{
    struct cede_task *task = cede_spawn(waits, NULL);

    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 1000 + ECANCELED);
    ck_assert_int_eq(cede_future_done(&future), 0);
    ck_assert_int_eq(cede_future_cancelled(&future), 0);
    task = cede_spawn(waits, NULL);
    cede_yield();
    ck_assert_int_eq(cede_future_cancel(&future), 0);
    ck_assert_int_eq(cede_await(task), 1000 + ECANCELED);
    ck_assert_int_eq(cede_future_cancelled(&future), 1);
    ck_assert_int_eq(cede_future_done(&future), 1);
    ck_assert_int_eq(cede_check(), 0);
}

TASK_TEST(the_first_outcome_stays)
{
    ck_assert_int_eq(cede_future_set(&future, 1), 0);
    ck_assert_fails(cede_future_set(&future, 2), EALREADY);
    ck_assert_fails(cede_future_fail(&future, EIO), EALREADY);
    ck_assert_fails(cede_future_cancel(&future), EALREADY);
    ck_assert_int_eq(waits(NULL), 1);
    renew();
    ck_assert_int_eq(cede_future_cancel(&future), 0);
    ck_assert_fails(cede_future_cancel(&future), EALREADY);
    ck_assert_fails(cede_future_set(&future, 2), EALREADY);
    ck_assert_int_eq(waits(NULL), 1000 + ECANCELED);
}

TASK_TEST(a_deadline_ends_the_wait)
{
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(waits(NULL), 1000 + ETIMEDOUT);
    ck_assert_int_eq(cede_future_set(&future, 3), 0);
    cede_timeout (0)
        ck_assert_int_eq(waits(NULL), 3);
}

/* ---- ends of waits ---- */

static int waits_once(void *unused)
{
    (void)unused;
    return cede_future_wait(&future, NULL);
}

static void sets(void)
{
    ck_assert_int_eq(cede_future_set(&future, 4), 0);
}

static const struct early_object waited_for = {.waits = waits_once, .arms = renew, .brings = sets};

EARLY_TESTS(&waited_for)

/* ---- callbacks ---- */

static struct {
    int calls, last, error;
    intptr_t value;
} seen;

static void sees(void *arg, intptr_t value, int error)
{
    seen.calls++;
    seen.last = (int)(intptr_t)arg;
    seen.value = value;
    seen.error = error;
    errno = ENOTTY; /* must not reach who brings the outcome */
}

static void sees_in_order(void *arg, intptr_t value, int error)
{
    ck_assert_int_eq(seen.calls, (intptr_t)arg);
    sees(arg, value, error);
}

TASK_TEST(callbacks_are_called_in_order)
{
    struct cede_future_callback callbacks[3] = {{0}};
    int i;

    for (i = 0; i < 3; i++) {
        callbacks[i].fn = sees_in_order;
        callbacks[i].arg = (void *)(intptr_t)i;
        ck_assert_int_eq(cede_future_callback_add(&future, &callbacks[i]), 0);
    }
    ck_assert_fails(cede_future_callback_add(&future, &callbacks[1]), EBUSY);
    errno = ENOSYS;
    ck_assert_int_eq(cede_future_set(&future, 9), 0);
    ck_assert_int_eq(errno, ENOSYS);
    ck_assert(seen.calls == 3 && seen.last == 2 && seen.value == 9 && seen.error == 0);
    ck_assert_fails(cede_future_callback_remove(&future, &callbacks[1]), ENOENT);
    ck_assert_fails(cede_future_set(&future, 9), EALREADY);
    ck_assert_int_eq(seen.calls, 3);
}

TASK_TEST(a_late_callback_is_called_at_once)
{
    struct cede_future_callback callback = {.fn = sees, .arg = (void *)5};

    ck_assert_int_eq(cede_future_fail(&future, EIO), 0);
    errno = ENOSYS;
    ck_assert_int_eq(cede_future_callback_add(&future, &callback), 0);
    ck_assert_int_eq(errno, ENOSYS);
    ck_assert(seen.calls == 1 && seen.last == 5 && seen.value == 0 && seen.error == EIO);
    ck_assert_int_eq(cede_future_callback_add(&future, &callback), 0); /* it is free again */
    ck_assert_int_eq(seen.calls, 2);
}

TASK_TEST(a_removed_callback_is_not_called)
{
    struct cede_future_callback removed = {.fn = sees, .arg = (void *)1}, stays = {.fn = sees, .arg = (void *)2};

    ck_assert_fails(cede_future_callback_remove(&future, &removed), ENOENT);
    ck_assert_int_eq(cede_future_callback_add(&future, &removed), 0);
    ck_assert_int_eq(cede_future_callback_add(&future, &stays), 0);
    ck_assert_int_eq(cede_future_callback_remove(&future, &removed), 0);
    ck_assert_fails(cede_future_callback_remove(&future, &removed), ENOENT);
    ck_assert_int_eq(cede_future_cancel(&future), 0);
    ck_assert(seen.calls == 1 && seen.last == 2 && seen.error == ECANCELED);
}

static void *waits_then_looks(void *slow)
{
    ck_assert_int_eq(waits(NULL), 6);
    ck_assert_int_eq(atomic_load((atomic_int *)slow), 1);
    return NULL;
}

static void is_slow(void *slow, intptr_t value, int error)
{
    struct timespec nap = {.tv_nsec = 20000000};

    (void)value, (void)error;
    nanosleep(&nap, NULL);
    atomic_store((atomic_int *)slow, 1);
}

TASK_TEST(callbacks_come_before_who_waits)
{
    atomic_int slow = 0;
    struct cede_future_callback callback = {.fn = is_slow, .arg = &slow};
    pthread_t thread;

    ck_assert_int_eq(cede_future_callback_add(&future, &callback), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, waits_then_looks, &slow), 0);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_future_set(&future, 6), 0);
    pthread_join(thread, NULL);
}

static struct cede_future second;

/* Brings the outcome of another future, and frees itself. */
static void passes_on(void *arg, intptr_t value, int error)
{
    ck_assert_int_eq(error, 0);
    ck_assert_int_eq(cede_future_set(&second, value + 1), 0);
    free(arg);
}

TASK_TEST(a_callback_may_free_itself_and_complete_another)
{
    struct cede_future_callback *callback = calloc(1, sizeof *callback);
    intptr_t value;

    callback->fn = passes_on;
    callback->arg = callback;
    ck_assert_int_eq(cede_future_callback_add(&future, callback), 0);
    ck_assert_int_eq(cede_future_set(&future, 1), 0);
    ck_assert_int_eq(cede_future_wait(&second, &value), 0);
    ck_assert_int_eq(value, 2);
}

/* ---- deadlock ---- */

static int waits_for_nobody(void *unused)
{
    ck_assert_int_eq(waits(unused), 1000 + EDEADLK);
    return 0;
}

START_TEST(a_deadlock_is_reported)
{
    deadlock_assert_reported_alone(waits_for_nobody, " in future 0x");
}
END_TEST

/* ---- other threads ---- */

static void *sets_later(void *unused)
{
    cede_sleep(20 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_future_set(&future, 8), 0);
    return unused;
}

static int starts_thread(void *thread)
{
    ck_assert_int_eq(pthread_create(thread, NULL, sets_later, NULL), 0);
    return 0;
}

TASK_TEST(a_thread_sets_it_for_a_task)
{
    pthread_t thread;

    cede_detach(cede_spawn(starts_thread, &thread)); /* after the wait has begun, when there was no other thread */
    ck_assert_int_eq(waits(NULL), 8);
    pthread_join(thread, NULL);
}

/* ---- storm: everybody does everything to the same few futures at the same time ---- */

enum { FUTURES = 4000, WATCHERS = 20000, ACTS_EACH = 8 };

struct watcher {
    struct cede_future_callback callback;
    struct board *board;
    int index;
};

struct board {
    struct cede_future futures[FUTURES];
    atomic_int decided[FUTURES]; /* how many succeeded in bringing its outcome */
    struct watcher watchers[WATCHERS];
    atomic_int acts, waited, added, removed, called;
};

static struct board board;

static void check_outcome(int index, intptr_t value, int error)
{
    if (error)
        ck_assert(error == EIO || error == EPROTO);
    else
        ck_assert_int_eq(value, index + 1);
}

static void watches(void *arg, intptr_t value, int error)
{
    struct watcher *watcher = arg;

    check_outcome(watcher->index, value, error);
    atomic_fetch_add(&watcher->board->called, 1);
}

static void watch(int index, bool remove)
{
    int number = atomic_fetch_add(&board.added, 1);
    struct watcher *watcher = &board.watchers[number];

    ck_assert_int_lt(number, WATCHERS);
    *watcher = (struct watcher){{.fn = watches, .arg = watcher}, &board, index};
    ck_assert_int_eq(cede_future_callback_add(&board.futures[index], &watcher->callback), 0);
    if (remove && cede_future_callback_remove(&board.futures[index], &watcher->callback) == 0)
        atomic_fetch_add(&board.removed, 1);
}

static void decide(int index, unsigned how)
{
    struct cede_future *one = &board.futures[index];
    int result = how == 0 ? cede_future_fail(one, EIO) : how == 1 ? cede_future_fail(one, EPROTO)
                                                                  : cede_future_set(one, index + 1);

    if (result == 0)
        atomic_fetch_add(&board.decided[index], 1);
    else
        ck_assert_int_eq(errno, EALREADY);
}

static void wait_for(int index, unsigned *seed)
{
    intptr_t value = 0;
    int result = -1, error = ETIMEDOUT;

    cede_timeout ((int64_t)(harness_random(seed) % 300000)) { /* else all may wait at the same time */
        result = cede_future_wait(&board.futures[index], &value);
        error = result == 0 ? 0 : errno;
    }
    if (error == ECANCELED || error == ETIMEDOUT)
        return;
    check_outcome(index, value, error);
    atomic_fetch_add(&board.waited, 1);
}

static void does_anything(void *unused, unsigned *seed)
{
    int index = atomic_fetch_add(&board.acts, 1) / ACTS_EACH + (int)(harness_random(seed) % 3);
    unsigned what = harness_random(seed) % 8;

    (void)unused;
    if (index >= FUTURES)
        return;
    if (what == 0)
        decide(index, harness_random(seed) % 4);
    else if (what < 3)
        watch(index, what == 1);
    else if (cede_self())
        wait_for(index, seed);
}

START_TEST(storm)
{
    struct crowd crowd = {.act = does_anything, .seed = 51 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(900)};
    int i, once;

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    for (i = 0; i < FUTURES; i++) {
        once = atomic_load(&board.decided[i]);
        ck_assert_int_le(once, 1);
        ck_assert_int_eq(cede_future_done(&board.futures[i]), once);
        if (!once)
            ck_assert_int_eq(cede_future_set(&board.futures[i], i + 1), 0);
    }
    ck_assert_int_gt(atomic_load(&board.waited), 0);
    ck_assert_int_eq(atomic_load(&board.called) + atomic_load(&board.removed), atomic_load(&board.added));
}
END_TEST

/* ---- storm: futures that exist for one wait only ---- */

enum { SLOTS = 16 };

static struct {
    _Atomic(struct cede_future *) slots[SLOTS];
    atomic_int set, passed;
} brief;

static void posts_or_sets(void *unused, unsigned *seed)
{
    struct cede_future own = {0}, *expected = NULL;
    _Atomic(struct cede_future *) *slot = &brief.slots[harness_random(seed) % SLOTS];
    intptr_t value = 0;

    (void)unused;
    if (!cede_self() || harness_random(seed) % 2) {
        expected = atomic_exchange(slot, NULL);
        if (!expected)
            return;
        ck_assert_int_eq(cede_future_set(expected, (intptr_t)expected), 0);
        atomic_fetch_add(&brief.set, 1);
        return;
    }
    if (!atomic_compare_exchange_strong(slot, &expected, &own))
        return;
    cede_timeout ((int64_t)(harness_random(seed) % 300000))
        crowd_check(cede_future_wait(&own, &value));
    expected = &own;
    if (!atomic_compare_exchange_strong(slot, &expected, NULL)) {
        cede_shield
            ck_assert_int_eq(cede_future_wait(&own, &value), 0); /* somebody has it, and is about to set it */
        ck_assert_int_eq(value, (intptr_t)&own);
        atomic_fetch_add(&brief.passed, 1);
    }
}

START_TEST(storm_of_short_lives)
{
    struct crowd crowd = {.act = posts_or_sets, .seed = 61 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(1000)};

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    ck_assert_int_gt(atomic_load(&brief.passed), 0);
    ck_assert_int_eq(atomic_load(&brief.passed), atomic_load(&brief.set));
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("future");
    TCase *cases = tcase_create("future");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_value_reaches_all_who_wait);
    tcase_add_test(cases, a_value_may_be_a_pointer_or_negative);
    tcase_add_test(cases, an_error_reaches_all_who_wait);
    tcase_add_test(cases, a_cancelled_future_is_told_from_a_cancelled_task);
    tcase_add_test(cases, the_first_outcome_stays);
    tcase_add_test(cases, a_deadline_ends_the_wait);
    tcase_add_test(cases, callbacks_are_called_in_order);
    tcase_add_test(cases, a_late_callback_is_called_at_once);
    tcase_add_test(cases, a_removed_callback_is_not_called);
    tcase_add_test(cases, callbacks_come_before_who_waits);
    tcase_add_test(cases, a_callback_may_free_itself_and_complete_another);
    tcase_add_test(cases, a_deadlock_is_reported);
    tcase_add_test(cases, a_thread_sets_it_for_a_task);
    EARLY_ADD(cases);
    tcase_add_loop_test(cases, storm, 0, 4);
    tcase_add_loop_test(cases, storm_of_short_lives, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
