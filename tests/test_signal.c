/* SPDX-License-Identifier: MIT */
/* Signals as events, and the orderly end of a program. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "harness.h"

static sigset_t set_of(int one, int other)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, one);
    sigaddset(&set, other);
    return set;
}

static bool is_default(int signo)
{
    struct sigaction action;

    ck_assert_int_eq(sigaction(signo, NULL, &action), 0);
    return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
}

static int wait_for(void *set)
{
    siginfo_t info;
    int signo = cede_signal_wait(set, &info);

    if (signo > 0)
        ck_assert_int_eq(info.si_signo, signo);
    return signo;
}

static void send_signal(int signo)
{
    ck_assert_int_eq(kill(getpid(), signo), 0);
}

TASK_TEST(a_signal_ends_the_wait)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2);
    struct cede_task *task = cede_spawn(wait_for, &set);

    cede_yield();
    ck_assert(!is_default(SIGUSR1) && !is_default(SIGUSR2));
    send_signal(SIGUSR2);
    ck_assert_int_eq(cede_await(task), SIGUSR2);
    ck_assert(is_default(SIGUSR1) && is_default(SIGUSR2));
}

TASK_TEST(info_tells_the_sender)
{
    sigset_t set = set_of(SIGRTMIN, SIGRTMIN);
    siginfo_t info;

    ck_assert_int_eq(cede_signal_watch(&set), 0);
    ck_assert_int_eq(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 42}), 0);
    errno = 123;
    ck_assert_int_eq(cede_signal_wait(&set, &info), SIGRTMIN);
    ck_assert_int_eq(errno, 123);
    ck_assert_int_eq(info.si_pid, getpid());
    ck_assert_int_eq(info.si_value.sival_int, 42);
    ck_assert_int_eq(info.si_code, SI_QUEUE);
    ck_assert_int_eq(cede_signal_unwatch(&set), 0);
}

/* Each ends one wait, the longest that asks for it. */
TASK_TEST(several_wait)
{
    sigset_t one = set_of(SIGUSR1, SIGUSR1), other = set_of(SIGUSR2, SIGUSR2), both = set_of(SIGUSR1, SIGUSR2);
    struct cede_task *tasks[] = {cede_spawn(wait_for, &one), cede_spawn(wait_for, &both), cede_spawn(wait_for, &other)};

    cede_yield();
    send_signal(SIGUSR2);
    ck_assert_int_eq(cede_await(tasks[1]), SIGUSR2);
    ck_assert(!is_default(SIGUSR2));
    send_signal(SIGUSR2);
    ck_assert_int_eq(cede_await(tasks[2]), SIGUSR2);
    ck_assert(is_default(SIGUSR2));
    send_signal(SIGUSR1);
    ck_assert_int_eq(cede_await(tasks[0]), SIGUSR1);
}

TASK_TEST(watched_signals_are_kept)
{
    sigset_t set = set_of(SIGUSR1, SIGRTMIN + 1);
    siginfo_t info;
    int i, sum = 0, standard = 0;

    ck_assert_int_eq(cede_signal_watch(&set), 0);
    for (i = 0; i < 100; i++)
        ck_assert_int_eq(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}), 0);
    send_signal(SIGUSR1);
    send_signal(SIGUSR1);
    for (i = 0; i < 101; i++) {
        if (cede_signal_wait(&set, &info) == SIGUSR1)
            standard++;
        else
            ck_assert_int_eq(info.si_value.sival_int, sum++); /* in order */
    }
    ck_assert_int_eq(sum, 100);
    ck_assert_int_eq(standard, 1); /* the second one was the same while it was kept */
    cede_timeout (0)
        ck_assert_fails(cede_signal_wait(&set, NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_signal_watch(&set), 0);
    ck_assert_int_eq(cede_signal_unwatch(&set), 0);
    ck_assert(!is_default(SIGUSR1));
    ck_assert_int_eq(cede_signal_unwatch(&set), 0);
    ck_assert(is_default(SIGUSR1));
    ck_assert_fails(cede_signal_unwatch(&set), EINVAL);
}

static volatile sig_atomic_t handled;

static void handler(int signo)
{
    (void)signo;
    handled++;
}

/* What was there before comes back, with what nobody took. */
TASK_TEST(previous_actions_are_put_back)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR1);

    signal(SIGUSR1, handler);
    ck_assert_int_eq(cede_signal_watch(&set), 0);
    send_signal(SIGUSR1);
    ck_assert_int_eq(handled, 0);
    ck_assert_int_eq(cede_signal_unwatch(&set), 0);
    ck_assert_int_eq(handled, 1);
    send_signal(SIGUSR1);
    ck_assert_int_eq(handled, 2);
}

TASK_TEST(blocked_signals_are_let_through)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2), mask;
    struct cede_task *tasks[2];

    pthread_sigmask(SIG_BLOCK, &set, NULL);
    send_signal(SIGUSR1);
    ck_assert_int_eq(cede_signal_wait(&set, NULL), SIGUSR1); /* was pending */
    tasks[0] = cede_spawn(wait_for, &set);
    tasks[1] = cede_spawn(wait_for, &set);
    cede_yield();
    send_signal(SIGUSR2);
    ck_assert_int_eq(cede_await(tasks[0]), SIGUSR2);
    send_signal(SIGUSR1);
    ck_assert_int_eq(cede_await(tasks[1]), SIGUSR1);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert(sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGUSR2));
}

TASK_TEST(a_cancel_ends_the_wait)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR1);
    struct cede_task *task = cede_spawn(wait_for, &set);

    cede_yield();
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    ck_assert(is_default(SIGUSR1));
}

TASK_TEST(a_deadline_ends_the_wait)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR1);

    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_signal_wait(&set, NULL), ETIMEDOUT);
    ck_assert(is_default(SIGUSR1));
}

/* A signal that has come keeps its result, a cancel after it is for the next wait. */
TASK_TEST(what_has_come_is_not_lost)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR1);
    struct cede_task *task = cede_spawn(wait_for, &set);

    cede_yield();
    send_signal(SIGUSR1);
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), SIGUSR1);
}

TASK_TEST(nonsense_is_rejected)
{
    static const int nonsense[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    sigset_t set;
    size_t i;

    sigemptyset(&set);
    ck_assert_fails(cede_signal_wait(&set, NULL), EINVAL);
    ck_assert_fails(cede_signal_watch(&set), EINVAL);
    ck_assert_fails(cede_signal_wait(NULL, NULL), EINVAL);
    ck_assert_fails(cede_signal_watch(NULL), EINVAL);
    ck_assert_fails(cede_signal_unwatch(NULL), EINVAL);
    for (i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        set = set_of(SIGUSR1, nonsense[i]);
        ck_assert_fails(cede_signal_wait(&set, NULL), EINVAL);
        ck_assert_fails(cede_signal_watch(&set), EINVAL);
        ck_assert_fails(cede_signal_unwatch(&set), EINVAL);
        ck_assert_fails(cede_shutdown_on_signal(nonsense[i]), EINVAL);
    }
    ck_assert_fails(cede_shutdown_on_signal(0), EINVAL);
    ck_assert_fails(cede_shutdown_on_signal(1000), EINVAL);
}

START_TEST(outside_a_task)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2);
    siginfo_t info;

    ck_assert_fails(cede_signal_wait(NULL, NULL), EINVAL);
    ck_assert_fails(cede_signal_watch(&set), EPERM);
    ck_assert_fails(cede_signal_unwatch(&set), EPERM);
    ck_assert_fails(cede_shutdown_on_signal(SIGTERM), EPERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    send_signal(SIGUSR2);
    ck_assert_int_eq(cede_signal_wait(&set, &info), SIGUSR2);
    ck_assert_int_eq(info.si_signo, SIGUSR2);
}
END_TEST

/* ---- storm: two runtimes wait, a thread sends real-time signals; each arrives exactly once ---- */

enum { WAITERS = 8, SENT = 2000 };

static atomic_int arrived[SENT], received, ready;

static int storm_waiter(void *arg)
{
    sigset_t set = set_of(SIGRTMIN, SIGRTMIN);
    unsigned seed = (unsigned)(uintptr_t)arg;
    siginfo_t info;
    int signo = 0;

    while (received < SENT && cede_check() == 0) {
        cede_timeout (harness_random(&seed) % CEDE_MILLISECOND)
            signo = cede_signal_wait(&set, &info);
        if (signo > 0) {
            arrived[info.si_value.sival_int]++;
            received++;
        }
        if (harness_random(&seed) % 4 == 0)
            cede_yield();
    }
    return 0;
}

static int storm_runtime(void *arg)
{
    sigset_t set = set_of(SIGRTMIN, SIGRTMIN);
    struct cede_task *tasks[WAITERS];
    unsigned seed = (unsigned)(uintptr_t)arg;
    uintptr_t i;

    ck_assert_int_eq(cede_signal_watch(&set), 0);
    ready++;
    for (i = 0; i < WAITERS; i++)
        tasks[i] = cede_spawn(storm_waiter, (void *)((uintptr_t)arg + i + 1));
    while (received < SENT) { /* waiters go, and others come */
        ck_assert_int_eq(cede_sleep(harness_random(&seed) % 300000), 0);
        i = harness_random(&seed) % WAITERS;
        cede_cancel(tasks[i]);
        ck_assert_int_eq(cede_await(tasks[i]), 0);
        tasks[i] = cede_spawn(storm_waiter, (void *)(uintptr_t)(harness_random(&seed) | 1));
    }
    for (i = 0; i < WAITERS; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_int_eq(cede_signal_unwatch(&set), 0);
    return 0;
}

static void *storm_thread(void *arg)
{
    ck_assert_int_eq(cede_run(storm_runtime, arg), 0);
    return NULL;
}

START_TEST(storm)
{
    pthread_t threads[2];
    int i;

    for (i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, storm_thread, (void *)(uintptr_t)(100 * (i + 1))), 0);
    while (ready < 2)
        usleep(1000);
    for (i = 0; i < SENT; i++) {
        while (i - received > 200) /* as many as are kept, and some */
            usleep(100);
        while (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) != 0)
            usleep(1000);
    }
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < SENT; i++)
        ck_assert_int_eq(arrived[i], 1);
}
END_TEST

/* ---- shutdown ---- */

static int drain(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_shutdown_on_signal(SIGINT), 0);
    ck_assert_int_eq(cede_shutdown_on_signal(SIGTERM), 0);
    send_signal(SIGINT);
    if (cede_sleep(60 * CEDE_SECOND) != -1 || errno != ECANCELED)
        return -1;
    cede_shield
        if (cede_sleep(CEDE_MILLISECOND) != 0) /* to drain takes time */
            return -1;
    return 7;
}

START_TEST(the_first_signal_cancels)
{
    ck_assert_int_eq(cede_run(drain, NULL), 7);
    ck_assert_int_eq(cede_run(drain, NULL), 7); /* the next runtime gets a first signal of its own */
}
END_TEST

static int stay(void *unused)
{
    (void)unused;
    cede_shutdown_on_signal(SIGINT);
    cede_shutdown_on_signal(SIGTERM);
    send_signal(SIGINT);
    send_signal(SIGTERM);
    return 0;
}

static int return_at_once(void *unused)
{
    (void)unused;
    return cede_shutdown_on_signal(SIGTERM);
}

/* libcheck handles SIGINT and SIGTERM, and hands them on to its whole process group. */
static void run_stuck(void *unused)
{
    (void)unused;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    cede_run(stay, NULL);
}

static void run_and_outlive(void *unused)
{
    (void)unused;
    signal(SIGTERM, SIG_DFL);
    cede_run(return_at_once, NULL);
    send_signal(SIGTERM);
}

START_TEST(the_second_signal_kills)
{
    struct capture seen;

    capture_child(&seen, run_stuck, NULL);
    capture_assert_killed(&seen, SIGTERM);
}
END_TEST

START_TEST(after_the_run_signals_take_their_course)
{
    struct capture seen;

    capture_child(&seen, run_and_outlive, NULL);
    capture_assert_killed(&seen, SIGTERM);
    signal(SIGTERM, handler);
    ck_assert_int_eq(cede_run(return_at_once, NULL), 0);
    send_signal(SIGTERM);
    ck_assert_int_eq(handled, 1);
    send_signal(SIGTERM);
    ck_assert_int_eq(handled, 2);
}
END_TEST

Suite *suite(void)
{
    Suite *signals = suite_create("signal");
    TCase *cases = tcase_create("signal");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_signal_ends_the_wait);
    tcase_add_test(cases, info_tells_the_sender);
    tcase_add_test(cases, several_wait);
    tcase_add_test(cases, watched_signals_are_kept);
    tcase_add_test(cases, previous_actions_are_put_back);
    tcase_add_test(cases, blocked_signals_are_let_through);
    tcase_add_test(cases, a_cancel_ends_the_wait);
    tcase_add_test(cases, a_deadline_ends_the_wait);
    tcase_add_test(cases, what_has_come_is_not_lost);
    tcase_add_test(cases, nonsense_is_rejected);
    tcase_add_test(cases, outside_a_task);
    tcase_add_test(cases, storm);
    tcase_add_test(cases, the_first_signal_cancels);
    tcase_add_test(cases, the_second_signal_kills);
    tcase_add_test(cases, after_the_run_signals_take_their_course);
    suite_add_tcase(signals, cases);
    return signals;
}
