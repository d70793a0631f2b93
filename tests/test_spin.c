/* SPDX-License-Identifier: MIT */
/* The spin before a thread sleeps: when it is done, and that it changes nothing but time. */
#include "spin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "sched.h"

/* ---- the choice ---- */

static void many_cpus_or_skip(struct cede__spin *spin)
{
    ck_assert_int_eq(cede__spin_choose(spin, 50 * CEDE_MICROSECOND), 0);
    if (!spin->limit_ns)
        spin->limit_ns = 50 * CEDE_MICROSECOND; /* on one CPU it is never chosen, but works all the same */
}

START_TEST(a_wish_or_the_environment_chooses)
{
    struct cede__spin spin;

    unsetenv("CEDE_SPIN");
    ck_assert(cede__spin_choose(&spin, 0) == 0 && spin.limit_ns == 0);
    setenv("CEDE_SPIN", "30", 1);
    ck_assert_int_eq(cede__spin_choose(&spin, 0), 0);
    ck_assert(spin.limit_ns == 30 * CEDE_MICROSECOND || spin.limit_ns == 0);
    ck_assert(cede__spin_choose(&spin, -1) == 0 && spin.limit_ns == 0);
    ck_assert_fails(cede__spin_choose(&spin, CEDE_MILLISECOND + 1), EINVAL);
    setenv("CEDE_SPIN", "1001", 1);
    ck_assert_fails(cede__spin_choose(&spin, 0), EINVAL);
    setenv("CEDE_SPIN", "-5", 1);
    ck_assert_fails(cede__spin_choose(&spin, 0), EINVAL);
    setenv("CEDE_SPIN", "5us", 1);
    ck_assert_fails(cede__spin_choose(&spin, 0), EINVAL);
    ck_assert_int_eq(cede__spin_choose(&spin, -1), 0);
}
END_TEST

START_TEST(it_is_earned_by_short_waits_and_lost_by_long_ones)
{
    struct cede__spin spin;
    int i, lost;

    many_cpus_or_skip(&spin);
    ck_assert(!cede__spin_pays(&spin, 1));
    for (i = 0; i < CEDE__SPIN_TRUSTED; i++) {
        ck_assert(!cede__spin_pays(&spin, 1));
        cede__spin_waited(&spin, 20 * CEDE_MICROSECOND);
    }
    ck_assert(cede__spin_pays(&spin, 1));
    for (i = 0; i < 100; i++)
        cede__spin_waited(&spin, 20 * CEDE_MICROSECOND);
    for (lost = 0; cede__spin_pays(&spin, 1); lost++)
        cede__spin_waited(&spin, CEDE_MILLISECOND);
    ck_assert_int_eq(lost, 3); /* as the manual says */
}
END_TEST

START_TEST(others_come_first_for_longer_each_time)
{
    struct cede__spin spin;
    int64_t now_ns = 1, pause_ns, before_ns = 0;
    int i, n;

    many_cpus_or_skip(&spin);
    for (n = 0; n < 12; n++) {
        for (i = 0; i < CEDE__SPIN_BEST; i++)
            cede__spin_waited(&spin, 1);
        ck_assert(cede__spin_pays(&spin, now_ns));
        ck_assert(!cede__spin_disturbed(&spin, 2 * CEDE_MICROSECOND, now_ns));
        ck_assert(cede__spin_disturbed(&spin, CEDE_MILLISECOND, now_ns));
        for (i = 0; i < CEDE__SPIN_BEST; i++)
            cede__spin_waited(&spin, 1);
        ck_assert(!cede__spin_pays(&spin, now_ns));
        pause_ns = spin.resume_ns - now_ns;
        ck_assert_int_ge(pause_ns, before_ns);
        ck_assert_int_ge(pause_ns, 10 * CEDE_MILLISECOND);
        ck_assert_int_le(pause_ns, CEDE_SECOND);
        before_ns = pause_ns;
        now_ns = spin.resume_ns;
    }
    ck_assert_int_eq(before_ns, CEDE_SECOND);
    /* Disturbed now and then only, it comes to spin again most of the time. */
    for (i = 0; i < 20; i++) {
        now_ns = spin.resume_ns + 200 * CEDE_MILLISECOND;
        ck_assert(cede__spin_disturbed(&spin, CEDE_MILLISECOND, now_ns));
    }
    ck_assert_int_le(spin.resume_ns - now_ns, 100 * CEDE_MILLISECOND);
}
END_TEST

/* ---- runtimes that spin ---- */

static const struct cede_run_attr spinning = {.spin_ns = CEDE_MILLISECOND};

enum { ROUNDS = HARNESS_SCALE(20000) };

static int fds[2];

static void *answers(void *unused)
{
    char byte;

    while (read(fds[1], &byte, 1) == 1)
        if (write(fds[1], &byte, 1) != 1)
            break;
    return unused;
}

static int asks(void *unused)
{
    char byte = 0;

    (void)unused;
    cede__worker->spin.limit_ns = CEDE_MILLISECOND; /* where there is one CPU only as well */
    for (int i = 0; i < ROUNDS; i++) {
        ck_assert_int_eq(cede_write(fds[0], &byte, 1), 1);
        if (i % 7 == 0)
            cede_timeout (CEDE_SECOND * 60)
                ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
        else
            ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
        if (i % 100 == 0)
            ck_assert_int_eq(cede_sleep(1 + i % 50 * CEDE_MICROSECOND), 0);
    }
    return cede_close(fds[0]);
}

START_TEST(every_answer_arrives)
{
    pthread_t thread;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, answers, NULL), 0);
    ck_assert_int_eq(cede_run_attr(&spinning, asks, NULL), 0);
    pthread_join(thread, NULL);
    close(fds[1]);
}
END_TEST

static struct cede_task *_Atomic sleeper;
static atomic_bool over;

static void *wakes(void *unused)
{
    while (!over)
        if (sleeper)
            cede_wake(sleeper);
    return unused;
}

static int is_woken(void *unused)
{
    (void)unused;
    cede__worker->spin.limit_ns = CEDE_MILLISECOND;
    sleeper = cede_self();
    for (int i = 0; i < ROUNDS; i++)
        ck_assert_int_eq(cede_park(), 0);
    over = true;
    return 0;
}

START_TEST(every_wake_arrives)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, wakes, NULL), 0);
    ck_assert_int_eq(cede_run_attr(&spinning, is_woken, NULL), 0);
    pthread_join(thread, NULL);
}
END_TEST

static int is_dumped(void *unused)
{
    char text[4096] = {0};
    int ends[2];

    (void)unused;
    cede__worker->spin.limit_ns = 50 * CEDE_MICROSECOND;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(cede_dump(ends[1]), 0);
    ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, ", spin 50 us\n"));
    return 0;
}

START_TEST(dumps_name_it)
{
    ck_assert_int_eq(cede_run(is_dumped, NULL), 0);
}
END_TEST

static int sleeps_long(void *unused)
{
    (void)unused;
    cede__worker->spin.limit_ns = CEDE_MILLISECOND;
    cede__worker->spin.score = CEDE__SPIN_BEST;
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(cede_sleep(10 * CEDE_MILLISECOND), 0);
    return 0;
}

/* 300 ms, of which 3 may be spent in vain. */
START_TEST(long_waits_cost_no_cpu_time)
{
    struct timespec before, after;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    ck_assert_int_eq(cede_run_attr(&spinning, sleeps_long, NULL), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    ck_assert_int_lt((after.tv_sec - before.tv_sec) * CEDE_SECOND + after.tv_nsec - before.tv_nsec,
                     100 * CEDE_MILLISECOND);
}
END_TEST

Suite *suite(void)
{
    Suite *spin = suite_create("spin");
    TCase *cases = tcase_create("spin");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_wish_or_the_environment_chooses);
    tcase_add_test(cases, it_is_earned_by_short_waits_and_lost_by_long_ones);
    tcase_add_test(cases, others_come_first_for_longer_each_time);
    tcase_add_test(cases, every_answer_arrives);
    tcase_add_test(cases, every_wake_arrives);
    tcase_add_test(cases, dumps_name_it);
    tcase_add_test(cases, long_waits_cost_no_cpu_time);
    suite_add_tcase(spin, cases);
    return spin;
}
