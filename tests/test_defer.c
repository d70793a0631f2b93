/* SPDX-License-Identifier: MIT */
/* Deferred calls and cede_exit: what runs, in which order, and what is left when a task ends from the depth. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define LONG (600 * CEDE_SECOND) /* fails the test by its time limit */

/* What ran, one letter each. */
static char trace[64];

static void note(const char *letter)
{
    strcat(trace, letter);
    errno = EIO; /* must not reach whoever leaves the block */
}

#define ck_assert_trace(expected)          \
    do {                                   \
        ck_assert_str_eq(trace, expected); \
        trace[0] = '\0';                   \
    } while (0)

/* ---- leaving a block ---- */

static int returns_early(int early)
{
    cede_defer(note, "a");
    if (early)
        return 1;
    cede_defer(note, "b");
    return 2;
}

TASK_TEST(the_last_one_runs_first_however_the_block_is_left)
{
    int i;

    {
        cede_defer(note, "a");
        cede_defer(note, "b");
        cede_defer(note, "c");
        ck_assert_trace("");
    }
    ck_assert_trace("cba");
    for (i = 0; i < 3; i++) {
        cede_defer(note, "x");
        if (i == 0)
            continue;
        cede_defer(note, "y");
        if (i == 1)
            break;
    }
    ck_assert_trace("xyx");
    ck_assert_int_eq(returns_early(1), 1);
    ck_assert_trace("a");
    ck_assert_int_eq(returns_early(0), 2);
    ck_assert_trace("ba");
    {
        cede_defer(note, "g");
        goto out;
    }
out:
    ck_assert_trace("g");
}

TASK_TEST(errno_is_preserved)
{
    errno = ENOENT;
    {
        cede_defer(note, "a");
    }
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_trace("a");
}

static void wants_const(const struct cede_run_attr *attr)
{
    strcat(trace, attr->name);
}

static void wants_int(int number)
{
    ck_assert_int_eq(number, -7);
    strcat(trace, "i");
}

static int evaluated;

static void *evaluate(void)
{
    evaluated++;
    return malloc(1);
}

TASK_TEST(any_function_of_a_pointer_or_an_int_will_do)
{
    FILE *file = tmpfile();
    int fd = open("/dev/null", O_RDONLY);
    struct cede_run_attr attr = {.name = "c"};
    void (*pointer)(const char *) = note;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fd, 0);
    {
        cede_defer(fclose, file);
        cede_defer(close, fd);
        cede_defer(free, malloc(3));
        cede_defer(free, evaluate());
        cede_defer(wants_const, &attr);
        cede_defer(wants_int, -7);
        cede_defer(pointer, "p");
        ck_assert_int_eq(evaluated, 1);
    }
    ck_assert_trace("pic");
    ck_assert_int_eq(evaluated, 1);
    ck_assert_fails(fcntl(fd, F_GETFD), EBADF);
}

TASK_TEST(pushed_and_popped_by_hand)
{
    struct cede_defer a, b;

    cede_defer_push(&a, (void (*)(void *))(void (*)(void))note, (char[]){"a"});
    cede_defer_push(&b, (void (*)(void *))(void (*)(void))note, (char[]){"b"});
    errno = ENOENT;
    cede_defer_pop(&b, 0);
    ck_assert_trace("");
    cede_defer_pop(&a, 1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_trace("a");
}

START_TEST(outside_a_task_it_runs_at_the_end_of_the_block)
{
    struct cede_defer by_hand;

    {
        cede_defer(note, "a");
        cede_defer(note, "b");
        cede_defer_push(&by_hand, (void (*)(void *))(void (*)(void))note, (char[]){"h"});
        cede_defer_pop(&by_hand, 1);
    }
    ck_assert_trace("hba");
}
END_TEST

/* ---- what deferred calls may do ---- */

static void waits(const char *letter)
{
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    cede_shield {
        ck_assert_int_eq(cede_sleep(1), 0);
        cede_timeout (CEDE_MILLISECOND)
            ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    }
    strcat(trace, letter);
}

static int is_cancelled(void *unused)
{
    cede_defer(waits, "w");
    (void)unused;
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    return 3;
}

TASK_TEST(in_a_cancelled_task_it_waits_in_a_shield)
{
    struct cede_task *task = cede_spawn(is_cancelled, NULL);

    cede_yield();
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_int_eq(cede_await(task), 3);
    ck_assert_trace("w");
}

static void times_out(const char *letter)
{
    ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    strcat(trace, letter);
}

TASK_TEST(a_deadline_holds_for_what_was_deferred_inside_it)
{
    cede_timeout (CEDE_MILLISECOND) {
        cede_defer(times_out, "t");
    }
    {
        cede_defer(note, "o");
        ck_assert_int_eq(cede_sleep(1), 0);
    }
    ck_assert_trace("to");
}

/* ---- cede_exit ---- */

static int child(void *letter)
{
    cede_defer(note, (const char *)letter);
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    return 0;
}

/* So that the compiler does not see that nothing ever returns. */
static void (*volatile exit_now)(int result) = cede_exit;

static __attribute__((noinline)) void exit_deep(int depth, int result)
{
    char room[100];

    memset(room, depth, sizeof room);
    if (depth > 0) {
        exit_deep(depth - 1, result);
        ck_assert_int_eq(room[50], depth);
        return;
    }
    cede_defer(note, "d");
    errno = result < 0 ? EDOM : 0;
    exit_now(result);
}

static int exits_deep(void *result)
{
    cede_defer(note, "a");
    cede_timeout (LONG) {
        cede_defer(note, "b");
        cede_group (g) {
            cede_group_spawn(g, NULL, child, (char[]){"c"});
            ck_assert_int_eq(cede_yield(), 0);
            exit_deep(20, *(int *)result);
        }
    }
    ck_abort_msg("cede_exit returned");
}

TASK_TEST(exit_leaves_everything_from_the_innermost_to_the_outermost)
{
    int result = 42;
    struct cede_task *task = cede_spawn(exits_deep, &result);

    ck_assert_int_eq(cede_await(task), 42);
    ck_assert_trace("dcba");
    result = -5;
    errno = 0;
    ck_assert_int_eq(cede_await(cede_spawn(exits_deep, &result)), -5);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_trace("dcba");
}

static int exits_by_hand(void *unused)
{
    struct cede_defer a, b, popped;

    (void)unused;
    cede_defer_push(&a, (void (*)(void *))(void (*)(void))note, (char[]){"a"});
    cede_defer_push(&popped, (void (*)(void *))(void (*)(void))note, (char[]){"x"});
    cede_defer_pop(&popped, 0);
    cede_defer_push(&b, (void (*)(void *))(void (*)(void))note, (char[]){"b"});
    cede_exit(1);
}

TASK_TEST(exit_leaves_what_was_pushed_by_hand)
{
    ck_assert_int_eq(cede_await(cede_spawn(exits_by_hand, NULL)), 1);
    ck_assert_trace("ba");
}

static void exits_again(const char *letter)
{
    strcat(trace, letter);
    cede_exit(8);
}

static int exits_twice(void *unused)
{
    cede_defer(note, "a");
    cede_defer(exits_again, "e");
    (void)unused;
    cede_defer(note, "b");
    cede_exit(7);
}

static int exits_while_it_returns(void *unused)
{
    cede_defer(note, "a");
    cede_defer(exits_again, "e");
    (void)unused;
    return 7;
}

TASK_TEST(a_deferred_call_may_exit_and_its_result_counts)
{
    ck_assert_int_eq(cede_await(cede_spawn(exits_twice, NULL)), 8);
    ck_assert_trace("bea");
    ck_assert_int_eq(cede_await(cede_spawn(exits_while_it_returns, NULL)), 8);
    ck_assert_trace("ea");
}

static int exits_cancelled(void *unused)
{
    cede_defer(waits, "w");
    (void)unused;
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    cede_exit(4);
}

TASK_TEST(a_cancelled_task_may_exit)
{
    struct cede_task *task = cede_spawn(exits_cancelled, NULL);

    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 4);
    ck_assert_trace("w");
}

static int exits_at_once(void *result)
{
    cede_exit(*(int *)result);
}

/* The name may lie on the stack that is given up. */
static int names_itself_and_exits(void *unused)
{
    (void)unused;
    cede_name_set("gone");
    cede_exit(0);
}

TASK_TEST(detached_named_and_grouped_tasks_exit)
{
    const struct cede_task_attr detached = {.detached = 1};
    struct cede_task *task;
    int result = 3, failed = -1;

    ck_assert_ptr_nonnull(cede_spawn_attr(&detached, exits_at_once, &result));
    task = cede_spawn(names_itself_and_exits, NULL);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_await(task), 0);
    cede_group (g) {
        cede_group_spawn(g, NULL, exits_at_once, &result);
        ck_assert_int_eq(cede_group_wait(g), 0);
        errno = ERANGE;
        cede_group_spawn(g, NULL, exits_at_once, &failed);
        ck_assert_int_eq(cede_group_wait(g), -1);
    }
}

static int exits_in_a_child_with_a_deadline(void *unused)
{
    int result = 6;

    (void)unused;
    cede_timeout (LONG)
        return cede_await(cede_spawn(exits_at_once, &result));
    return -1;
}

START_TEST(in_the_first_task_it_ends_the_run)
{
    int result = 11;

    ck_assert_int_eq(cede_run(exits_at_once, &result), 11);
    result = -2;
    ck_assert_int_eq(cede_run(exits_deep, &result), -2);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_trace("dcba");
    ck_assert_int_eq(cede_run(exits_in_a_child_with_a_deadline, NULL), 6);
}
END_TEST

START_TEST(outside_a_task_exit_aborts)
{
    int output[2], status;
    char message[200];
    ssize_t length;
    pid_t pid;

    ck_assert_int_eq(pipe(output), 0);
    pid = fork();
    if (pid == 0) {
        dup2(output[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        cede_exit(0);
    }
    close(output[1]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    length = read(output[0], message, sizeof message - 1);
    ck_assert_int_gt(length, 0);
    message[length] = '\0';
    ck_assert_ptr_nonnull(strstr(message, "cede_exit: called outside a task"));
    close(output[0]);
}
END_TEST

/* ---- many ---- */

struct storm {
    unsigned seed;
    int open; /* deferred calls that have not run */
};

static void count_down(int *open)
{
    --*open;
}

static int sleeps(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_sleep(LONG), -1);
    return 0;
}

static __attribute__((noinline)) void wander(struct storm *storm, int depth)
{
    unsigned choice = harness_random(&storm->seed) % 16;

    storm->open++;
    cede_defer(count_down, &storm->open);
    if (depth == 0 || choice == 0)
        cede_exit((int)choice);
    if (choice == 1)
        return;
    if (choice == 2)
        cede_yield();
    if (choice == 3) {
        cede_timeout ((int64_t)(harness_random(&storm->seed) % 3) * CEDE_MICROSECOND) {
            cede_sleep(CEDE_MICROSECOND);
            wander(storm, depth - 1);
        }
    } else if (choice == 4) {
        cede_shield
            wander(storm, depth - 1);
    } else if (choice == 5) {
        cede_group (g) {
            cede_group_spawn(g, NULL, sleeps, NULL);
            wander(storm, depth - 1);
            break;
        }
    }
    wander(storm, depth - 1);
}

static int wanders(void *arg)
{
    wander(arg, 12);
    return 1;
}

TASK_TEST(storm)
{
    enum { TASKS = 16 };
    struct storm storms[TASKS];
    struct cede_task *tasks[TASKS];
    unsigned seed = 7;
    int round, i;

    for (round = 0; round < HARNESS_ROUNDS(10000); round++) {
        for (i = 0; i < TASKS; i++) {
            storms[i] = (struct storm){.seed = harness_random(&seed)};
            tasks[i] = cede_spawn(wanders, &storms[i]);
            ck_assert_ptr_nonnull(tasks[i]);
        }
        cede_cancel(tasks[round % TASKS]);
        for (i = 0; i < TASKS; i++) {
            ck_assert_int_ge(cede_await(tasks[i]), 0);
            ck_assert_int_eq(storms[i].open, 0);
        }
        trace[0] = '\0';
    }
    ck_assert_int_eq(cede_check(), 0);
}

Suite *suite(void)
{
    Suite *defer = suite_create("defer");
    TCase *cases = tcase_create("defer");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_last_one_runs_first_however_the_block_is_left);
    tcase_add_test(cases, errno_is_preserved);
    tcase_add_test(cases, any_function_of_a_pointer_or_an_int_will_do);
    tcase_add_test(cases, pushed_and_popped_by_hand);
    tcase_add_test(cases, outside_a_task_it_runs_at_the_end_of_the_block);
    tcase_add_test(cases, in_a_cancelled_task_it_waits_in_a_shield);
    tcase_add_test(cases, a_deadline_holds_for_what_was_deferred_inside_it);
    tcase_add_test(cases, exit_leaves_everything_from_the_innermost_to_the_outermost);
    tcase_add_test(cases, exit_leaves_what_was_pushed_by_hand);
    tcase_add_test(cases, a_deferred_call_may_exit_and_its_result_counts);
    tcase_add_test(cases, a_cancelled_task_may_exit);
    tcase_add_test(cases, detached_named_and_grouped_tasks_exit);
    tcase_add_test(cases, in_the_first_task_it_ends_the_run);
    tcase_add_test(cases, outside_a_task_exit_aborts);
    tcase_add_test(cases, storm);
    suite_add_tcase(defer, cases);
    return defer;
}
