/* SPDX-License-Identifier: MIT */
/* runtime/posix/sigmask.c: the signal mask that tasks of a thread have between them, while some wait for signals. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "handled.h"
#include "harness.h"

static sigset_t only(int signo)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    return set;
}

static int suspend(void *unused)
{
    sigset_t none;

    (void)unused;
    sigemptyset(&none);
    return sigsuspend(&none);
}

/* What fn leaves of the mask, when it has been called while another task was in sigsuspend(2), is left after that. */
static void assert_left(void (*fn)(void), bool blocked)
{
    struct cede_task *task = cede_spawn(suspend, NULL);
    sigset_t after;

    cede_yield();
    fn();
    kill(getpid(), SIGUSR1);
    ck_assert_int_eq(cede_await(task), -1);
    ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    ck_assert_int_eq(sigismember(&after, SIGUSR2), blocked);
    ck_assert_int_eq(sigismember(&after, SIGUSR1), 0);
}

static void block(void)
{
    sigset_t usr2 = only(SIGUSR2), before;

    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &usr2, &before), 0);
    ck_assert_int_eq(sigismember(&before, SIGUSR2), 0);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &before), 0);
    ck_assert_int_eq(sigismember(&before, SIGUSR2), 1);
}

static void block_by_thread(void)
{
    sigset_t usr2 = only(SIGUSR2);

    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &usr2, NULL), 0);
}

static void block_all_and_restore(void)
{
    sigset_t all, before;

    sigfillset(&all);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

TASK_TEST(what_another_task_blocks_stays_blocked)
{
    handle(SIGUSR1);
    handle(SIGUSR2);
    assert_left(block, true);
    raise(SIGUSR2);
    ck_assert_int_eq(handled, SIGUSR1);
}

TASK_TEST(what_another_task_blocks_by_pthread_sigmask_stays_blocked)
{
    handle(SIGUSR1);
    handle(SIGUSR2);
    assert_left(block_by_thread, true);
}

TASK_TEST(what_another_task_restores_is_restored)
{
    handle(SIGUSR1);
    handle(SIGUSR2);
    assert_left(block_all_and_restore, false);
}

/* As libc's own. */
static void nonsense(void)
{
    sigset_t none;

    sigemptyset(&none);
    errno = 0;
    ck_assert_int_eq(pthread_sigmask(77, &none, NULL), EINVAL);
    ck_assert_int_eq(errno, 0);
    ck_assert_fails(sigprocmask(77, &none, NULL), EINVAL);
}

TASK_TEST(nonsense_is_rejected)
{
    nonsense();
}

START_TEST(outside_a_task)
{
    nonsense();
    block();
}
END_TEST

Suite *suite(void)
{
    Suite *sigmask = suite_create("posix_sigmask");
    TCase *cases = tcase_create("posix_sigmask");

    tcase_set_timeout(cases, 20);
    tcase_add_test(cases, what_another_task_blocks_stays_blocked);
    tcase_add_test(cases, what_another_task_blocks_by_pthread_sigmask_stays_blocked);
    tcase_add_test(cases, what_another_task_restores_is_restored);
    tcase_add_test(cases, nonsense_is_rejected);
    tcase_add_test(cases, outside_a_task);
    suite_add_tcase(sigmask, cases);
    return sigmask;
}
