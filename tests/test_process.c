/* SPDX-License-Identifier: MIT */
/* Child processes: streams, status, kill, what cancellation and deadlines leave behind, communicate. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "harness.h"

#define SH(script) ((char *[]){"sh", "-c", (script), NULL})

static const struct cede_process_attr piped = {
    .in = CEDE_PROCESS_PIPE, .out = CEDE_PROCESS_PIPE, .err = CEDE_PROCESS_PIPE};

static void assert_no_children(void)
{
    ck_assert_fails(waitpid(-1, NULL, WNOHANG), ECHILD);
}

/* Runs a body with pidfds and without. */
#define BOTH_TEST(name)                                   \
    static void name##_body(void);                        \
    static int name##_task(void *unused)                  \
    {                                                     \
        (void)unused;                                     \
        name##_body();                                    \
        assert_no_children();                             \
        return 0;                                         \
    }                                                     \
    START_TEST(name)                                      \
    {                                                     \
        if (_i == 1)                                      \
            setenv("CEDE_PIDFD", "off", 1);               \
        ck_assert_int_eq(cede_run(name##_task, NULL), 0); \
    }                                                     \
    END_TEST                                              \
    static void name##_body(void)

static int ticks;

static int tick(void *unused)
{
    (void)unused;
    while (cede_sleep(CEDE_MILLISECOND) == 0)
        ticks++;
    return 0;
}

/* ---- wait ---- */

BOTH_TEST(wait_tells_the_status)
{
    struct cede_process process;
    int status = -1;

    ck_assert_int_eq(cede_process_spawn(&process, SH("exit 7"), NULL), 0);
    ck_assert_int_gt(process.pid, 0);
    errno = 123;
    ck_assert_int_eq(cede_process_wait(&process, &status), 0);
    ck_assert_int_eq(errno, 123);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    ck_assert_int_eq(process.status, status);
    ck_assert_int_eq(cede_process_wait(&process, &status), 0); /* again */
    ck_assert_fails(cede_process_kill(&process, 0), ESRCH);
    cede_process_close(&process);
    ck_assert_fails(cede_process_wait(&process, &status), ECHILD);
    ck_assert_int_eq(cede_process_spawn(&process, SH("kill -TERM $$"), NULL), 0);
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    ck_assert(WIFSIGNALED(process.status) && WTERMSIG(process.status) == SIGTERM);
    cede_process_close(&process);
    cede_process_close(&process); /* does nothing */
}

BOTH_TEST(others_run_meanwhile)
{
    struct cede_task *ticker = cede_spawn(tick, NULL);
    struct cede_process process;

    ticks = 0;
    ck_assert_int_eq(cede_process_spawn(&process, SH("sleep 0.2"), NULL), 0);
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    ck_assert_int_gt(ticks, 5);
    cede_process_close(&process);
    cede_cancel(ticker);
    cede_join(ticker, NULL);
}

static int wait_for(void *process)
{
    int status;

    return cede_process_wait(process, &status) == 0 ? WEXITSTATUS(status) : -1;
}

BOTH_TEST(several_may_wait)
{
    struct cede_process process;
    struct cede_task *tasks[3];
    int i;

    ck_assert_int_eq(cede_process_spawn(&process, SH("sleep 0.05; exit 3"), NULL), 0);
    for (i = 0; i < 3; i++)
        tasks[i] = cede_spawn(wait_for, &process);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 3);
    cede_process_close(&process);
}

BOTH_TEST(a_cancel_stops_the_process)
{
    struct cede_process process;
    struct cede_task *task;
    int before = count_descriptors();

    ck_assert_int_eq(cede_process_spawn(&process, SH("exec sleep 100"), NULL), 0);
    task = cede_spawn(wait_for, &process);
    cede_sleep(5 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_fails(cede_await(task), ECANCELED);
    ck_assert(WIFSIGNALED(process.status) && WTERMSIG(process.status) == SIGKILL);
    assert_no_children();
    cede_process_close(&process);
    ck_assert_int_eq(count_descriptors(), before);
}

/* What has ended keeps its result, whatever has become of the caller. */
static int wait_cancelled(void *process)
{
    cede_cancel(cede_self());
    ck_assert_fails(cede_yield(), ECANCELED);
    return wait_for(process);
}

BOTH_TEST(an_end_counts_more_than_a_cancel)
{
    struct cede_process process;
    siginfo_t info;

    ck_assert_int_eq(cede_process_spawn(&process, SH("exit 5"), NULL), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)process.pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(cede_await(cede_spawn(wait_cancelled, &process)), 5);
    cede_process_close(&process);
}

BOTH_TEST(a_deadline_leaves_it_running)
{
    struct cede_process process;

    ck_assert_int_eq(cede_process_spawn(&process, SH("exec sleep 100"), NULL), 0);
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_process_wait(&process, NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_process_kill(&process, 0), 0);
    ck_assert_int_eq(cede_process_kill(&process, SIGTERM), 0);
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    ck_assert_int_eq(WTERMSIG(process.status), SIGTERM);
    cede_process_close(&process);
}

static void read_line(int fd, char *line, size_t size)
{
    size_t used = 0;

    while (used + 1 < size && cede_read(fd, line + used, 1) == 1 && line[used] != '\n')
        used++;
    line[used] = '\0';
}

BOTH_TEST(close_asks_before_it_kills)
{
    struct cede_process_attr attr = {
        .out = CEDE_PROCESS_PIPE, .stop_signal = SIGTERM, .grace_ns = 30 * CEDE_SECOND, .group = 1};
    struct cede_process process;
    char line[16];

    ck_assert_int_eq(
        cede_process_spawn(&process, SH("trap 'exit 9' TERM; echo set; while :; do sleep 0.01; done"), &attr), 0);
    read_line(process.out, line, sizeof line);
    ck_assert_str_eq(line, "set");
    cede_process_close(&process);
    ck_assert_int_eq(process.status, 9 << 8);
    attr.grace_ns = 20 * CEDE_MILLISECOND;
    ck_assert_int_eq(cede_process_spawn(&process, SH("trap '' TERM; echo set; sleep 100"), &attr), 0);
    read_line(process.out, line, sizeof line);
    cede_process_close(&process);
    ck_assert(WIFSIGNALED(process.status) && WTERMSIG(process.status) == SIGKILL);
    ck_assert_int_eq(process.pid, 0);
    ck_assert_int_eq(process.out, -1);
}

/* The whole group ends: the pipe's last writer is not the shell but its child. */
BOTH_TEST(signals_go_to_the_group)
{
    const struct cede_process_attr attr = {.out = CEDE_PROCESS_PIPE, .group = 1};
    struct cede_process process;
    char line[16];

    ck_assert_int_eq(cede_process_spawn(&process, SH("sleep 100 & echo on; wait"), &attr), 0);
    read_line(process.out, line, sizeof line);
    ck_assert_str_eq(line, "on");
    ck_assert_int_eq(getpgid(process.pid), process.pid);
    ck_assert_int_eq(cede_process_kill(&process, SIGTERM), 0);
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    ck_assert_int_eq(cede_read(process.out, line, sizeof line), 0);
    cede_process_close(&process);
}

BOTH_TEST(a_stolen_status_is_told)
{
    struct cede_process process;

    ck_assert_int_eq(cede_process_spawn(&process, SH("exit 0"), NULL), 0);
    ck_assert_int_eq(waitpid(process.pid, NULL, 0), process.pid);
    ck_assert_fails(cede_process_wait(&process, NULL), ECHILD);
    ck_assert_fails(cede_process_wait(&process, NULL), ECHILD);
    ck_assert_fails(cede_process_kill(&process, SIGTERM), ESRCH);
    cede_process_close(&process);
}

TASK_TEST(kill_names_its_errors)
{
    struct cede_process process = {0};

    cede_process_close(&process); /* all zero: nothing */
    ck_assert_fails(cede_process_kill(&process, SIGTERM), ESRCH);
    ck_assert_fails(cede_process_wait(&process, NULL), ECHILD);
    ck_assert_int_eq(cede_process_spawn(&process, SH("exec sleep 100"), NULL), 0);
    ck_assert_fails(cede_process_kill(&process, 1000), EINVAL);
    cede_process_close(&process);
}

/* ---- spawn ---- */

TASK_TEST(spawn_names_its_errors)
{
    struct cede_process_attr attr = {0};
    struct cede_process process;
    int before = count_descriptors();

    if (harness_emulated("memory shared by vfork"))
        return;
    ck_assert_fails(cede_process_spawn(&process, NULL, NULL), EINVAL);
    ck_assert_fails(cede_process_spawn(&process, (char *[]){NULL}, NULL), EINVAL);
    ck_assert_fails(cede_process_spawn(&process, (char *[]){"/no/such/program", NULL}, &piped), ENOENT);
    ck_assert_int_eq(process.pid, 0);
    ck_assert_int_eq(process.in, -1);
    cede_process_close(&process);
    ck_assert_fails(cede_process_spawn(&process, (char *[]){"/etc/passwd", NULL}, &piped), EACCES);
    attr.out = 999;
    ck_assert_fails(cede_process_spawn(&process, SH("exit"), &attr), EBADF);
    attr.out = CEDE_PROCESS_MERGE;
    ck_assert_fails(cede_process_spawn(&process, SH("exit"), &attr), EINVAL);
    attr.out = -4;
    ck_assert_fails(cede_process_spawn(&process, SH("exit"), &attr), EINVAL);
    attr = (struct cede_process_attr){.cwd = "/no/such/directory", .in = CEDE_PROCESS_PIPE};
    ck_assert_fails(cede_process_spawn(&process, SH("exit"), &attr), ENOENT);
    attr = (struct cede_process_attr){.grace_ns = -1};
    ck_assert_fails(cede_process_spawn(&process, SH("exit"), &attr), EINVAL);
    attr = (struct cede_process_attr){.stop_signal = 1000};
    ck_assert_fails(cede_process_spawn(&process, SH("exit"), &attr), EINVAL);
    ck_assert_int_eq(count_descriptors(), before);
    assert_no_children();
}

TASK_TEST(spawn_may_lack_descriptors)
{
    struct rlimit limit, few;
    struct cede_process process;
    int fds[2], second, taken[4], i;

    for (i = 0; i < 4; i++) /* here, but not in the shell, which needs some */
        taken[i] = cede_open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0); /* the lowest that are free */
    second = fds[1];
    cede_close(fds[0]);
    cede_close(fds[1]);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)fds[0] + 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_fails(cede_process_spawn(&process, SH("exit"), &piped), EMFILE);
    few.rlim_cur = (rlim_t)fds[0];
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_int_eq(cede_process_spawn(&process, SH("exit 6"), NULL), 0); /* and no pidfd */
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    ck_assert_int_eq(WEXITSTATUS(process.status), 6);
    cede_process_close(&process);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0); /* nothing has stayed open */
    ck_assert_int_eq(fds[1], second);
    for (i = 0; i < 4; i++)
        cede_close(taken[i]);
}

/* Runs a script with these attributes and compares what it writes to its output. */
static void assert_output(char *script, const struct cede_process_attr *attr, const char *expected)
{
    struct cede_process_exchange exchange = {0};
    struct cede_process process;

    ck_assert_int_eq(cede_process_spawn(&process, SH(script), attr), 0);
    ck_assert_int_eq(cede_process_communicate(&process, &exchange), 0);
    ck_assert_str_eq(exchange.output, expected);
    free(exchange.output);
    free(exchange.error);
    cede_process_close(&process);
}

TASK_TEST(attributes_reach_the_process)
{
    assert_output("pwd", &(struct cede_process_attr){.out = CEDE_PROCESS_PIPE, .cwd = "/usr"}, "/usr\n");
    assert_output("echo $WORD$HOME",
                  &(struct cede_process_attr){.out = CEDE_PROCESS_PIPE, .env = (char *[]){"WORD=cede", NULL}},
                  "cede\n");
    assert_output("echo a; echo b >&2",
                  &(struct cede_process_attr){.out = CEDE_PROCESS_PIPE, .err = CEDE_PROCESS_MERGE}, "a\nb\n");
    assert_output("cat; echo end", &(struct cede_process_attr){.in = CEDE_PROCESS_NULL, .out = CEDE_PROCESS_PIPE},
                  "end\n");
    assert_output("echo $0", &(struct cede_process_attr){.path = "/bin/sh", .out = CEDE_PROCESS_PIPE}, "sh\n");
}

TASK_TEST(streams_may_be_descriptors)
{
    struct cede_process_attr attr = {.out = STDERR_FILENO, .err = STDOUT_FILENO}; /* swapped */
    struct cede_process process;
    char text[8] = "";
    int fds[2], saved_out, saved_err;

    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0);
    saved_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    saved_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    dup2(fds[1], STDOUT_FILENO);
    dup2(fds[1], STDERR_FILENO);
    ck_assert_int_eq(cede_process_spawn(&process, SH("echo a; echo b >&2"), &attr), 0);
    dup2(saved_out, STDOUT_FILENO);
    dup2(saved_err, STDERR_FILENO);
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    cede_process_close(&process);
    ck_assert_int_eq(cede_read(fds[0], text, sizeof text), 4);
    ck_assert_str_eq(text, "a\nb\n");
}

/* Without standard descriptors of its own the caller gets pipes with their numbers. */
TASK_TEST(low_numbers_are_not_in_the_way)
{
    struct cede_process_exchange exchange = {.input = "in", .input_size = 2};
    struct cede_process process;
    int saved[3], i;

    for (i = 0; i < 3; i++) {
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
        close(i);
    }
    ck_assert_int_eq(cede_process_spawn(&process, SH("cat; echo out; echo err >&2"), &piped), 0);
    ck_assert_int_eq(cede_process_communicate(&process, &exchange), 0);
    for (i = 0; i < 3; i++)
        dup2(saved[i], i);
    ck_assert_str_eq(exchange.output, "inout\n");
    ck_assert_str_eq(exchange.error, "err\n");
    free(exchange.output);
    free(exchange.error);
    cede_process_close(&process);
}

TASK_TEST(pipes_are_for_tasks)
{
    struct cede_task *ticker = cede_spawn(tick, NULL);
    struct cede_process process;
    char line[32];

    ck_assert_int_eq(cede_process_spawn(&process, SH("while read x; do sleep 0.1; echo got $x; done"), &piped), 0);
    ck_assert_int_eq(fcntl(process.in, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(cede_write(process.in, "one\n", 4), 4);
    ticks = 0;
    read_line(process.out, line, sizeof line);
    ck_assert_str_eq(line, "got one");
    ck_assert_int_gt(ticks, 3);
    cede_close(process.in);
    process.in = -1;
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    cede_process_close(&process);
    cede_cancel(ticker);
    cede_join(ticker, NULL);
}

/* ---- communicate ---- */

enum { BIG = 1 << 20 }; /* much more than fits into pipes */

TASK_TEST(communicate_fills_no_pipe)
{
    struct cede_process_exchange exchange = {.input_size = BIG};
    char *input = malloc(BIG);
    struct cede_process process;
    size_t i;

    for (i = 0; i < BIG; i++)
        input[i] = (char)(i * 7);
    exchange.input = input;
    ck_assert_int_eq(cede_process_spawn(&process, SH("tee /dev/stderr; exit 4"), &piped), 0);
    errno = 123;
    ck_assert_int_eq(cede_process_communicate(&process, &exchange), 0);
    ck_assert_int_eq(errno, 123);
    ck_assert_int_eq(WEXITSTATUS(exchange.status), 4);
    ck_assert_uint_eq(exchange.output_size, BIG);
    ck_assert_uint_eq(exchange.error_size, BIG);
    ck_assert_mem_eq(exchange.output, input, BIG);
    ck_assert_mem_eq(exchange.error, input, BIG);
    ck_assert_int_eq(process.in & process.out & process.err, -1);
    free(exchange.output);
    free(exchange.error);
    free(input);
    cede_process_close(&process);
}

TASK_TEST(input_that_nobody_reads_is_no_failure)
{
    struct cede_process_exchange exchange = {.input_size = BIG};
    struct cede_process process;

    exchange.input = calloc(1, BIG);
    ck_assert_int_eq(cede_process_spawn(&process, SH("exec <&-; echo done"), &piped), 0);
    ck_assert_int_eq(cede_process_communicate(&process, &exchange), 0);
    ck_assert_str_eq(exchange.output, "done\n");
    ck_assert_int_eq(exchange.status, 0);
    free(exchange.output);
    free(exchange.error);
    free((void *)exchange.input);
    cede_process_close(&process);
}

TASK_TEST(communicate_has_a_limit)
{
    struct cede_process_exchange exchange = {.limit = 5};
    struct cede_process process;

    ck_assert_int_eq(cede_process_spawn(&process, SH("printf 12345"), &piped), 0);
    ck_assert_int_eq(cede_process_communicate(&process, &exchange), 0);
    ck_assert_str_eq(exchange.output, "12345");
    free(exchange.output);
    free(exchange.error);
    cede_process_close(&process);
    ck_assert_int_eq(cede_process_spawn(&process, SH("printf 123456; exec sleep 100"), &piped), 0);
    ck_assert_fails(cede_process_communicate(&process, &exchange), EMSGSIZE);
    ck_assert_ptr_null(exchange.output);
    assert_no_children();
    cede_process_close(&process);
}

TASK_TEST(communicate_names_its_errors)
{
    struct cede_process_exchange exchange = {.input = "x", .input_size = 1};
    struct cede_process process = {0};

    ck_assert_fails(cede_process_communicate(&process, &exchange), ECHILD);
    ck_assert_int_eq(cede_process_spawn(&process, SH("exec sleep 100"), NULL), 0);
    ck_assert_fails(cede_process_communicate(&process, &exchange), EINVAL);
    assert_no_children();
    cede_process_close(&process);
    exchange.input_size = 0;
    ck_assert_int_eq(cede_process_spawn(&process, SH("exit 0"), NULL), 0);
    ck_assert_int_eq(waitpid(process.pid, NULL, 0), process.pid);
    ck_assert_fails(cede_process_communicate(&process, &exchange), ECHILD);
    cede_process_close(&process);
}

static int communicate(void *process)
{
    struct cede_process_exchange exchange = {0};

    return cede_process_communicate(process, &exchange);
}

TASK_TEST(communicate_that_ends_early_stops_the_process)
{
    struct cede_process process;
    struct cede_task *task;
    int before = count_descriptors();

    ck_assert_int_eq(cede_process_spawn(&process, SH("echo x; exec sleep 100"), &piped), 0);
    cede_timeout (50 * CEDE_MILLISECOND)
        ck_assert_fails(communicate(&process), ETIMEDOUT);
    assert_no_children();
    cede_process_close(&process);
    ck_assert_int_eq(cede_process_spawn(&process, SH("echo x; exec sleep 100"), &piped), 0);
    task = cede_spawn(communicate, &process);
    cede_sleep(20 * CEDE_MILLISECOND);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    assert_no_children();
    cede_process_close(&process);
    ck_assert_int_eq(count_descriptors(), before);
}

/* ---- outside a task ---- */

START_TEST(threads_may_use_processes)
{
    const struct cede_process_attr gentle = {.stop_signal = SIGTERM, .grace_ns = 10 * CEDE_MILLISECOND};
    struct cede_process_exchange exchange = {.input = "hello", .input_size = 5};
    struct cede_process process;
    int before = count_descriptors();

    ck_assert_int_eq(cede_process_spawn(&process, SH("cat; exit 2"), &piped), 0);
    ck_assert_int_eq(cede_process_communicate(&process, &exchange), 0);
    ck_assert_str_eq(exchange.output, "hello");
    ck_assert_int_eq(WEXITSTATUS(exchange.status), 2);
    free(exchange.output);
    free(exchange.error);
    cede_process_close(&process);
    ck_assert_int_eq(cede_process_spawn(&process, SH("exit 3"), NULL), 0);
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    ck_assert_int_eq(WEXITSTATUS(process.status), 3);
    cede_process_close(&process);
    ck_assert_int_eq(cede_process_spawn(&process, SH("trap '' TERM; sleep 100 & wait; wait"), &gentle), 0);
    cede_process_close(&process);
    assert_no_children();
    ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

Suite *suite(void)
{
    Suite *process = suite_create("process");
    TCase *cases = tcase_create("process");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, wait_tells_the_status, 0, 2);
    tcase_add_loop_test(cases, others_run_meanwhile, 0, 2);
    tcase_add_loop_test(cases, several_may_wait, 0, 2);
    tcase_add_loop_test(cases, a_cancel_stops_the_process, 0, 2);
    tcase_add_loop_test(cases, an_end_counts_more_than_a_cancel, 0, 2);
    tcase_add_loop_test(cases, a_deadline_leaves_it_running, 0, 2);
    tcase_add_loop_test(cases, close_asks_before_it_kills, 0, 2);
    tcase_add_loop_test(cases, signals_go_to_the_group, 0, 2);
    tcase_add_loop_test(cases, a_stolen_status_is_told, 0, 2);
    tcase_add_test(cases, kill_names_its_errors);
    tcase_add_test(cases, spawn_names_its_errors);
    tcase_add_test(cases, spawn_may_lack_descriptors);
    tcase_add_test(cases, attributes_reach_the_process);
    tcase_add_test(cases, streams_may_be_descriptors);
    tcase_add_test(cases, low_numbers_are_not_in_the_way);
    tcase_add_test(cases, pipes_are_for_tasks);
    tcase_add_test(cases, communicate_fills_no_pipe);
    tcase_add_test(cases, input_that_nobody_reads_is_no_failure);
    tcase_add_test(cases, communicate_has_a_limit);
    tcase_add_test(cases, communicate_names_its_errors);
    tcase_add_test(cases, communicate_that_ends_early_stops_the_process);
    tcase_add_test(cases, threads_may_use_processes);
    suite_add_tcase(process, cases);
    return process;
}
