/* SPDX-License-Identifier: MIT */
/* Park and wake: one token, never lost, never for another wait. */
#include <pthread.h>
#include <stdatomic.h>

#include "harness.h"
#include "sched.h"

static int wakes(void *task)
{
    return cede_wake(task);
}

TASK_TEST(a_wake_ends_a_park)
{
    struct cede_task *waker = cede_spawn(wakes, cede_self());

    ck_assert_int_eq(cede_park(), 0);
    ck_assert_int_eq(cede_await(waker), 0);
}

TASK_TEST(a_wake_before_the_park_is_kept)
{
    ck_assert_int_eq(cede_wake(cede_self()), 0);
    cede_yield();
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_park(), 0);
}

TASK_TEST(wakes_do_not_add_up)
{
    int i;

    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(cede_wake(cede_self()), 0);
        if (i == 1)
            cede_yield();
    }
    ck_assert_int_eq(cede_park(), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_park(), ETIMEDOUT);
}

TASK_TEST(a_wake_that_came_counts_more_than_a_deadline)
{
    cede_timeout (0) {
        ck_assert_fails(cede_park(), ETIMEDOUT);
        cede_wake(cede_self());
        ck_assert_int_eq(cede_park(), 0);
        ck_assert_fails(cede_park(), ETIMEDOUT);
    }
}

TASK_TEST(a_wake_does_not_end_other_waits)
{
    int64_t before = cede_now();
    struct cede_task *waker = cede_spawn(wakes, cede_self());

    ck_assert_int_eq(cede_sleep(3 * CEDE_MILLISECOND), 0);
    ck_assert_int_ge(cede_now() - before, 3 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_await(waker), 0);
    waker = cede_spawn(wakes, cede_self());
    ck_assert_int_eq(cede_await(waker), 0);
    ck_assert_int_eq(cede_park(), 0); /* both in one token */
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_park(), ETIMEDOUT);
}

static int parks(void *unused)
{
    (void)unused;
    return cede_park();
}

TASK_TEST(one_that_has_not_started_keeps_its_wake)
{
    struct cede_task *task = cede_spawn(parks, NULL);

    cede_wake(task);
    ck_assert_int_eq(cede_await(task), 0);
}

/* A token must not outlive its task and end the park of the next that gets the descriptor. */
TASK_TEST(a_token_is_not_inherited)
{
    struct cede_task *task = cede_spawn(parks, NULL);

    cede_wake(task);
    cede_yield();
    cede_wake(task); /* has ended: nobody parks any more */
    ck_assert_int_eq(cede_await(task), 0);
    cede_timeout (CEDE_MILLISECOND)
        task = cede_spawn(parks, NULL);
    ck_assert_fails(cede_await(task), ETIMEDOUT);
}

START_TEST(outside_a_task_it_is_EPERM)
{
    ck_assert_fails(cede_park(), EPERM);
    ck_assert_fails(cede_wake(NULL), ESRCH);
}
END_TEST

/* A wake that is posted while cede_park() is delivering earlier posts, that is after it has looked at the inbox: it
 * must not be delivered unseen between the look at the token and the park. */
struct nested {
    struct cede__remote remote;
    struct cede_task *task;
};

static void post_a_wake(struct cede__remote *remote)
{
    cede_wake(CEDE__CONTAINER(remote, struct nested, remote)->task);
}

TASK_TEST(a_wake_between_look_and_park_is_not_lost)
{
    struct nested nested = {.remote.deliver = post_a_wake, .task = cede_self()};

    cede__sched_post(cede__worker, &nested.remote);
    cede_timeout (5 * CEDE_SECOND)
        ck_assert_int_eq(cede_park(), 0);
}

/* ---- other threads ---- */

enum { TASKS = 16, WAKERS = 4, ROUNDS = HARNESS_ROUNDS(40000) };

static struct cede_task *parked[TASKS];
static atomic_uint given[TASKS]; /* set before each wake: what its task must see in the end */
static unsigned seen[TASKS];
static atomic_uint wakers_left;

static void *wakes_at_random(void *arg)
{
    unsigned seed = 31337u * ((unsigned)(uintptr_t)arg + 1), round, i;

    for (round = 0; round < ROUNDS; round++) {
        i = harness_random(&seed) % TASKS;
        atomic_fetch_add(&given[i], 1);
        ck_assert_int_eq(cede_wake(parked[i]), 0);
        if (harness_random(&seed) % 64 == 0)
            cede_sleep(harness_random(&seed) % 200000); /* lets the runtime fall asleep */
    }
    atomic_fetch_sub(&wakers_left, 1);
    for (i = 0; i < TASKS; i++)
        ck_assert_int_eq(cede_wake(parked[i]), 0);
    return NULL;
}

/* Sees everything that was given, or hangs. */
static int sees_all(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg, left, now;

    do {
        if (cede_park() != 0)
            return -1;
        left = atomic_load(&wakers_left); /* before the count: what was given before the last has left is in it */
        now = atomic_load(&given[i]);
        seen[i] = now;
        if (i % 4 == 1)
            cede_yield();
        if (i % 4 == 2)
            cede_sleep(1000);
    } while (left > 0);
    return 0;
}

TASK_TEST(a_storm_of_wakes_loses_none)
{
    pthread_t threads[WAKERS];
    uintptr_t i;

    atomic_store(&wakers_left, WAKERS);
    for (i = 0; i < TASKS; i++)
        parked[i] = cede_spawn(sees_all, (void *)i);
    for (i = 0; i < WAKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, wakes_at_random, (void *)i), 0);
    while (atomic_load(&wakers_left)) /* tasks stay until the last waker has woken them all */
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    for (i = 0; i < WAKERS; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < TASKS; i++) {
        cede_wake(parked[i]); /* ended or not */
        ck_assert_int_eq(cede_await(parked[i]), 0);
        ck_assert_uint_eq(seen[i], atomic_load(&given[i]));
    }
}

/* Hand in hand: each wake must arrive, or both stand still. */
static atomic_uint ball;

static void *returns_the_ball(void *task)
{
    unsigned i;

    for (i = 0; i < ROUNDS; i++) {
        while (atomic_load(&ball) == 2 * i)
            sched_yield();
        atomic_fetch_add(&ball, 1);
        ck_assert_int_eq(cede_wake(task), 0);
    }
    return NULL;
}

TASK_TEST(each_wake_of_another_thread_arrives)
{
    pthread_t thread;
    unsigned i;

    ck_assert_int_eq(pthread_create(&thread, NULL, returns_the_ball, cede_self()), 0);
    for (i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&ball, 1);
        while (atomic_load(&ball) == 2 * i + 1)
            ck_assert_int_eq(cede_park(), 0);
    }
    pthread_join(thread, NULL);
}

Suite *suite(void)
{
    Suite *park = suite_create("park");
    TCase *cases = tcase_create("park");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_wake_ends_a_park);
    tcase_add_test(cases, a_wake_before_the_park_is_kept);
    tcase_add_test(cases, wakes_do_not_add_up);
    tcase_add_test(cases, a_wake_that_came_counts_more_than_a_deadline);
    tcase_add_test(cases, a_wake_does_not_end_other_waits);
    tcase_add_test(cases, one_that_has_not_started_keeps_its_wake);
    tcase_add_test(cases, a_token_is_not_inherited);
    tcase_add_test(cases, outside_a_task_it_is_EPERM);
    tcase_add_test(cases, a_wake_between_look_and_park_is_not_lost);
    tcase_add_test(cases, a_storm_of_wakes_loses_none);
    tcase_add_test(cases, each_wake_of_another_thread_arrives);
    suite_add_tcase(park, cases);
    return park;
}
