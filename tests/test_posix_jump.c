/* SPDX-License-Identifier: MIT */
/* Jumps out of signal handlers that have interrupted calls. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cede/posix.h>

#include "harness.h"

static sigjmp_buf here;
static volatile sig_atomic_t handled;
static int fds[2];

static void jump(int signo)
{
    (void)signo;
    handled++;
    siglongjmp(here, 1);
}

static void install(int signo, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(signo, &action, NULL), 0);
}

static void set_alarm(int us)
{
    const struct itimerval timer = {.it_value.tv_usec = us};

    setitimer(ITIMER_REAL, &timer, NULL);
}

/* ---- other tasks, which must go on ---- */

static bool stop;
static int ticks;

static int tick(void *unused)
{
    (void)unused;
    while (!stop) {
        ck_assert_int_eq(usleep(500), 0);
        ticks++;
    }
    return 0;
}

struct echo {
    int fd;
};

static int echo(struct echo *a)
{
    char buffer[256];
    ssize_t n;

    while ((n = read(a->fd, buffer, sizeof buffer)) > 0)
        ck_assert_int_eq(write(a->fd, buffer, (size_t)n), n);
    return close(a->fd);
}

/* What is waited for works as if nothing had been. */
static void all_is_well(void)
{
    struct cede_task *task;
    char buffer[8] = "";
    int ways[2], status;
    pid_t child;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ways), 0);
    task = cede_go(echo, .fd = ways[1]);
    ck_assert_int_eq(write(ways[0], "hello", 5), 5);
    ck_assert_int_eq(read(ways[0], buffer, sizeof buffer), 5);
    ck_assert_str_eq(buffer, "hello");
    ck_assert_int_eq(close(ways[0]), 0);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_ge(child = fork(), 0);
    if (child == 0) {
        usleep(1000);
        _exit(3);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 3 << 8);
}

/* ---- each sort of call ---- */

static void call_read(void)
{
    char byte;

    ck_assert_int_lt(read(fds[0], &byte, 1), 0);
}

static void call_poll(void)
{
    struct pollfd polled[3] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLPRI}, {.fd = -1}};

    ck_assert_int_lt(poll(polled, 3, 60000), 0);
}

static void call_select(void)
{
    struct timeval timeout = {.tv_sec = 60};
    fd_set set;

    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    ck_assert_int_lt(select(fds[0] + 1, &set, NULL, NULL, &timeout), 0);
}

static void call_nanosleep(void)
{
    const struct timespec duration = {.tv_sec = 60};

    ck_assert_int_lt(nanosleep(&duration, NULL), 0);
}

static void call_pause(void)
{
    pause();
}

static void call_wait(void)
{
    int status;

    wait(&status);
}

static void call_fgets(void)
{
    static FILE *file;
    char line[80];

    if (!file)
        file = fdopen(fds[0], "r");
    ck_assert_ptr_null(fgets(line, sizeof line, file));
}

static void call_compute(void)
{
    static volatile unsigned n;

    for (;;)
        n++;
}

static void (*const calls[])(void) = {
    call_read, call_poll, call_select, call_nanosleep, call_pause, call_wait, call_compute, call_fgets,
};

enum { CALLS = sizeof calls / sizeof *calls };

/* Its call is left by a jump, again and again. */
static void leave(int index, int flags)
{
    volatile int round;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) /* for call_wait() */
        for (;;)
            pause();
    ck_assert_int_eq(pipe(fds), 0);
    install(SIGALRM, jump, flags);
    handled = 0;
    for (round = 0; round < 20; round++) {
        if (sigsetjmp(here, 1) == 0) {
            set_alarm(3000);
            calls[index]();
            ck_abort_msg("no jump");
        }
        ck_assert_int_eq(handled, round + 1);
    }
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* fgets waits in the kernel where libc's entries lead nowhere. */
static bool can_leave(int index)
{
    return calls[index] != call_fgets || !cede_posix_symbols_only();
}

struct leaver {
    int index, flags;
    bool others;
};

static int leaver(struct leaver *a)
{
    struct cede_task *ticker = NULL;

    stop = false;
    if (a->others)
        ticker = cede_spawn(tick, NULL);
    leave(a->index, a->flags);
    stop = true;
    if (ticker)
        ck_assert_int_eq(cede_await(ticker), 0);
    all_is_well();
    return 0;
}

static int leave_as_first_task(void *arg)
{
    return leaver(arg);
}

START_TEST(each_call_can_be_left)
{
    struct leaver alone = {.index = _i}, beside = {.index = _i, .flags = SA_RESTART, .others = true};

    if (!can_leave(_i))
        return;
    ck_assert_int_eq(cede_run(leave_as_first_task, &alone), 0);
    ck_assert_int_eq(cede_run(leave_as_first_task, &beside), 0);
}
END_TEST

/* ---- at any moment ---- */

/* AddressSanitizer's longjmp asks for the stack's bounds, which it does not know during a switch. */
#ifndef HARNESS_SANITIZED

/* Signals come while calls are in the midst of anything. What was not left is whole. */
TASK_TEST(a_storm_of_jumps)
{
    struct cede_task *task, *ticker = cede_spawn(tick, NULL);
    volatile int round, rounds = 4000, whole = 0, failed = 0;
    unsigned state = 7;
    char buffer[64];
    int ways[2];

    install(SIGALRM, jump, SA_RESTART);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ways), 0);
    task = cede_go(echo, .fd = ways[1]);
    for (round = 0; round < rounds; round++)
        if (sigsetjmp(here, 1) == 0) {
            set_alarm(1 + (int)(harness_random(&state) % 150));
            /* Nothing but calls that may be left: not libcheck, which takes a lock. */
            while (write(ways[0], "0123456789", 10) == 10 && read(ways[0], buffer, sizeof buffer) > 0)
                whole++;
            failed = 1;
        }
    ck_assert_int_eq(failed, 0);
    ck_assert_int_eq(handled, rounds);
    ck_assert_int_gt(whole, 0);
    ck_assert_int_eq(shutdown(ways[0], SHUT_WR), 0);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(close(ways[0]), 0);
    stop = true;
    ck_assert_int_eq(cede_await(ticker), 0);
    ck_assert_int_gt(ticks, 0);
    all_is_well();
}
#endif

/* ---- the handler ---- */

#ifndef HARNESS_SANITIZED /* AddressSanitizer may put the jmp_buf elsewhere than on the stack */
static void jump_inside(int signo)
{
    jmp_buf own;
    volatile int count = 0;

    (void)signo;
    if (setjmp(own) < 3) {
        count++;
        longjmp(own, count);
    }
    handled += count;
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

/* A handler may jump inside itself, and make calls. */
TASK_TEST(a_jump_inside_the_handler_is_made_there)
{
    char byte;

    ck_assert_int_eq(pipe(fds), 0);
    install(SIGALRM, jump_inside, SA_RESTART);
    set_alarm(3000);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(handled, 3);
}
#endif

static struct cede_task *seen;

static void note_self(int signo)
{
    (void)signo;
    seen = cede_self();
    handled++;
}

static void raise_and_wait(int signo)
{
    (void)signo;
    raise(SIGUSR1);
    ck_abort_msg("the inner handler has jumped");
}

TASK_TEST(a_handler_that_interrupts_another_leaves_both)
{
    char byte;

    ck_assert_int_eq(pipe(fds), 0);
    install(SIGALRM, raise_and_wait, 0);
    install(SIGUSR1, jump, 0);
    if (sigsetjmp(here, 1) == 0) {
        set_alarm(3000);
        (void)!read(fds[0], &byte, 1);
        ck_abort_msg("no jump");
    }
    ck_assert_int_eq(handled, 1);
    all_is_well();
}

/* While all wait, a handler runs in no task. */
TASK_TEST(no_task_runs_in_a_handler_that_interrupts_waiting)
{
    char byte;

    ck_assert_int_eq(pipe(fds), 0);
    install(SIGALRM, note_self, 0);
    set_alarm(3000);
    ck_assert_fails(read(fds[0], &byte, 1), EINTR);
    ck_assert_int_eq(handled, 1);
    ck_assert_ptr_null(seen);
    raise(SIGALRM);
    ck_assert_ptr_eq(seen, cede_self());
}

/* ---- whose it is ---- */

struct limited {
    int fd;
};

/* What old code does to give a call a time limit. */
static int limited(struct limited *a)
{
    char byte;

    install(SIGALRM, jump, 0);
    if (sigsetjmp(here, 1) == 0) {
        set_alarm(3000);
        (void)!read(a->fd, &byte, 1);
        return 1;
    }
    return 0;
}

TASK_TEST(the_jump_is_that_of_the_task_that_installed_the_handler)
{
    struct cede_task *ticker = cede_spawn(tick, NULL);

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(cede_await(cede_go(limited, .fd = fds[0])), 0); /* the first task waits, too, and longer */
    stop = true;
    ck_assert_int_eq(cede_await(ticker), 0);
    all_is_well();
}

static void wait_and_jump(int signo)
{
    usleep(5000); /* others run, and are interrupted as well */
    jump(signo);
}

static int read_until_jump(void *unused)
{
    struct cede_task *const self = cede_self();
    char byte;

    (void)unused;
    install(SIGUSR1, wait_and_jump, 0);
    if (sigsetjmp(here, 1) == 0) {
        (void)!read(fds[0], &byte, 1);
        return 1;
    }
    return cede_self() == self ? 0 : 2;
}

static int raise_first(void *unused)
{
    (void)unused;
    return raise(SIGUSR1);
}

static int raise_second(void *unused)
{
    (void)unused;
    usleep(2000);
    return raise(SIGUSR2);
}

/* A handler that waits is one still when another, of another task, has come and gone. */
TASK_TEST(a_handler_that_waits_is_not_forgotten)
{
    struct cede_task *reader, *first, *second;

    ck_assert_int_eq(pipe(fds), 0);
    install(SIGUSR2, note_self, SA_RESTART);
    reader = cede_spawn(read_until_jump, NULL);
    usleep(1000);
    first = cede_spawn(raise_first, NULL);
    second = cede_spawn(raise_second, NULL);
    ck_assert_int_eq(cede_await(reader), 0);
    ck_assert_int_eq(cede_await(first), 0);
    ck_assert_int_eq(cede_await(second), 0);
    ck_assert_ptr_eq(seen, second);
    all_is_well();
}

static int install_only(void *unused)
{
    (void)unused;
    install(SIGALRM, jump, 0);
    return 0;
}

static int jump_to_nobody(void *unused)
{
    char byte;

    (void)unused;
    ck_assert_int_eq(pipe(fds), 0);
    cede_await(cede_spawn(install_only, NULL));
    if (sigsetjmp(here, 1) == 0) {
        set_alarm(3000);
        (void)!read(fds[0], &byte, 1);
    }
    return 0;
}

START_TEST(a_jump_to_a_task_that_has_ended_is_reported)
{
    const struct rlimit no_core = {0, 0};
    char text[512] = "";
    int said[2], status;
    pid_t child;

    ck_assert_int_eq(pipe(said), 0);
    ck_assert_int_ge(child = fork(), 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(said[1], STDERR_FILENO);
        cede_run(jump_to_nobody, NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_int_gt(read(said[0], text, sizeof text - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, "the one that did has ended"));
}
END_TEST

/* ---- threads that run no tasks ---- */

START_TEST(without_a_runtime_a_jump_is_libcs)
{
    volatile int round;
    char byte;

    ck_assert_int_eq(pipe(fds), 0);
    install(SIGALRM, jump, 0);
    for (round = 0; round < 3; round++)
        if (sigsetjmp(here, 1) == 0) {
            set_alarm(3000);
            (void)!read(fds[0], &byte, 1);
            ck_abort_msg("no jump");
        }
    ck_assert_int_eq(handled, 3);
}
END_TEST

/* ---- cede_signal_jumped() ---- */

static int read_once(void *fd)
{
    char byte;

    return (int)read(*(int *)fd, &byte, 1) < 0 ? errno : 0;
}

TASK_TEST(one_task_can_be_interrupted)
{
    struct cede_task *tasks[2];
    int i, ended;

    ck_assert_int_eq(pipe(fds), 0);
    for (i = 0; i < 2; i++)
        tasks[i] = cede_spawn(read_once, &fds[0]);
    usleep(1000);
    ck_assert_int_eq(cede_signal_jumped(tasks[1]), 0);
    ck_assert_int_eq(cede_await(tasks[1]), EINTR);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(tasks[0]), 0);
    ck_assert_fails(cede_signal_jumped(tasks[0]), ESRCH);
    /* Before it waits, and taken back. */
    ck_assert_int_eq(cede_signal_jumped(cede_self()), 0);
    ended = read_once(&fds[0]);
    ck_assert_int_eq(ended, EINTR);
    ck_assert_int_eq(cede_signal_jumped(cede_self()), 0);
    ck_assert_int_eq(cede_signal_jumped(NULL), 0);
    ck_assert_int_eq(usleep(1000), 0);
}

START_TEST(outside_a_runtime_there_is_nothing_to_interrupt)
{
    ck_assert_fails(cede_signal_jumped(NULL), EPERM);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("posix_jump");
    TCase *t = tcase_create("posix_jump");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_call_can_be_left, 0, CALLS);
#ifndef HARNESS_SANITIZED
    tcase_add_test(t, a_storm_of_jumps);
    tcase_add_test(t, a_jump_inside_the_handler_is_made_there);
#endif
    tcase_add_test(t, a_handler_that_interrupts_another_leaves_both);
    tcase_add_test(t, no_task_runs_in_a_handler_that_interrupts_waiting);
    tcase_add_test(t, the_jump_is_that_of_the_task_that_installed_the_handler);
    tcase_add_test(t, a_handler_that_waits_is_not_forgotten);
    tcase_add_test(t, a_jump_to_a_task_that_has_ended_is_reported);
    tcase_add_test(t, without_a_runtime_a_jump_is_libcs);
    tcase_add_test(t, one_task_can_be_interrupted);
    tcase_add_test(t, outside_a_runtime_there_is_nothing_to_interrupt);
    suite_add_tcase(s, t);
    return s;
}
