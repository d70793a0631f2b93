/* SPDX-License-Identifier: MIT */
/* Functions of users on helper threads: results, what an early end leaves behind, copies of arguments. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "harness.h"

static atomic_int running, done;
static atomic_bool go;

static void nap(void)
{
    const struct timespec ms = {.tv_nsec = 1000000};

    nanosleep(&ms, NULL);
}

/* Waits, in a task, until a counter that a helper advances has this value. */
static void until(atomic_int *counter, int value)
{
    int64_t deadline_ns = cede_now() + 30 * CEDE_SECOND;

    while (atomic_load(counter) != value) {
        ck_assert_int_lt(cede_now(), deadline_ns);
        nap();
        cede_yield();
    }
}

static int doubles(void *number)
{
    *(int *)number *= 2;
    return *(int *)number;
}

static int tells_thread(void *thread)
{
    *(pthread_t *)thread = pthread_self();
    ck_assert_ptr_null(cede_self());
    return 0;
}

static int fails(void *unused)
{
    (void)unused;
    errno = ENOLINK;
    return -3;
}

static int fails_silently(void *unused)
{
    (void)unused;
    return -1;
}

/* Waits until it may go, then answers. The argument is static. */
static int waits(void *unused)
{
    (void)unused;
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&go))
        nap();
    atomic_fetch_add(&done, 1);
    return 5;
}

static void results_pass_through(void)
{
    int number = 21, result = 0;

    ck_assert_int_eq(cede_offload(doubles, &number, &result), 0);
    ck_assert(result == 42 && number == 42);
    ck_assert_int_eq(cede_offload(doubles, &number, NULL), 0);
    ck_assert_int_eq(number, 84);
    errno = 0;
    ck_assert_int_eq(cede_offload(fails, NULL, &result), 0);
    ck_assert(result == -3 && errno == ENOLINK);
    errno = ENOSYS; /* nothing that was there before shines through */
    ck_assert_int_eq(cede_offload(fails_silently, NULL, &result), 0);
    ck_assert(result == -1 && errno == 0);
    ck_assert_fails(cede_offload(NULL, NULL, &result), EINVAL);
}

TASK_TEST(results_pass_from_a_helper)
{
    pthread_t thread;

    results_pass_through();
    ck_assert_int_eq(cede_offload(tells_thread, &thread, NULL), 0);
    ck_assert(!pthread_equal(thread, pthread_self()));
}

START_TEST(outside_a_task_it_runs_in_place)
{
    pthread_t thread;

    results_pass_through();
    ck_assert_int_eq(cede_offload(tells_thread, &thread, NULL), 0);
    ck_assert(pthread_equal(thread, pthread_self()));
}
END_TEST

struct adds { int a, b; long double c; };
static int adds(struct adds *a)
{
    ck_assert_int_eq((uintptr_t)a % 16, 0);
    while (!atomic_load(&go))
        nap();
    atomic_fetch_add(&done, 1);
    return a->a + a->b + (int)a->c;
}

static void arguments_by_name(void)
{
    int result = 0;

    atomic_store(&go, true);
    ck_assert_int_eq(cede_offload_go(adds, &result, .a = 1, .c = 4), 0);
    ck_assert_int_eq(result, 5);
    ck_assert_int_eq(cede_offload_go(adds, NULL, .a = 1), 0);
}

TASK_TEST(arguments_by_name_are_copied)
{
    arguments_by_name();
}

START_TEST(arguments_by_name_outside_a_task)
{
    arguments_by_name();
}
END_TEST

static int offloads(void *unused)
{
    int result = 77;

    (void)unused;
    if (cede_offload(waits, NULL, &result) == 0)
        return result;
    ck_assert_int_eq(result, 77);
    return -1;
}

TASK_TEST(cancelled_while_it_runs)
{
    struct cede_task *task = cede_spawn(offloads, NULL);

    until(&running, 1);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    ck_assert_int_eq(done, 0);
    atomic_store(&go, true);
    until(&done, 1); /* it went on */
}

TASK_TEST(a_cancelled_task_does_not_begin)
{
    struct cede_task *task = cede_spawn(offloads, NULL);

    atomic_store(&go, true);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    ck_assert_int_eq(running, 0);
}

TASK_TEST(a_deadline_ends_the_wait)
{
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_offload(waits, NULL, NULL), ETIMEDOUT);
    atomic_store(&go, true);
}

static int adds_until(void *unused)
{
    int result;

    (void)unused;
    return cede_offload_go(adds, &result, .a = 1, .b = 2) == 0 ? result : -1;
}

/* Their copy outlives the task that made them: ASan would tell. */
TASK_TEST(copied_arguments_outlive_the_task)
{
    struct cede_task *task = cede_spawn(adds_until, NULL);

    ck_assert_int_eq(cede_sleep(10 * CEDE_MILLISECOND), 0); /* begun, as far as one can tell */
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    atomic_store(&go, true);
    ck_assert_int_eq(cede_sleep(10 * CEDE_MILLISECOND), 0);
    ck_assert_int_le(atomic_load(&done), 1);
}

static int offloads_shielded(void *unused)
{
    int local = 4, result = -1;

    (void)unused;
    cede_shield
        ck_assert_int_eq(cede_offload(waits, &local, &result), 0);
    ck_assert_fails(cede_check(), ECANCELED);
    return result;
}

TASK_TEST(a_shield_waits_for_the_end)
{
    struct cede_task *task = cede_spawn(offloads_shielded, NULL);

    until(&running, 1);
    cede_cancel(task);
    cede_sleep(5 * CEDE_MILLISECOND);
    atomic_store(&go, true);
    ck_assert_int_eq(cede_await(task), 5);
}

#ifndef HARNESS_SANITIZED /* whose allocators do not survive it */
TASK_TEST(without_memory)
{
    static char large[8 << 20];
    struct rlimit limit, none = {0};
    int number = 1, result = 0, error;

    if (harness_emulated("limit on memory"))
        return;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    none.rlim_max = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    errno = 0;
    result = cede__offload_go("large", doubles, large, sizeof large, NULL);
    error = errno;
    if (harness_valgrind()) {
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
        return;
    }
    ck_assert(result == -1 && error == ENOMEM);
    errno = 0;
    result = cede_offload(doubles, &number, NULL);
    error = errno;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert(result == -1 && error == EAGAIN);
    ck_assert_int_eq(number, 1);
    ck_assert_int_eq(cede_offload(doubles, &number, NULL), 0);
    ck_assert_int_eq(number, 2);
}
#endif

/* ---- storm ---- */

struct computes { int number; char text[40]; };
static int computes(struct computes *a)
{
    ck_assert_int_eq(atoi(a->text), a->number);
    if (a->number % 7 == 0)
        nap();
    if (a->number % 5 == 0) {
        errno = ENOLINK;
        return -1;
    }
    return a->number;
}

struct asks { unsigned seed; };
static int asks(struct asks *a)
{
    int number = (int)(harness_random(&a->seed) % 1000), result = -1, error = 0;
    struct computes args = {.number = number};

    snprintf(args.text, sizeof args.text, "%d", number);
    cede_timeout (harness_random(&a->seed) % 2 ? CEDE_FOREVER : harness_random(&a->seed) % 2000000)
        if (cede__offload_go("computes", (cede_task_fn *)computes, &args, sizeof args, &result) != 0)
            error = errno;
        else if (result < 0)
            ck_assert(number % 5 == 0 && errno == ENOLINK);
        else
            ck_assert_int_eq(result, number);
    ck_assert(error == 0 || error == ECANCELED || error == ETIMEDOUT);
    return 0;
}

static int storms(void *seed_of_thread)
{
    unsigned seed = (unsigned)(uintptr_t)seed_of_thread;
    struct cede_task *tasks[20];
    int round, i;

    for (round = 0; round < HARNESS_ROUNDS(400); round++) {
        for (i = 0; i < 20; i++)
            tasks[i] = cede_go(asks, .seed = harness_random(&seed));
        for (i = 0; i < 20; i++) {
            if (harness_random(&seed) % 4 == 0)
                cede_yield();
            if (harness_random(&seed) % 3 == 0)
                cede_cancel(tasks[i]);
        }
        for (i = 0; i < 20; i++)
            ck_assert_int_eq(cede_await(tasks[i]), 0);
    }
    return 0;
}

static void *runtime(void *seed)
{
    ck_assert_int_eq(cede_run(storms, seed), 0);
    return NULL;
}

START_TEST(storm)
{
    pthread_t other;

    ck_assert_int_eq(pthread_create(&other, NULL, runtime, (void *)71), 0);
    runtime((void *)72);
    ck_assert_int_eq(pthread_join(other, NULL), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("offload_public");
    TCase *cases = tcase_create("offload_public");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, results_pass_from_a_helper);
    tcase_add_test(cases, outside_a_task_it_runs_in_place);
    tcase_add_test(cases, arguments_by_name_are_copied);
    tcase_add_test(cases, arguments_by_name_outside_a_task);
    tcase_add_test(cases, cancelled_while_it_runs);
    tcase_add_test(cases, a_cancelled_task_does_not_begin);
    tcase_add_test(cases, a_deadline_ends_the_wait);
    tcase_add_test(cases, copied_arguments_outlive_the_task);
    tcase_add_test(cases, a_shield_waits_for_the_end);
#ifndef HARNESS_SANITIZED
    tcase_add_test(cases, without_memory);
#endif
    tcase_add_test(cases, storm);
    suite_add_tcase(self, cases);
    return self;
}
