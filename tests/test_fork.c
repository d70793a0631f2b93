/* SPDX-License-Identifier: MIT */
/* fork(2) in a task, beside a runtime, and vfork(2). */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "sanitizer.h"

static int pair[2], ticks;

static int tick(void *unused)
{
    (void)unused;
    while (cede_sleep(CEDE_MILLISECOND) == 0)
        ticks++;
    return 0;
}

static int read_pair(void *unused)
{
    char byte;

    (void)unused;
    return (int)cede_read(pair[0], &byte, 1);
}

static int double_it(void *number)
{
    return cede_sleep(CEDE_MILLISECOND) == 0 ? 2 * (int)(intptr_t)number : -1;
}

static void assert_exits(pid_t child, int expected)
{
    int status;

    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "wait status %#x", (unsigned)status);
}

/* What a child must be able to do, alone. Ends the process with a line number where it cannot. */
#define MUST(condition)                \
    do {                               \
        if (!(condition))              \
            _exit(__LINE__ % 250 + 1); \
    } while (0)

static void live_alone(void)
{
    struct cede_task *task;
    struct cede_group group;
    int fds[2], result;
    char byte;

    ticks = 0;
    MUST(cede_sleep(20 * CEDE_MILLISECOND) == 0);
    MUST(ticks == 0);
    MUST(cede_pipe2(fds, 0) == 0);
    task = cede_spawn(double_it, (void *)4);
    MUST(cede_join(task, &result) == 0 && result == 8);
    cede_timeout (CEDE_MILLISECOND)
        MUST(cede_read(fds[0], &byte, 1) == -1 && errno == ETIMEDOUT);
    MUST(cede_write(fds[1], "x", 1) == 1);
    MUST(cede_read(fds[0], &byte, 1) == 1 && byte == 'x');
    MUST(cede_close(fds[0]) == 0 && cede_close(fds[1]) == 0);
    MUST(cede_group_open(&group) == 0);
    MUST(cede_group_spawn(&group, NULL, double_it, (void *)5) != NULL);
    MUST(cede_group_close(&group) == 0);
}

TASK_TEST(the_child_has_this_task_alone)
{
    struct cede_task *ticker, *reader;
    pid_t child;

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    ticker = cede_spawn(tick, NULL);
    cede_sleep(5 * CEDE_MILLISECOND);
    cede_spawn(double_it, (void *)1); /* has not started */
    child = fork();
    if (child == 0) {
        MUST(cede_join(ticker, NULL) == -1 && errno == ESRCH);
        MUST(cede_cancel(reader) == -1 && errno == ESRCH);
        live_alone();
        _exit(0);
    }
    assert_exits(child, 0);
    ticks = 0;
    cede_timeout (10 * CEDE_SECOND)
        while (ticks <= 2 && cede_sleep(CEDE_MILLISECOND) == 0)
            continue;
    ck_assert_int_gt(ticks, 2);
    ck_assert_int_eq(cede_write(pair[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(reader), 1);
}

static int write_late(void *fd)
{
    return cede_sleep(2 * CEDE_MILLISECOND) == 0 ? (int)cede_write((int)(intptr_t)fd, "y", 1) : -1;
}

/* The child closes and reads what the parent waits for, and has events of its own on it. */
TASK_TEST(descriptors_are_watched_anew)
{
    struct cede_task *reader;
    int known[2];
    char byte;
    pid_t child;

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, known), 0);
    reader = cede_spawn(read_pair, NULL);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_read(known[0], &byte, 1), ETIMEDOUT);
    child = fork();
    if (child == 0) {
        cede_spawn(write_late, (void *)(intptr_t)known[1]);
        cede_timeout (10 * CEDE_SECOND)
            MUST(cede_read(known[0], &byte, 1) == 1 && byte == 'y');
        cede_timeout (10 * CEDE_MILLISECOND)
            MUST(cede_read(pair[1], &byte, 1) == -1 && errno == ETIMEDOUT);
        cede_timeout (20 * CEDE_MILLISECOND)
            MUST(cede_read(pair[0], &byte, 1) == -1 && errno == ETIMEDOUT);
        cede_close(pair[0]);
        cede_close(pair[1]);
        _exit(0);
    }
    assert_exits(child, 0);
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_join(reader, NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_write(pair[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(reader), 1);
}

/* ---- the end of the child ---- */

static pid_t forked;

#ifndef CEDE__TSAN
static int return_in_both(void *unused)
{
    (void)unused;
    forked = fork();
    if (forked == 0) {
        live_alone();
        cede_spawn(tick, NULL); /* ends with the run */
        return 33;
    }
    return 44;
}

static int fork_by_child_task(void *detached)
{
    struct cede_task_attr attr = {.detached = detached != NULL};
    struct cede_task *task;

    cede_spawn(tick, NULL);
    task = cede_spawn_attr(&attr, return_in_both, NULL);
    if (detached)
        return cede_sleep(10 * CEDE_MILLISECOND);
    return cede_await(task);
}

START_TEST(the_run_returns_in_the_child)
{
    static const char yes;
    int result;

    result = cede_run(return_in_both, NULL);
    if (forked == 0)
        _exit(result);
    ck_assert_int_eq(result, 44);
    assert_exits(forked, 33);
    result = cede_run(fork_by_child_task, NULL);
    if (forked == 0)
        _exit(cede_run(double_it, (void *)2) == 4 ? result : 1); /* and again */
    ck_assert_int_eq(result, 44);
    assert_exits(forked, 33);
    result = cede_run(fork_by_child_task, (void *)&yes);
    if (forked == 0)
        _exit(result);
    ck_assert_int_eq(result, 0);
    assert_exits(forked, 33);
}
END_TEST

static int fork_when_cancelled(void *unused)
{
    (void)unused;
    ck_assert_fails(cede_sleep(CEDE_SECOND), ECANCELED);
    forked = fork();
    if (forked == 0)
        cede_shield
            live_alone();
    return forked == 0 ? 55 : 0;
}

static int leave_one(void *unused)
{
    (void)unused;
    cede_spawn(fork_when_cancelled, NULL);
    cede_spawn(tick, NULL);
    cede_sleep(CEDE_MILLISECOND);
    return 1;
}

START_TEST(a_fork_at_the_end_of_the_run)
{
    int result = cede_run(leave_one, NULL);

    if (forked == 0)
        _exit(result);
    ck_assert_int_eq(result, 1);
    assert_exits(forked, 55);
}
END_TEST
#endif

/* ---- what the task has ---- */

TASK_TEST(scopes_stay)
{
    pid_t child = 0;
    int status = 1;

    cede_timeout (50 * CEDE_MILLISECOND) {
        child = fork();
        if (child == 0) {
            cede_shield
                cede_timeout (CEDE_MILLISECOND)
                    MUST(cede_sleep(CEDE_SECOND) == -1 && errno == ETIMEDOUT);
            MUST(cede_sleep(10 * CEDE_SECOND) == -1 && errno == ETIMEDOUT);
            status = 0;
        }
    }
    if (child == 0)
        _exit(status == 0 && cede_sleep(CEDE_MILLISECOND) == 0 ? 0 : 1);
    assert_exits(child, 0);
}

TASK_TEST(groups_do_not_wait_for_children_that_are_gone)
{
    struct cede_group group;
    struct cede_task *done;
    int result;
    pid_t child;

    ck_assert_int_eq(cede_group_open(&group), 0);
    done = cede_group_spawn(&group, NULL, double_it, (void *)3);
    cede_sleep(10 * CEDE_MILLISECOND);
    cede_group_spawn(&group, NULL, tick, NULL);
    cede_group_spawn(&group, &(struct cede_task_attr){.detached = 1}, tick, NULL);
    cede_sleep(2 * CEDE_MILLISECOND);
    cede_group_spawn(&group, NULL, tick, NULL);
    child = fork();
    if (child == 0) {
        MUST(cede_join(done, &result) == 0 && result == 6); /* what has ended has ended here too */
        MUST(cede_group_spawn(&group, NULL, double_it, (void *)4) != NULL);
        MUST(cede_group_close(&group) == 0);
        _exit(0);
    }
    assert_exits(child, 0);
    ck_assert_int_eq(cede_await(done), 6);
    ck_assert_int_eq(cede_group_cancel(&group), 0);
    ck_assert_fails(cede_group_close(&group), ECANCELED);
}

TASK_TEST(a_cancel_under_way_reaches_the_child)
{
    pid_t child;

    cede_cancel(cede_self());
    child = fork();
    if (child == 0)
        _exit(cede_sleep(CEDE_SECOND) == -1 && errno == ECANCELED ? 0 : 1);
    assert_exits(child, 0);
}

static int wait_for_usr1(void *unused)
{
    sigset_t set;

    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return cede_signal_wait(&set, NULL);
}

/* Signals that only tasks of the parent wait for are as before; the task itself may wait for some. */
TASK_TEST(signals_of_others_are_let_go)
{
    struct cede_task *task = cede_spawn(wait_for_usr1, NULL);
    pid_t child;
    int status;

    cede_yield();
    child = fork();
    if (child == 0) {
        struct cede_task *own = cede_spawn(wait_for_usr1, NULL);

        cede_yield();
        kill(getpid(), SIGUSR1);
        MUST(cede_await(own) == SIGUSR1);
        kill(getpid(), SIGUSR1);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    kill(getpid(), SIGUSR1);
    ck_assert_int_eq(cede_await(task), SIGUSR1);
}

static int fork_shut_down(void *unused)
{
    (void)unused;
    forked = fork();
    if (forked == 0) {
        kill(getpid(), SIGTERM);
        MUST(cede_sleep(CEDE_SECOND) == -1 && errno == ECANCELED);
        _exit(0);
    }
    return 0;
}

TASK_TEST(shutdown_cancels_the_task_that_is_left)
{
    ck_assert_int_eq(cede_shutdown_on_signal(SIGTERM), 0);
    ck_assert_int_eq(cede_await(cede_spawn(fork_shut_down, NULL)), 0);
    assert_exits(forked, 0);
}

TASK_TEST(processes_of_the_parent_are_not_the_childs)
{
    struct cede_process process;
    pid_t child;

    ck_assert_int_eq(cede_process_spawn(&process, (char *[]){"sleep", "0.05", NULL}, NULL), 0);
    child = fork();
    if (child == 0) {
        MUST(cede_process_wait(&process, NULL) == -1 && errno == ECHILD);
        MUST(cede_process_spawn(&process, (char *[]){"true", NULL}, NULL) == 0);
        MUST(cede_process_wait(&process, NULL) == 0 && process.status == 0);
        _exit(0);
    }
    assert_exits(child, 0);
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    cede_process_close(&process);
}

/* ---- generations, storms ---- */

static int generation(void *depth)
{
    int left = (int)(intptr_t)depth;
    pid_t child;

    cede_spawn(tick, NULL);
    cede_sleep(CEDE_MILLISECOND);
    if (left == 0)
        return 0;
    child = fork();
    if (child == 0) {
        live_alone();
        _exit(cede_await(cede_spawn(generation, (void *)(intptr_t)(left - 1))));
    }
    assert_exits(child, 0);
    return 0;
}

TASK_TEST(children_of_children)
{
    ck_assert_int_eq(cede_await(cede_spawn(generation, (void *)5)), 0);
}

static int storm_one(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg, i;
    siginfo_t info;
    pid_t child;

    for (i = 0; i < 4; i++) {
        cede_sleep(harness_random(&seed) % 2000000);
        child = fork();
        if (child == 0) {
            live_alone();
            _exit((int)(harness_random(&seed) % 100));
        }
        ck_assert_int_gt(child, 0);
        memset(&info, 0, sizeof info);
        do
            cede_sleep(CEDE_MILLISECOND);
        while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
        ck_assert_int_eq(info.si_code, CLD_EXITED);
        ck_assert_int_eq(info.si_status, (int)(harness_random(&seed) % 100));
    }
    return 0;
}

TASK_TEST(storm)
{
    struct cede_task *tasks[16], *ticker = cede_spawn(tick, NULL);
    uintptr_t i;

    for (i = 0; i < 16; i++)
        tasks[i] = cede_spawn(storm_one, (void *)(i + 1));
    for (i = 0; i < 16; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_fails(waitpid(-1, NULL, WNOHANG), ECHILD);
    cede_cancel(ticker);
}

/* ---- other threads ---- */

static atomic_bool stop;

static int busy(void *unused)
{
    struct cede_task *task;

    (void)unused;
    while (!stop) {
        task = cede_spawn(double_it, (void *)1);
        ck_assert_int_eq(cede_await(task), 2);
    }
    return 0;
}

static void *run_busy(void *unused)
{
    (void)unused;
    while (!stop)
        ck_assert_int_eq(cede_run(busy, NULL), 0);
    return NULL;
}

static int live(void *unused)
{
    (void)unused;
    live_alone();
    return 0;
}

static int fork_and_wait(void *unused)
{
    pid_t child = fork();

    (void)unused;
    if (child == 0) {
        live_alone();
        _exit(8);
    }
    assert_exits(child, 8);
    return 0;
}

/* From a thread without a runtime, and from one with, while others run theirs. */
START_TEST(threads_fork_beside_runtimes)
{
    pthread_t threads[2];
    pid_t child;
    int i;

    /* What is done once per process is done: of the pthread_once(3)s only glibc's survives a fork in its midst. */
    ck_assert_int_eq(cede_run(double_it, (void *)1), 2);
    for (i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_busy, NULL), 0);
    for (i = 0; i < 20; i++) {
        child = fork();
        if (child == 0)
            _exit(cede_run(live, NULL));
        assert_exits(child, 0);
        ck_assert_int_eq(cede_run(fork_and_wait, NULL), 0);
    }
    stop = true;
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

/* ---- vfork ---- */

#ifndef CEDE__TSAN
/* The child shares the parent's memory until it calls exec. */
TASK_TEST(a_vfork_child_disturbs_nobody)
{
    struct cede_task *reader;
    pid_t child;

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    cede_sleep(CEDE_MILLISECOND);
    child = vfork();
    if (child == 0) {
        cede_dup3(pair[1], 200, 0);
        cede_close(pair[0]);
        cede_close(pair[1]);
        execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
        _exit(1);
    }
    assert_exits(child, 7);
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_join(reader, NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_write(pair[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(reader), 1);
}
#endif

Suite *suite(void)
{
    Suite *forks = suite_create("fork");
    TCase *cases = tcase_create("fork");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, the_child_has_this_task_alone);
    tcase_add_test(cases, descriptors_are_watched_anew);
#ifndef CEDE__TSAN /* it ignores what the task does that forked, and then misses it where another stack goes on */
    tcase_add_test(cases, the_run_returns_in_the_child);
    tcase_add_test(cases, a_fork_at_the_end_of_the_run);
#endif
    tcase_add_test(cases, scopes_stay);
    tcase_add_test(cases, groups_do_not_wait_for_children_that_are_gone);
    tcase_add_test(cases, a_cancel_under_way_reaches_the_child);
    tcase_add_test(cases, signals_of_others_are_let_go);
    tcase_add_test(cases, shutdown_cancels_the_task_that_is_left);
    tcase_add_test(cases, processes_of_the_parent_are_not_the_childs);
    tcase_add_test(cases, children_of_children);
    tcase_add_test(cases, storm);
    tcase_add_test(cases, threads_fork_beside_runtimes);
#ifndef CEDE__TSAN
    tcase_add_test(cases, a_vfork_child_disturbs_nobody);
#endif
    suite_add_tcase(forks, cases);
    return forks;
}
