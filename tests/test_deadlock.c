/* SPDX-License-Identifier: MIT */
/* When nothing can ever run again; and what looks like it, but is not. */
#include <pthread.h>
#include <unistd.h>

#include "capture.h"
#include "harness.h"
#include "wait.h"

static struct capture seen;

/* A wait that only this program could end, and never does. */
static __attribute__((noinline)) int wait_for_nothing(void)
{
    struct cede__waiter waiter = {.what = "nothing", .subject = -1};

    return cede__wait_errno(cede__wait(&waiter, INT64_MAX));
}

static int stuck(void *unused)
{
    (void)unused;
    ck_assert_fails(wait_for_nothing(), ECANCELED);
    return 0;
}

static int join_stuck(void *unused)
{
    static const struct cede_task_attr attr = {.name = "stuck"};
    struct cede_task *task = cede_spawn_attr(&attr, stuck, NULL);
    int result = 1;

    (void)unused;
    ck_assert_fails(cede_join(task, &result), EDEADLK);
    ck_assert_int_eq(result, 1);
    /* The task is still there, and can be ended. */
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_int_eq(cede_join(task, &result), 0);
    ck_assert_int_eq(result, 0);
    return 0;
}

static void run_ok(void *fn)
{
    ck_assert_int_eq(cede_run(*(cede_task_fn **)fn, NULL), 0);
}

START_TEST(the_first_task_is_told)
{
    cede_task_fn *fn = join_stuck;

    capture_child(&seen, run_ok, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "cede: deadlock: all 2 tasks wait, and nothing can end any of the waits\n");
    ck_assert_says(&seen, ": 2 tasks (2 parked), poller ");
    ck_assert_says(&seen, ", guards by m");
    ck_assert_says(&seen, "task 0 \"main\" parked ");
    ck_assert_says(&seen, " in join task 1 \"stuck\", stack ");
    ck_assert_says(&seen, " join_stuck+0x");
    ck_assert_says(&seen, "task 1 \"stuck\" parked ");
    ck_assert_says(&seen, " in nothing, stack ");
    ck_assert_says(&seen, " wait_for_nothing+0x");
}
END_TEST

/* Ignores its cancellation: the first task has ended, and nobody else is left to end the wait. */
static int shielded(void *told)
{
    cede_shield
        *(int *)told = wait_for_nothing() == -1 ? errno : 0;
    return 0;
}

static int told_of_shielded[2];

static int spawn_shielded(void *unused)
{
    (void)unused;
    cede_spawn(shielded, &told_of_shielded[0]);
    cede_spawn(shielded, &told_of_shielded[1]);
    return cede_yield();
}

static void run_shielded(void *unused)
{
    ck_assert_int_eq(cede_run(spawn_shielded, unused), 0);
    ck_assert_int_eq(told_of_shielded[0], EDEADLK);
    ck_assert_int_eq(told_of_shielded[1], EDEADLK);
}

START_TEST(all_are_told_when_the_first_has_ended)
{
    capture_child(&seen, run_shielded, NULL);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "cede: deadlock: all 2 tasks wait");
    ck_assert_says(&seen, "task 0 has ended with 0, and has not been joined\n");
    ck_assert_says(&seen, ", cancelled, stack ");
}
END_TEST

/* ---- not a deadlock ---- */

static struct cede_task *parked;

static void *wake_later(void *unused)
{
    usleep(100000);
    cede_wake(parked);
    return unused;
}

static int park(void *unused)
{
    (void)unused;
    return cede_park();
}

static int wait_for_a_thread(void *unused)
{
    pthread_t thread;
    int result;

    (void)unused;
    parked = cede_spawn(park, NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, NULL), 0);
    result = cede_await(parked);
    pthread_join(thread, NULL);
    return result;
}

static int wait_for_a_timer(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_sleep(100 * CEDE_MILLISECOND), 0);
    cede_timeout (100 * CEDE_MILLISECOND)
        ck_assert_fails(wait_for_nothing(), ETIMEDOUT);
    return 0;
}

static int pipe_fds[2];

static void *write_later(void *unused)
{
    usleep(100000);
    (void)!write(pipe_fds[1], "x", 1);
    return unused;
}

static int wait_for_a_pipe(void *unused)
{
    pthread_t thread;
    char byte;

    (void)unused;
    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_later, NULL), 0);
    ck_assert_int_eq(cede_read(pipe_fds[0], &byte, 1), 1);
    pthread_join(thread, NULL);
    return 0;
}

static cede_task_fn *const lively[] = {wait_for_a_thread, wait_for_a_timer, wait_for_a_pipe};

START_TEST(what_the_outside_can_end_is_no_deadlock)
{
    cede_task_fn *fn = lively[_i];

    capture_child(&seen, run_ok, &fn);
    capture_assert_exited(&seen);
    ck_assert_str_eq(seen.text, "");
}
END_TEST

Suite *suite(void)
{
    Suite *deadlock = suite_create("deadlock");
    TCase *cases = tcase_create("deadlock");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_first_task_is_told);
    tcase_add_test(cases, all_are_told_when_the_first_has_ended);
    tcase_add_loop_test(cases, what_the_outside_can_end_is_no_deadlock, 0, sizeof lively / sizeof *lively);
    suite_add_tcase(deadlock, cases);
    return deadlock;
}
