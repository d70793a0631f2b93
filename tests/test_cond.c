/* SPDX-License-Identifier: MIT */
/* Conditions: no signal is lost, whatever else happens to who was signalled; the mutex is always held afterwards. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "crowd.h"
#include "deadlock.h"

static struct cede_mutex mutex;
static struct cede_cond cond;
static char said[64];

/* 0 once it was signalled, else the errno of its wait; holds the mutex again in any case. */
static int waits(void *letter)
{
    int result;

    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    result = cede_cond_wait(&cond, &mutex) == 0 ? 0 : errno;
    if (letter && result == 0)
        strcat(said, letter);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    return result;
}

static void unused_again(void)
{
    ck_assert_int_eq(cede_mutex_trylock(&mutex), 0);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
}

TASK_TEST(a_signal_ends_one_wait_in_order)
{
    struct cede_task *a = cede_spawn(waits, (void *)"a"), *b = cede_spawn(waits, (void *)"b");

    ck_assert_int_eq(cede_cond_signal(&cond), 0); /* nobody waits yet: no effect */
    cede_yield();
    ck_assert_int_eq(cede_cond_signal(&cond), 0);
    ck_assert_int_eq(cede_await(a), 0);
    cede_yield();
    ck_assert_str_eq(said, "a");
    ck_assert_int_eq(cede_cond_signal(&cond), 0);
    ck_assert_int_eq(cede_await(b), 0);
    ck_assert_str_eq(said, "ab");
    unused_again();
}

TASK_TEST(a_broadcast_ends_all_waits_in_order)
{
    struct cede_task *a = cede_spawn(waits, (void *)"a"), *b = cede_spawn(waits, (void *)"b");
    struct cede_task *c = cede_spawn(waits, (void *)"c");

    ck_assert_int_eq(cede_cond_broadcast(&cond), 0);
    cede_yield();
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    ck_assert_int_eq(cede_cond_broadcast(&cond), 0);
    cede_yield();
    ck_assert_str_eq(said, ""); /* we still hold the mutex */
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0 && cede_await(c) == 0);
    ck_assert_str_eq(said, "abc");
    unused_again();
}

TASK_TEST(a_signalled_wait_goes_on_while_the_mutex_is_held)
{
    struct cede_task *signalled = cede_spawn(waits, (void *)"a"), *cancelled = cede_spawn(waits, (void *)"b");
    int turn;

    cede_yield();
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    for (turn = 0; turn < 2; turn++) {
        ck_assert_int_eq(cede_cond_signal(&cond), 0);
        cede_yield();
        cede_yield();
        ck_assert_str_eq(said, "");
    }
    cede_cancel(cancelled); /* too late: the signal has reached it */
    cede_yield();
    ck_assert_str_eq(said, "");
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert(cede_await(signalled) == 0 && cede_await(cancelled) == 0);
    ck_assert_str_eq(said, "ab");
    unused_again();
}

TASK_TEST(it_wants_the_mutex_held)
{
    ck_assert_fails(cede_cond_wait(&cond, &mutex), EPERM);
}

TASK_TEST(the_mutex_is_held_after_a_cancellation)
{
    struct cede_task *task = cede_spawn(waits, NULL);
    int result;

    cede_yield();
    /* Even if that takes a wait, which the cancelled task could not do otherwise. */
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    cede_cancel(task);
    cede_timeout (2 * CEDE_MILLISECOND)
        ck_assert_fails(cede_join(task, &result), ETIMEDOUT);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(cede_await(task), ECANCELED);
    unused_again();
}

TASK_TEST(the_mutex_is_held_after_a_deadline)
{
    struct cede_task *task = NULL;
    int result;

    cede_timeout (CEDE_MILLISECOND)
        task = cede_spawn(waits, NULL);
    cede_yield();
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_join(task, &result), ETIMEDOUT);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    ck_assert_int_eq(cede_await(task), ETIMEDOUT);
    unused_again();
}

TASK_TEST(it_fails_at_once_after_a_deadline)
{
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    cede_timeout (0)
        ck_assert_fails(cede_cond_wait(&cond, &mutex), ETIMEDOUT);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
}

TASK_TEST(a_cancelled_wait_takes_no_signal)
{
    struct cede_task *first = cede_spawn(waits, NULL), *second = cede_spawn(waits, NULL);

    cede_yield();
    cede_cancel(first);
    ck_assert_int_eq(cede_await(first), ECANCELED);
    ck_assert_int_eq(cede_cond_signal(&cond), 0);
    ck_assert_int_eq(cede_await(second), 0);
}

/*
 * A wait that is signalled and cancelled in one turn, in whichever order: either it succeeds and the other does not, or
 * it fails and the signal is for the other. Never is the signal for nobody.
 */
TASK_TEST(no_signal_is_lost_to_a_cancellation)
{
    struct cede_task *first, *second;
    int how, results[2];

    for (how = 0; how < 8; how++) {
        first = cede_spawn(waits, NULL);
        second = cede_spawn(waits, NULL);
        cede_yield();
        if (how & 1) /* then the signal moves it to the mutex, where it waits on */
            ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
        if (!(how & 2))
            ck_assert_int_eq(cede_cond_signal(&cond), 0);
        cede_cancel(first);
        if (how & 4)
            cede_check(); /* now it has been woken by the cancellation, but did not run yet */
        if (how & 2)
            ck_assert_int_eq(cede_cond_signal(&cond), 0);
        if (how & 1) {
            cede_yield();
            ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
        }
        results[0] = cede_await(first);
        cede_yield();
        cede_cancel(second);
        results[1] = cede_await(second);
        ck_assert_msg(results[0] == 0 && results[1] == ECANCELED, "case %d: %d, %d", how, results[0], results[1]);
        unused_again();
    }
}

/* ---- deadlock ---- */

static int waits_for_nobody(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    ck_assert_fails(cede_cond_wait(&cond, &mutex), EDEADLK);
    return cede_mutex_unlock(&mutex);
}

/* Takes the mutex of who waits, ends that wait or leaves it to the deadline, and waits itself. */
static int steals(void *signals)
{
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    if (signals)
        ck_assert_int_eq(cede_cond_signal(&cond), 0);
    ck_assert_fails(cede_event_wait(&(struct cede_event){0}), ECANCELED);
    return cede_mutex_unlock(&mutex);
}

static int is_stolen_from(void *signals)
{
    struct cede_task *thief = cede_spawn(steals, signals);

    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    cede_timeout (10 * CEDE_MILLISECOND)
        ck_assert_fails(cede_cond_wait(&cond, &mutex), ENOTRECOVERABLE);
    ck_assert_fails(cede_mutex_unlock(&mutex), EPERM);
    cede_cancel(thief);
    ck_assert_int_eq(cede_await(thief), 0);
    unused_again();
    return 0;
}

static int cannot_have_the_mutex(void *unused)
{
    (void)unused;
    return is_stolen_from(&cond);
}

static int cannot_relock(void *unused)
{
    (void)unused;
    return is_stolen_from(NULL);
}

static cede_task_fn *const stuck[] = {waits_for_nobody, cannot_have_the_mutex, cannot_relock};

START_TEST(a_deadlock_is_reported)
{
    deadlock_assert_reported_alone(stuck[_i], " tasks wait");
}
END_TEST

/* ---- other threads ---- */

static atomic_int ready;

static void *signals_later(void *unused)
{
    cede_sleep(20 * CEDE_MILLISECOND); /* mutex and condition are new to this thread: it comes out of the blue */
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    ready = 1;
    ck_assert_int_eq(cede_cond_signal(&cond), 0);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    return unused;
}

TASK_TEST(a_thread_signals_a_task)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, signals_later, NULL), 0);
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    while (!ready)
        ck_assert_int_eq(cede_cond_wait(&cond, &mutex), 0);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    pthread_join(thread, NULL);
}

static void *waits_in_a_thread(void *letter)
{
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0);
    ck_assert_fails(cede_cond_wait(&cond, &(struct cede_mutex){0}), EPERM);
    atomic_store(&ready, 1);
    ck_assert_int_eq(cede_cond_wait(&cond, &mutex), 0);
    strcat(said, letter);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    return NULL;
}

TASK_TEST(a_task_signals_a_thread)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, waits_in_a_thread, (void *)"t"), 0);
    while (!atomic_load(&ready))
        cede_yield();
    ck_assert_int_eq(cede_mutex_lock(&mutex), 0); /* so it waits by now */
    ck_assert_int_eq(cede_cond_broadcast(&cond), 0);
    ck_assert_int_eq(cede_mutex_unlock(&mutex), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(said, "t");
}

/* ---- storm ---- */

/*
 * A store with room for a few goods. Who adds signals one that wants to take, and the other way round; any signal that
 * gets lost leaves plain threads, whose waits never end otherwise, waiting for ever.
 */
enum { ROOM = 3 };

struct store {
    struct cede_mutex mutex;
    struct cede_cond filled, emptied;
    int goods; /* guarded by the mutex */
    atomic_int made, taken;
};

/* Waits until there are goods or room; holds the mutex if so. */
static int enter(struct store *store, struct cede_cond *change, int goods)
{
    if (crowd_check(cede_mutex_lock(&store->mutex)) != 0)
        return -1;
    while (store->goods == goods)
        if (crowd_check(cede_cond_wait(change, &store->mutex)) != 0) {
            ck_assert_int_eq(cede_mutex_unlock(&store->mutex), 0); /* held all the same */
            return -1;
        }
    return 0;
}

static void leave(struct store *store, struct cede_cond *change, unsigned *seed)
{
    unsigned how = harness_random(seed) % 4;

    if (how > 1)
        cede_cond_signal(change);
    if (how == 3) /* who was signalled cannot go on yet */
        cede_yield();
    ck_assert_int_eq(cede_mutex_unlock(&store->mutex), 0);
    if (how <= 1)
        cede_cond_signal(change);
}

static int adds(struct store *store, unsigned *seed)
{
    if (enter(store, &store->emptied, ROOM) != 0)
        return -1;
    store->goods++;
    atomic_fetch_add(&store->made, 1);
    leave(store, &store->filled, seed);
    return 0;
}

static int takes(struct store *store, unsigned *seed)
{
    if (enter(store, &store->filled, 0) != 0)
        return -1;
    store->goods--;
    atomic_fetch_add(&store->taken, 1);
    leave(store, &store->emptied, seed);
    return 0;
}

/* One good in, one out: so that nobody waits for ever at the end. What was begun is finished, come what may. */
static void adds_and_takes(void *object, unsigned *seed)
{
    struct store *store = object;

    if (adds(store, seed) != 0)
        return;
    if (harness_random(seed) % 4 == 0)
        cede_yield();
    if (takes(store, seed) != 0)
        cede_shield
            ck_assert_int_eq(takes(store, seed), 0);
}

START_TEST(storm)
{
    struct store store = {.goods = 0};
    struct crowd crowd = {.act = adds_and_takes, .object = &store, .seed = 31 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(2000)};

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    ck_assert_int_gt(atomic_load(&store.made), 0);
    ck_assert_int_eq(atomic_load(&store.made), atomic_load(&store.taken));
    ck_assert_int_eq(store.goods, 0);
    ck_assert_int_eq(cede_mutex_trylock(&store.mutex), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("cond");
    TCase *cases = tcase_create("cond");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_signal_ends_one_wait_in_order);
    tcase_add_test(cases, a_broadcast_ends_all_waits_in_order);
    tcase_add_test(cases, a_signalled_wait_goes_on_while_the_mutex_is_held);
    tcase_add_test(cases, it_wants_the_mutex_held);
    tcase_add_test(cases, the_mutex_is_held_after_a_cancellation);
    tcase_add_test(cases, the_mutex_is_held_after_a_deadline);
    tcase_add_test(cases, it_fails_at_once_after_a_deadline);
    tcase_add_test(cases, a_cancelled_wait_takes_no_signal);
    tcase_add_test(cases, no_signal_is_lost_to_a_cancellation);
    tcase_add_loop_test(cases, a_deadlock_is_reported, 0, sizeof stuck / sizeof *stuck);
    tcase_add_test(cases, a_thread_signals_a_task);
    tcase_add_test(cases, a_task_signals_a_thread);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
