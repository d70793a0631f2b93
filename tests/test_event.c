/* SPDX-License-Identifier: MIT */
/* Events: who waits passes once it is set, and nothing else is remembered. */
#include <pthread.h>
#include <stdatomic.h>

#include "crowd.h"
#include "deadlock.h"
#include "early.h"

static struct cede_event event;

static int waits(void *unused)
{
    (void)unused;
    return cede_event_wait(&event) == 0 ? 0 : errno;
}

TASK_TEST(set_ends_all_waits)
{
    struct cede_task *a = cede_spawn(waits, NULL), *b = cede_spawn(waits, NULL);

    cede_yield();
    ck_assert_int_eq(cede_event_is_set(&event), 0);
    ck_assert_int_eq(cede_event_set(&event), 0);
    ck_assert_int_eq(cede_event_is_set(&event), 1);
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0);
    ck_assert_int_eq(waits(NULL), 0); /* at once */
    ck_assert_int_eq(cede_event_set(&event), 0);
    ck_assert_int_eq(waits(NULL), 0);
}

TASK_TEST(clear_makes_later_waits_wait)
{
    struct cede_task *task;

    ck_assert_int_eq(cede_event_clear(&event), 0);
    ck_assert_int_eq(cede_event_set(&event), 0);
    ck_assert_int_eq(cede_event_clear(&event), 0);
    ck_assert_int_eq(cede_event_is_set(&event), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(waits(NULL), ETIMEDOUT);
    task = cede_spawn(waits, NULL);
    cede_yield();
    ck_assert_int_eq(cede_event_set(&event), 0);
    ck_assert_int_eq(cede_event_clear(&event), 0); /* before the task runs: it passes all the same */
    ck_assert_int_eq(cede_await(task), 0);
}

TASK_TEST(what_need_not_wait_succeeds_after_a_deadline)
{
    cede_timeout (0) {
        ck_assert_int_eq(waits(NULL), ETIMEDOUT);
        cede_event_set(&event);
        ck_assert_int_eq(waits(NULL), 0);
    }
}

/* ---- ends of waits ---- */

static int waits_once(void *unused)
{
    (void)unused;
    return cede_event_wait(&event);
}

static void clears(void)
{
    ck_assert_int_eq(cede_event_clear(&event), 0);
}

static void sets(void)
{
    ck_assert_int_eq(cede_event_set(&event), 0);
}

static const struct early_object waited_for = {.waits = waits_once, .arms = clears, .brings = sets};

EARLY_TESTS(&waited_for)

/* ---- deadlock ---- */

static int waits_for_nobody(void *unused)
{
    ck_assert_int_eq(waits(unused), EDEADLK);
    return 0;
}

START_TEST(a_deadlock_is_reported)
{
    deadlock_assert_reported_alone(waits_for_nobody, " in event 0x");
}
END_TEST

/* ---- other threads ---- */

static void *sets_later(void *unused)
{
    cede_sleep(20 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_event_set(&event), 0);
    return unused;
}

/* The event is new to the thread: it comes out of the blue, and its creator no longer waits for anything. */
static int starts_thread(void *thread)
{
    ck_assert_int_eq(pthread_create(thread, NULL, sets_later, NULL), 0);
    return 0;
}

TASK_TEST(a_thread_sets_it_for_a_task)
{
    pthread_t thread;

    cede_spawn(starts_thread, &thread); /* after the wait has begun, when there was no other thread */
    ck_assert_int_eq(cede_event_wait(&event), 0);
    pthread_join(thread, NULL);
}

/* ---- storm ---- */

/* Events that exist for one wait only: whoever sets one must not touch it after who waits may have gone on. */
enum { SLOTS = 16 };

struct board {
    _Atomic(struct cede_event *) slots[SLOTS];
    atomic_int set, passed;
};

/* Sets any event that waits on the board. */
static void set_any(struct board *board, unsigned slot)
{
    struct cede_event *other = atomic_exchange(&board->slots[slot % SLOTS], NULL);

    if (!other)
        return;
    cede_event_set(other);
    atomic_fetch_add(&board->set, 1);
}

static void posts_or_sets(void *object, unsigned *seed)
{
    struct board *board = object;
    struct cede_event own = {0}, *expected = NULL;
    unsigned slot = harness_random(seed) % SLOTS;

    if (!cede_self() || harness_random(seed) % 2) {
        set_any(board, slot);
        return;
    }
    if (!atomic_compare_exchange_strong(&board->slots[slot], &expected, &own))
        return;
    cede_timeout ((int64_t)(harness_random(seed) % 300000)) /* else all may wait at the same time */
        crowd_check(cede_event_wait(&own));
    expected = &own;
    if (!atomic_compare_exchange_strong(&board->slots[slot], &expected, NULL)) {
        cede_shield
            ck_assert_int_eq(cede_event_wait(&own), 0); /* somebody has it, and is about to set it */
        atomic_fetch_add(&board->passed, 1);
    }
}

START_TEST(storm)
{
    struct board board = {.set = 0};
    struct crowd crowd = {.act = posts_or_sets, .object = &board, .seed = 41 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(1000)};

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    ck_assert_int_gt(atomic_load(&board.passed), 0);
    ck_assert_int_eq(atomic_load(&board.passed), atomic_load(&board.set));
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("event");
    TCase *cases = tcase_create("event");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, set_ends_all_waits);
    tcase_add_test(cases, clear_makes_later_waits_wait);
    tcase_add_test(cases, what_need_not_wait_succeeds_after_a_deadline);
    tcase_add_test(cases, a_deadlock_is_reported);
    tcase_add_test(cases, a_thread_sets_it_for_a_task);
    EARLY_ADD(cases);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
