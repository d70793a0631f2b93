/* SPDX-License-Identifier: MIT */
/* runtime/child.c: waiting for children by the calls of POSIX; and the waits for signals of runtime/sigwait.c. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ends_early.h"
#include "fault.h"

/* ---- children ---- */

static pid_t child;

/* A child that ends with 7 when it is told to. */
static void start_child(void)
{
    child = fork();
    if (child == 0) {
        sigset_t set;
        int signo;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigwait(&set, &signo);
        _exit(7);
    }
    ck_assert_int_gt(child, 0);
}

static int end_child(void *unused)
{
    (void)unused;
    return kill(child, SIGUSR2);
}

static int seven(pid_t pid, int status)
{
    return pid < 0 ? -1 : pid == child && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static int by_waitpid(void *unused)
{
    int status = 0;
    pid_t pid = cede_waitpid(child, &status, 0);

    (void)unused;
    return seven(pid, status);
}

static int by_waiting_for_any(void *unused)
{
    int status = 0;
    pid_t pid = cede_waitpid(-1, &status, 0);

    (void)unused;
    return seven(pid, status);
}

static int by_wait4(void *unused)
{
    struct rusage usage;
    int status = 0;
    pid_t pid = cede_wait4(child, &status, 0, &usage);

    (void)unused;
    return seven(pid, status);
}

static int by_waitid(void *unused)
{
    siginfo_t info;

    (void)unused;
    return cede_waitid(P_PID, (id_t)child, &info, WEXITED) != 0 ? -1 : info.si_status;
}

static int by_waitid_for_any(void *unused)
{
    siginfo_t info;

    (void)unused;
    return cede_waitid(P_ALL, 0, &info, WEXITED) != 0 ? -1 : info.si_status;
}

TASK_TEST(children_are_waited_for)
{
    static cede_task_fn *const waits[] = {by_waitpid, by_waiting_for_any, by_wait4, by_waitid, by_waitid_for_any};
    sigset_t set;
    size_t i;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        start_child();
        ck_assert_int_eq(cede_waitpid(child, NULL, WNOHANG), 0);
        assert_ends_early(waits[i], NULL);
        ck_assert_int_eq(beside(waits[i], NULL, end_child, NULL), 7);
        ck_assert_fails(waits[i](NULL), ECHILD);
    }
    ck_assert_fails(cede_waitpid(-1, NULL, 0x40000), EINVAL);
    ck_assert_fails(cede_wait4(-1, NULL, 0x40000, NULL), EINVAL);
    ck_assert_fails(cede_waitid(P_ALL, 0, NULL, 0), EINVAL);
}

TASK_TEST(stops_are_waited_for)
{
    int status;

    start_child();
    kill(child, SIGSTOP);
    ck_assert_int_eq(cede_waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    kill(child, SIGKILL);
    ck_assert_int_eq(cede_waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
}

/* ---- system ---- */

static int by_system(void *unused)
{
    (void)unused;
    return cede_system("exec sleep 10");
}

TASK_TEST(commands_run_beside_tasks)
{
    struct sigaction before, after;
    int status;

    sigaction(SIGINT, NULL, &before);
    status = cede_system("sleep 0.02; exit 7");
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    ck_assert_int_eq(cede_system(NULL), 1);
    assert_ends_early(by_system, NULL);
    sigaction(SIGINT, NULL, &after);
    ck_assert(before.sa_handler == after.sa_handler);
    ck_assert_fails(cede_waitpid(-1, NULL, WNOHANG), ECHILD); /* none is left */
}

TASK_TEST(statuses_that_nobody_keeps)
{
    signal(SIGCHLD, SIG_IGN);
    ck_assert_fails(cede_system("exit 0"), ECHILD);
}

/* ---- signals ---- */

static sigset_t usr1;
static int handled;

static void on_signal(int signo)
{
    handled = signo;
}

static int send_it(void *unused)
{
    (void)unused;
    return kill(getpid(), SIGUSR1);
}

static int by_sigtimedwait(void *unused)
{
    (void)unused;
    return cede_sigtimedwait(&usr1, NULL, NULL);
}

TASK_TEST(blocked_signals_are_waited_for)
{
    static const struct timespec shortly = {.tv_nsec = 3000000}, nothing = {0}, wrong = {.tv_nsec = -1};
    siginfo_t info;

    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    assert_ends_early(by_sigtimedwait, NULL);
    ck_assert_int_eq(beside(by_sigtimedwait, NULL, send_it, NULL), SIGUSR1);
    ck_assert_fails(cede_sigtimedwait(&usr1, &info, &shortly), EAGAIN);
    ck_assert_fails(cede_sigtimedwait(&usr1, &info, &nothing), EAGAIN);
    ck_assert_fails(cede_sigtimedwait(&usr1, &info, &wrong), EINVAL);
    send_it(NULL);
    ck_assert_int_eq(cede_sigtimedwait(&usr1, &info, &shortly), SIGUSR1);
    ck_assert_int_eq(info.si_pid, getpid());
}

static int waits_without_a_descriptor(void *error)
{
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    ck_assert_fails(cede_sigtimedwait(&usr1, NULL, NULL), *(const int *)error);
    return 0;
}

static const int no_descriptor[] = {EMFILE, ENFILE};

START_TEST(no_descriptor_for_a_signal)
{
    if (fault_inject(SYS_signalfd4, no_descriptor[_i]))
        ck_assert_int_eq(cede_run(waits_without_a_descriptor, (void *)&no_descriptor[_i]), 0);
}
END_TEST

static int handle_and_end_child(void *restart)
{
    cede_signal_handled(restart != NULL);
    ck_assert_int_eq(cede_sleep(2 * CEDE_MILLISECOND), 0);
    return end_child(NULL);
}

/* As with waitpid(2), SA_RESTART decides: above all for SIGCHLD, whose handler runs just before the status comes. */
TASK_TEST(handlers_end_a_wait_for_a_child_unless_they_restart)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    start_child();
    ck_assert_int_eq(beside(by_waitpid, NULL, handle_and_end_child, &child), 7);
    start_child();
    ck_assert_int_eq(beside(by_waitid, NULL, handle_and_end_child, &child), 7);
    start_child();
    ck_assert_fails(beside(by_waitpid, NULL, handle_and_end_child, NULL), EINTR);
    ck_assert_int_eq(by_waitpid(NULL), 7);
}

static int by_pause(void *unused)
{
    (void)unused;
    return cede_pause();
}

static int by_sigsuspend(void *unused)
{
    sigset_t none;

    (void)unused;
    sigemptyset(&none);
    return cede_sigsuspend(&none);
}

TASK_TEST(handlers_end_a_pause)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigset_t before, after;

    sigaction(SIGUSR1, &action, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_ends_early(by_pause, NULL);
    ck_assert_int_eq(handled, 0);
    ck_assert_int_eq(beside(by_pause, NULL, send_it, NULL), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(handled, SIGUSR1);
    assert_ends_early(by_sigsuspend, NULL);
    handled = 0;
    ck_assert_int_eq(beside(by_sigsuspend, NULL, send_it, NULL), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(handled, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_mem_eq(&before, &after, 8);
}

static int block_and_send(void *unused)
{
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    return send_it(unused);
}

TASK_TEST(a_mask_that_is_set_beside_a_pause_stays)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigset_t after;

    sigaction(SIGUSR1, &action, NULL);
    ck_assert_int_eq(beside(by_pause, NULL, block_and_send, NULL), -1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&after, SIGUSR2), 1);
    ck_assert_int_eq(sigismember(&after, SIGUSR1), 0);
}

/* What the mask is for the program: 1 where the signal is blocked. */
static int blocks(int signo)
{
    sigset_t mask;

    ck_assert_int_eq(cede_sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    return sigismember(&mask, signo);
}

static void mask_one(int how, int signo)
{
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, signo);
    ck_assert_int_eq(cede_sigprocmask(how, &one, NULL), 0);
}

/* SIGUSR2 has a handler, too, and its mask is changed while another task waits. */
static int block_handled_and_send(void *unused)
{
    ck_assert_int_eq(blocks(SIGUSR2), 0);
    mask_one(SIG_BLOCK, SIGUSR2);
    ck_assert_int_eq(blocks(SIGUSR2), 1);
    return send_it(unused);
}

static int block_and_restore(void *unused)
{
    sigset_t all, before;

    sigfillset(&all);
    ck_assert_int_eq(cede_sigprocmask(SIG_SETMASK, &all, &before), 0);
    ck_assert_int_eq(cede_sigprocmask(SIG_SETMASK, &before, NULL), 0);
    return send_it(unused);
}

static int unblock_and_send(void *unused)
{
    mask_one(SIG_UNBLOCK, SIGUSR2);
    ck_assert_int_eq(blocks(SIGUSR2), 0);
    return send_it(unused);
}

static void handle_both(void)
{
    const struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
}

TASK_TEST(what_is_blocked_beside_a_pause_stays_blocked)
{
    handle_both();
    ck_assert_int_eq(beside(by_pause, NULL, block_handled_and_send, NULL), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(blocks(SIGUSR2), 1);
    ck_assert_int_eq(blocks(SIGUSR1), 0);
    handled = 0;
    raise(SIGUSR2);
    ck_assert_int_eq(handled, 0);
    ck_assert_int_eq(beside(by_pause, NULL, unblock_and_send, NULL), -1);
    ck_assert_int_ne(handled, 0);
    ck_assert_int_eq(blocks(SIGUSR2), 0);
}

TASK_TEST(a_mask_that_is_restored_beside_a_sigsuspend_is_as_before)
{
    sigset_t before, after;

    handle_both();
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(beside(by_sigsuspend, NULL, block_and_restore, NULL), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(handled, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_mem_eq(&before, &after, 8);
}

/* A signal that the wait lets through is the wait's, whatever is done beside it. */
static int unblock_what_is_pending(void *unused)
{
    mask_one(SIG_BLOCK, SIGUSR1);
    send_it(unused);
    mask_one(SIG_UNBLOCK, SIGUSR1);
    ck_assert_int_eq(handled, 0);
    return 0;
}

/* One that it does not is its handler's, at once. */
static int unblock_another_that_is_pending(void *unused)
{
    mask_one(SIG_BLOCK, SIGUSR2);
    raise(SIGUSR2);
    mask_one(SIG_UNBLOCK, SIGUSR2);
    ck_assert_int_eq(handled, SIGUSR2);
    handled = 0;
    return unblock_what_is_pending(unused);
}

static int by_sigsuspend_without_usr2(void *unused)
{
    sigset_t mask;

    (void)unused;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    return cede_sigsuspend(&mask);
}

TASK_TEST(what_is_unblocked_beside_a_sigsuspend)
{
    handle_both();
    ck_assert_int_eq(beside(by_sigsuspend, NULL, unblock_what_is_pending, NULL), -1);
    ck_assert_int_eq(handled, SIGUSR1);
    handled = 0;
    ck_assert_int_eq(beside(by_sigsuspend_without_usr2, NULL, unblock_another_that_is_pending, NULL), -1);
    ck_assert_int_eq(handled, SIGUSR1);
    ck_assert_int_eq(blocks(SIGUSR1), 0);
    ck_assert_int_eq(blocks(SIGUSR2), 0);
}

/* A wait for the same signal takes it meanwhile; what comes later is the sigsuspend's again. */
static int wait_beside(void *unused)
{
    cede_timeout (3 * CEDE_MILLISECOND)
        ck_assert_fails(cede_signal_wait(&usr1, NULL), ETIMEDOUT);
    ck_assert_int_eq(blocks(SIGUSR1), 0);
    ck_assert_int_eq(handled, 0);
    return send_it(unused);
}

static int block_and_wait_beside(void *unused)
{
    mask_one(SIG_BLOCK, SIGUSR1);
    cede_timeout (3 * CEDE_MILLISECOND)
        ck_assert_fails(cede_signal_wait(&usr1, NULL), ETIMEDOUT);
    ck_assert_int_eq(blocks(SIGUSR1), 1);
    return send_it(unused);
}

TASK_TEST(a_signal_wait_beside_a_sigsuspend_leaves_it_its_signal)
{
    handle_both();
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    ck_assert_int_eq(beside(by_sigsuspend, NULL, wait_beside, NULL), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(handled, SIGUSR1);
    ck_assert_int_eq(blocks(SIGUSR1), 0);
    handled = 0;
    ck_assert_int_eq(beside(by_sigsuspend, NULL, block_and_wait_beside, NULL), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(handled, SIGUSR1);
    ck_assert_int_eq(blocks(SIGUSR1), 1);
}

/* In a child the others' waits are not. */
static int fork_beside(void *unused)
{
    sigset_t mask;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        _exit(sigismember(&mask, SIGUSR2));
    }
    ck_assert_int_eq(cede_waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    return send_it(unused);
}

TASK_TEST(a_child_does_not_block_what_a_pause_of_its_parent_does)
{
    handle_both();
    ck_assert_int_eq(beside(by_pause, NULL, fork_beside, NULL), -1);
    ck_assert_int_eq(errno, EINTR);
}

TASK_TEST(masks_that_make_no_sense)
{
    sigset_t none;

    sigemptyset(&none);
    ck_assert_fails(cede_sigprocmask(77, &none, NULL), EINVAL);
    ck_assert_fails(cede_sigsuspend(NULL), EFAULT);
}

Suite *suite(void)
{
    Suite *waits = suite_create("child");
    TCase *cases = tcase_create("child");

    tcase_set_timeout(cases, 20);
    tcase_add_test(cases, children_are_waited_for);
    tcase_add_test(cases, stops_are_waited_for);
    tcase_add_test(cases, commands_run_beside_tasks);
    tcase_add_test(cases, statuses_that_nobody_keeps);
    tcase_add_loop_test(cases, no_descriptor_for_a_signal, 0, 2);
    tcase_add_test(cases, blocked_signals_are_waited_for);
    tcase_add_test(cases, handlers_end_a_wait_for_a_child_unless_they_restart);
    tcase_add_test(cases, handlers_end_a_pause);
    tcase_add_test(cases, a_mask_that_is_set_beside_a_pause_stays);
    tcase_add_test(cases, what_is_blocked_beside_a_pause_stays_blocked);
    tcase_add_test(cases, a_mask_that_is_restored_beside_a_sigsuspend_is_as_before);
    tcase_add_test(cases, what_is_unblocked_beside_a_sigsuspend);
    tcase_add_test(cases, a_signal_wait_beside_a_sigsuspend_leaves_it_its_signal);
    tcase_add_test(cases, a_child_does_not_block_what_a_pause_of_its_parent_does);
    tcase_add_test(cases, masks_that_make_no_sense);
    suite_add_tcase(waits, cases);
    return waits;
}
