/* SPDX-License-Identifier: MIT */
/* runtime/epoll.c; and pselect, of runtime/select.c. */
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ends_early.h"
#include "fault.h"

static int fds[2], epfd;
static struct epoll_event event;

static void open_all(void)
{
    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    epfd = epoll_create1(0);
    ck_assert_int_ge(epfd, 0);
    event = (struct epoll_event){.events = EPOLLIN, .data.u64 = 42};
    ck_assert_int_eq(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[0], &event), 0);
    event.data.u64 = 0;
}

static int put(void *unused)
{
    (void)unused;
    return write(fds[1], "x", 1) == 1 ? 0 : -1;
}

static int by_wait(void *unused)
{
    (void)unused;
    return cede_epoll_wait(epfd, &event, 1, -1);
}

static int by_pwait(void *unused)
{
    (void)unused;
    return cede_epoll_pwait(epfd, &event, 1, 10000, NULL);
}

static int by_pwait2(void *unused)
{
    static const struct timespec long_time = {.tv_sec = 10};

    (void)unused;
    return cede_epoll_pwait2(epfd, &event, 1, &long_time, NULL);
}

static int by_pselect(void *unused)
{
    fd_set set;

    (void)unused;
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    return cede_pselect(fds[0] + 1, &set, NULL, NULL, NULL, NULL);
}

static cede_task_fn *const waits[] = {by_wait, by_pwait, by_pwait2, by_pselect};

TASK_TEST(events_end_the_wait)
{
    char byte;
    size_t i;

    open_all();
    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(beside(waits[i], NULL, put, NULL), 1);
        ck_assert_int_eq(waits[i](NULL), 1); /* level-triggered: still there */
        ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    }
    ck_assert_uint_eq(event.data.u64, 42);
}

TASK_TEST(waits_end_early)
{
    size_t i;

    open_all();
    for (i = 0; i < 4; i++)
        assert_ends_early(waits[i], NULL);
}

TASK_TEST(time_limits)
{
    static const struct timespec shortly = {.tv_nsec = 5000000}, nothing = {0}, wrong = {.tv_nsec = -1};
    int64_t began = cede_now();
    fd_set set;

    open_all();
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    ck_assert_int_eq(cede_epoll_wait(epfd, &event, 1, 0), 0);
    ck_assert_int_eq(cede_epoll_wait(epfd, &event, 1, 5), 0);
    ck_assert_int_eq(cede_epoll_pwait2(epfd, &event, 1, &shortly, NULL), 0);
    ck_assert_int_eq(cede_pselect(fds[0] + 1, &set, NULL, NULL, &shortly, NULL), 0);
    ck_assert_int_ge(cede_now() - began, 15 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_epoll_pwait2(epfd, &event, 1, &nothing, NULL), 0);
    ck_assert_fails(cede_epoll_pwait2(epfd, &event, 1, &wrong, NULL), EINVAL);
    ck_assert_fails(cede_pselect(0, NULL, NULL, NULL, &wrong, NULL), EINVAL);
    ck_assert_fails(cede_pselect(-1, NULL, NULL, NULL, &nothing, NULL), EINVAL);
    ck_assert_fails(cede_epoll_wait(-1, &event, 1, -1), EBADF);
    ck_assert_fails(cede_epoll_wait(fds[0], &event, 1, -1), EINVAL);
    ck_assert_fails(cede_epoll_wait(epfd, &event, 0, -1), EINVAL);
    ck_assert_fails(cede_epoll_pwait(-1, &event, 1, -1, NULL), EBADF);
    ck_assert_fails(cede_epoll_pwait(fds[0], &event, 1, -1, NULL), EINVAL);
    ck_assert_fails(cede_epoll_pwait2(-1, &event, 1, NULL, NULL), EBADF);
}

static int close_it(void *unused)
{
    (void)unused;
    return cede_close(epfd);
}

TASK_TEST(closing_ends_the_wait)
{
    size_t i;

    for (i = 0; i < 3; i++) {
        open_all();
        ck_assert_fails(beside(waits[i], NULL, close_it, NULL), EBADF);
    }
    open_all();
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_fails(by_pselect(NULL), EBADF);
}

/* ---- signals that are let through ---- */

static int handled;

static void on_signal(int signo)
{
    handled = signo;
}

static int pwait_with_none(void *unused)
{
    sigset_t none;

    (void)unused;
    sigemptyset(&none);
    return cede_epoll_pwait(epfd, &event, 1, -1, &none);
}

static int pwait2_with_none(void *unused)
{
    sigset_t none;

    (void)unused;
    sigemptyset(&none);
    return cede_epoll_pwait2(epfd, &event, 1, NULL, &none);
}

static int pselect_with_none(void *unused)
{
    sigset_t none;

    (void)unused;
    sigemptyset(&none);
    return cede_pselect(0, NULL, NULL, NULL, NULL, &none);
}

static int send_it(void *unused)
{
    (void)unused;
    return kill(getpid(), SIGUSR1);
}

TASK_TEST(signals_are_let_through)
{
    static cede_task_fn *const masked[] = {pwait_with_none, pwait2_with_none, pselect_with_none};
    const struct sigaction action = {.sa_handler = on_signal};
    sigset_t usr1;
    size_t i;

    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    open_all();
    for (i = 0; i < 3; i++) {
        handled = 0;
        ck_assert_fails(beside(masked[i], NULL, send_it, NULL), EINTR);
        ck_assert_int_eq(handled, SIGUSR1);
    }
}

TASK_TEST(no_memory_for_many)
{
    struct fault_memory memory;
    int result, error, fd;
    fd_set set;

    FD_ZERO(&set);
    for (fd = 0; fd < 100; fd++)
        FD_SET(fd, &set);
    if (!fault_memory_begin(&memory))
        return;
    errno = 0;
    result = cede_pselect(100, &set, NULL, NULL, NULL, NULL);
    error = errno;
    fault_memory_end(&memory);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(error, ENOMEM);
}

START_TEST(outside_tasks)
{
    static const struct timespec shortly = {.tv_nsec = 1000000};

    open_all();
    ck_assert_int_eq(cede_epoll_wait(epfd, &event, 1, 1), 0);
    ck_assert_int_eq(cede_pselect(0, NULL, NULL, NULL, &shortly, NULL), 0);
    ck_assert_int_eq(put(NULL), 0);
    ck_assert_int_eq(by_pwait(NULL), 1);
    ck_assert_int_eq(by_pselect(NULL), 1);
}
END_TEST

Suite *suite(void)
{
    Suite *epoll = suite_create("epoll");
    TCase *cases = tcase_create("epoll");

    tcase_add_test(cases, events_end_the_wait);
    tcase_add_test(cases, waits_end_early);
    tcase_add_test(cases, time_limits);
    tcase_add_test(cases, closing_ends_the_wait);
    tcase_add_test(cases, signals_are_let_through);
    tcase_add_test(cases, no_memory_for_many);
    tcase_add_test(cases, outside_tasks);
    suite_add_tcase(epoll, cases);
    return epoll;
}
