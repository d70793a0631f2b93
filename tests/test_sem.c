/* SPDX-License-Identifier: MIT */
/* Semaphores: nothing is taken twice, nothing is lost, and who comes first is served first. */
#include <stdatomic.h>
#include <string.h>

#include "crowd.h"
#include "deadlock.h"
#include "early.h"

static struct cede_sem sem;
static char said[64];

static int waits(void *letter)
{
    if (cede_sem_wait(&sem) != 0)
        return errno;
    if (letter)
        strcat(said, letter);
    return 0;
}

TASK_TEST(it_counts)
{
    ck_assert_int_eq(cede_sem_value(&sem), 0);
    ck_assert_fails(cede_sem_trywait(&sem), EAGAIN);
    ck_assert_int_eq(cede_sem_post(&sem), 0);
    ck_assert_int_eq(cede_sem_post(&sem), 0);
    ck_assert_int_eq(cede_sem_value(&sem), 2);
    ck_assert_int_eq(cede_sem_wait(&sem), 0);
    ck_assert_int_eq(cede_sem_trywait(&sem), 0);
    ck_assert_int_eq(cede_sem_value(&sem), 0);
}

TASK_TEST(it_begins_and_ends_where_it_is_told)
{
    ck_assert_int_eq(cede_sem_init(&sem, 3), 0);
    ck_assert_int_eq(cede_sem_value(&sem), 3);
    ck_assert_int_eq(cede_sem_init(&sem, CEDE_SEM_MAX), 0);
    ck_assert_fails(cede_sem_post(&sem), EOVERFLOW);
    ck_assert_int_eq(cede_sem_value(&sem), (int)CEDE_SEM_MAX);
    ck_assert_int_eq(cede_sem_trywait(&sem), 0);
    ck_assert_int_eq(cede_sem_post(&sem), 0);
    ck_assert_fails(cede_sem_init(&sem, CEDE_SEM_MAX + 1), EINVAL);
    ck_assert_int_eq(cede_sem_value(&sem), (int)CEDE_SEM_MAX);
}

TASK_TEST(who_comes_first_is_served_first)
{
    struct cede_task *a = cede_spawn(waits, (void *)"a"), *b = cede_spawn(waits, (void *)"b");

    cede_yield();
    ck_assert_int_eq(cede_sem_post(&sem), 0);
    ck_assert_fails(cede_sem_trywait(&sem), EAGAIN); /* it is a's already */
    ck_assert_int_eq(cede_sem_post(&sem), 0);
    ck_assert_int_eq(cede_sem_value(&sem), 0);
    ck_assert(cede_await(b) == 0 && cede_await(a) == 0);
    ck_assert_str_eq(said, "ab");
}

TASK_TEST(a_deadline_ends_the_wait)
{
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(waits(NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_sem_post(&sem), 0);
    cede_timeout (0) {
        ck_assert_int_eq(waits(NULL), 0); /* without a wait */
        ck_assert_int_eq(waits(NULL), ETIMEDOUT);
    }
}

/* ---- ends of waits ---- */

static int waits_once(void *unused)
{
    (void)unused;
    return cede_sem_wait(&sem);
}

static void posts(void)
{
    ck_assert_int_eq(cede_sem_post(&sem), 0);
}

static void nothing_is_left(void)
{
    ck_assert_int_eq(cede_sem_value(&sem), 0);
}

static const struct early_object waited_for = {.waits = waits_once, .brings = posts, .checks = nothing_is_left};

EARLY_TESTS(&waited_for)

/* ---- deadlock ---- */

static int waits_for_nobody(void *unused)
{
    ck_assert_int_eq(waits(unused), EDEADLK);
    return 0;
}

START_TEST(a_deadlock_is_reported)
{
    deadlock_assert_reported_alone(waits_for_nobody, " in semaphore 0x");
}
END_TEST

/* ---- storm ---- */

enum { PLACES = 3 };

struct garage {
    struct cede_sem places;
    atomic_int cars, parked;
};

static void parks(void *object, unsigned *seed)
{
    struct garage *garage = object;

    if (harness_random(seed) % 4 == 0) {
        if (cede_sem_trywait(&garage->places) != 0) {
            ck_assert_int_eq(errno, EAGAIN);
            return;
        }
    } else if (crowd_check(cede_sem_wait(&garage->places)) != 0) {
        return;
    }
    ck_assert_int_lt(atomic_fetch_add(&garage->cars, 1), PLACES);
    if (harness_random(seed) % 4 == 0)
        cede_yield();
    atomic_fetch_sub(&garage->cars, 1);
    atomic_fetch_add(&garage->parked, 1);
    ck_assert_int_eq(cede_sem_post(&garage->places), 0);
}

START_TEST(storm)
{
    struct garage garage = {.cars = 0};
    struct crowd crowd = {.act = parks, .object = &garage, .seed = 51 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(4000)};

    ck_assert_int_eq(cede_sem_init(&garage.places, PLACES), 0);
    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    ck_assert_int_gt(atomic_load(&garage.parked), 0);
    ck_assert_int_eq(cede_sem_value(&garage.places), PLACES);
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("sem");
    TCase *cases = tcase_create("sem");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, it_counts);
    tcase_add_test(cases, it_begins_and_ends_where_it_is_told);
    tcase_add_test(cases, who_comes_first_is_served_first);
    tcase_add_test(cases, a_deadline_ends_the_wait);
    tcase_add_test(cases, a_deadlock_is_reported);
    EARLY_ADD(cases);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
