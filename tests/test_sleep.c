/* SPDX-License-Identifier: MIT */
/* cede_sleep() and POSIX's sleeps: never short, every errno, what is left. */
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "crowd.h"
#include "early.h"

#define LONG (600 * CEDE_SECOND)

static int64_t of(struct timespec time)
{
    return (int64_t)time.tv_sec * CEDE_SECOND + time.tv_nsec;
}

static struct timespec after(clockid_t clock, int64_t ns)
{
    struct timespec now;
    int64_t sum;

    clock_gettime(clock, &now);
    sum = of(now) + ns;
    return (struct timespec){sum / CEDE_SECOND, sum % CEDE_SECOND};
}

/* ---- the same in a task and outside ---- */

static void sleeps_long_enough(void)
{
    static const int64_t durations[] = {0, 1, 1000, 65535, 65536, 65537, CEDE_MILLISECOND, 20 * CEDE_MILLISECOND};
    struct timespec time;
    int64_t before;
    unsigned i;

    for (i = 0; i < sizeof durations / sizeof *durations; i++) {
        before = cede_now();
        ck_assert_int_eq(cede_sleep(durations[i]), 0);
        ck_assert_int_ge(cede_now() - before, durations[i]);
        time = (struct timespec){0, durations[i]};
        before = cede_now();
        ck_assert_int_eq(cede_nanosleep(&time, NULL), 0);
        ck_assert_int_ge(cede_now() - before, durations[i]);
        before = cede_now();
        ck_assert_int_eq(cede_clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL), 0);
        ck_assert_int_ge(cede_now() - before, durations[i]);
        before = cede_now();
        ck_assert_int_eq(cede_usleep((unsigned)(durations[i] / 1000)), 0);
        ck_assert_int_ge(cede_now() - before, durations[i] / 1000 * 1000);
    }
}

static void sleeps_until_an_absolute_time(void)
{
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};
    struct timespec time, now, left = {5, 5};
    unsigned i;

    for (i = 0; i < 3; i++) {
        time = after(clocks[i], 3 * CEDE_MILLISECOND);
        ck_assert_int_eq(cede_clock_nanosleep(clocks[i], TIMER_ABSTIME, &time, &left), 0);
        clock_gettime(clocks[i], &now);
        ck_assert_int_ge(of(now), of(time));
        time = (struct timespec){1, 0}; /* long past */
        ck_assert_int_eq(cede_clock_nanosleep(clocks[i], TIMER_ABSTIME, &time, &left), 0);
        ck_assert_int_eq(left.tv_sec, 5);
    }
}

static void refuses_what_is_no_time(void)
{
    static const struct timespec wrong[] = {{-1, 0}, {0, -1}, {0, 1000000000}, {1, INT64_MAX}, {INT64_MIN, 0}};
    unsigned i;

    ck_assert_fails(cede_sleep(-1), EINVAL);
    ck_assert_fails(cede_sleep(INT64_MIN), EINVAL);
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_fails(cede_nanosleep(&wrong[i], NULL), EINVAL);
        errno = EXDEV;
        ck_assert_int_eq(cede_clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong[i], NULL), EINVAL);
        ck_assert_int_eq(cede_clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &wrong[i], NULL), EINVAL);
        ck_assert_int_eq(cede_clock_nanosleep(12345, 0, &(struct timespec){0, 1}, NULL), EINVAL);
        ck_assert_int_eq(errno, EXDEV); /* it has a return value instead */
    }
}

static void waits_on_cpu_clocks_too(void)
{
    struct timespec past = {0, 0};

    ck_assert_int_eq(cede_clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &past, NULL), 0);
}

TASK_TEST(never_short)
{
    sleeps_long_enough();
    sleeps_until_an_absolute_time();
}

START_TEST(never_short_outside_a_task)
{
    sleeps_long_enough();
    sleeps_until_an_absolute_time();
}
END_TEST

TASK_TEST(wrong_times_are_EINVAL)
{
    ck_assert_fails(cede_nanosleep(NULL, NULL), EFAULT);
    ck_assert_int_eq(cede_clock_nanosleep(CLOCK_MONOTONIC, 0, NULL, NULL), EFAULT);
    refuses_what_is_no_time();
    waits_on_cpu_clocks_too();
}

START_TEST(wrong_times_are_EINVAL_outside_a_task)
{
    refuses_what_is_no_time();
    waits_on_cpu_clocks_too();
}
END_TEST

/* ---- ended early ---- */

static void check_left(const struct timespec *left)
{
    ck_assert_int_gt(of(*left), LONG - CEDE_MINUTE);
    ck_assert_int_lt(of(*left), LONG);
    ck_assert(left->tv_nsec >= 0 && left->tv_nsec < CEDE_SECOND);
}

TASK_TEST(a_deadline_ends_it_and_tells_what_is_left)
{
    struct timespec time = {LONG / CEDE_SECOND, 0}, left = {0, 0};

    cede_timeout (2 * CEDE_MILLISECOND) {
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
        ck_assert_fails(cede_sleep(0), ETIMEDOUT);
        ck_assert_fails(cede_usleep(1000000), ETIMEDOUT);
    }
    cede_timeout (2 * CEDE_MILLISECOND)
        ck_assert_fails(cede_nanosleep(&time, &left), ETIMEDOUT);
    check_left(&left);
    left = (struct timespec){0, 0};
    cede_timeout (2 * CEDE_MILLISECOND)
        ck_assert_int_eq(cede_clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &left), ETIMEDOUT);
    check_left(&left);
    left = (struct timespec){7, 7};
    time = after(CLOCK_REALTIME, LONG);
    cede_timeout (2 * CEDE_MILLISECOND)
        ck_assert_int_eq(cede_clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, &left), ETIMEDOUT);
    ck_assert(left.tv_sec == 7 && left.tv_nsec == 7); /* absolute: nothing to tell */
    ck_assert_int_eq(cede_nanosleep(&(struct timespec){0, 1}, &left), 0);
    ck_assert(left.tv_sec == 7 && left.tv_nsec == 7); /* slept to the end */
}

static int is_cancelled(void *unused)
{
    struct timespec time = {LONG / CEDE_SECOND, 0}, left = {0, 0};

    (void)unused;
    ck_assert_fails(cede_nanosleep(&time, &left), ECANCELED);
    check_left(&left);
    ck_assert_fails(cede_sleep(CEDE_FOREVER), ECANCELED);
    ck_assert_fails(cede_usleep(1), ECANCELED);
    ck_assert_int_eq(cede_clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL), ECANCELED);
    return 0;
}

static int sleeps_for_ever(void *unused)
{
    struct timespec time = {INT64_MAX, 999999999};

    (void)unused;
    ck_assert_fails(cede_nanosleep(&time, NULL), ECANCELED);
    return 0;
}

TASK_TEST(a_cancel_ends_it_and_tells_what_is_left)
{
    struct cede_task *task = cede_spawn(is_cancelled, NULL), *for_ever = cede_spawn(sleeps_for_ever, NULL);

    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
    cede_cancel(for_ever);
    ck_assert_int_eq(cede_await(for_ever), 0);
}

static int sleeps_in_microseconds(void *unused)
{
    (void)unused;
    return cede_usleep(100 * 1000 * 1000);
}

static int sleeps_by_a_clock(void *unused)
{
    const struct timespec time = {.tv_sec = 100};

    (void)unused;
    errno = cede_clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
    return errno ? -1 : 0;
}

TASK_TEST(each_kind_ends_early)
{
    early_assert_ends(sleeps_in_microseconds, NULL);
    early_assert_ends(sleeps_by_a_clock, NULL);
}

static int counts(void *arg)
{
    ++*(int *)arg;
    return 0;
}

TASK_TEST(others_run_meanwhile)
{
    int count = 0;
    struct cede_task *a = cede_spawn(counts, &count), *b;

    ck_assert_int_eq(cede_sleep(0), 0);
    ck_assert_int_eq(count, 1);
    b = cede_spawn(counts, &count);
    ck_assert_int_eq(cede_nanosleep(&(struct timespec){0, 1}, NULL), 0);
    ck_assert_int_eq(count, 2);
    ck_assert(cede_await(a) == 0 && cede_await(b) == 0);
}

static void on_alarm(int signo)
{
    (void)signo;
}

/* As usleep(3) is; cede_sleep() goes on. */
START_TEST(a_signal_ends_usleep_outside_a_task)
{
    struct itimerval soon = {.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000}, never = {0};

    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &soon, NULL);
    ck_assert_fails(cede_usleep(20000000), EINTR);
    ck_assert_int_eq(cede_sleep(50 * CEDE_MILLISECOND), 0);
    setitimer(ITIMER_REAL, &never, NULL);
}
END_TEST

/* ---- storm ---- */

/* A sleep is never short, and what ends it early tells how much was left. */
static void sleeps_at_random(void *unused, unsigned *seed)
{
    const int64_t duration = harness_random(seed) % 100000, before = cede_now();
    const struct timespec time = {.tv_nsec = duration};
    struct timespec left = {0};
    int result;

    (void)unused;
    switch (harness_random(seed) % 4) {
    case 0:
        result = cede_sleep(duration);
        break;
    case 1:
        result = cede_usleep((unsigned)duration / 1000 + 1);
        break;
    case 2:
        result = cede_nanosleep(&time, &left);
        break;
    default:
        errno = cede_clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &left);
        result = errno ? -1 : 0;
    }
    if (crowd_check(result) == 0)
        ck_assert_int_ge(cede_now() - before, duration);
    else
        ck_assert_int_le(left.tv_nsec, duration);
}

START_TEST(storm)
{
    struct crowd crowd = {.act = sleeps_at_random, .seed = 67 + (unsigned)_i, .tasks = 32, .threads = 1,
                          .rounds = HARNESS_ROUNDS(4000)};

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
}
END_TEST

Suite *suite(void)
{
    Suite *sleep = suite_create("sleep");
    TCase *cases = tcase_create("sleep");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, never_short);
    tcase_add_test(cases, never_short_outside_a_task);
    tcase_add_test(cases, wrong_times_are_EINVAL);
    tcase_add_test(cases, wrong_times_are_EINVAL_outside_a_task);
    tcase_add_test(cases, a_deadline_ends_it_and_tells_what_is_left);
    tcase_add_test(cases, a_cancel_ends_it_and_tells_what_is_left);
    tcase_add_test(cases, others_run_meanwhile);
    tcase_add_test(cases, a_signal_ends_usleep_outside_a_task);
    tcase_add_test(cases, each_kind_ends_early);
    tcase_add_loop_test(cases, storm, 0, 4);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(sleep, cases);
    return sleep;
}
