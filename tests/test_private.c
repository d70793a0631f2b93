/* SPDX-License-Identifier: MIT */
#include "private.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "sched.h"
#include "sys.h"

enum { FAR = 512 };

static unsigned first; /* number that the test may close: below are libcheck's */

static void find_first(void)
{
    first = (unsigned)open("/dev/null", O_RDONLY);
    close((int)first);
}

static bool is_open(int fd)
{
    return cede__sys_fcntl(fd, F_GETFD, 0) >= 0;
}

/* ---- the set ---- */

START_TEST(a_number_is_private_from_taking_to_closing)
{
    int fd = open("/dev/null", O_RDONLY), one, other;

    ck_assert(!cede__private_has(fd));
    ck_assert_int_eq(cede__private_next(0), -1);
    one = cede__private_take(fd);
    ck_assert_int_ge(one, FAR);
    ck_assert(!is_open(fd) && is_open(one) && cede__private_has(one));
    ck_assert_int_eq(cede__sys_fcntl(one, F_GETFD, 0), FD_CLOEXEC);
    ck_assert_int_gt(other = cede__private_copy(one), one);
    ck_assert_int_eq(cede__private_next(0), one);
    ck_assert_int_eq(cede__private_next(one), one);
    ck_assert_int_eq(cede__private_next(one + 1), other);
    ck_assert_int_eq(cede__private_next(other + 1), -1);
    ck_assert_int_eq(cede__private_next(INT32_MAX), -1);
    cede__private_close(one);
    ck_assert(!is_open(one) && !cede__private_has(one));
    ck_assert_int_eq(cede__private_next(0), other);
    cede__private_forget(other);
    ck_assert(is_open(other) && !cede__private_has(other));
    ck_assert_int_eq(cede__private_take(-1), -1);
    ck_assert(!cede__private_has(-1) && !cede__private_has(INT32_MAX));
}
END_TEST

/* ---- the runtime's own ---- */

static int own[3]; /* epoll, eventfd, ring: those there are */
static int own_count;

static void find_own(void)
{
    int fd;

    for (own_count = 0, fd = cede__private_next(0); fd >= 0; fd = cede__private_next(fd + 1)) {
        ck_assert_int_lt(own_count, 3);
        own[own_count++] = fd;
    }
    ck_assert_int_ge(own_count, 2);
}

struct write_later {
    int fd;
};

static int write_later(struct write_later *a)
{
    cede_sleep(CEDE_MILLISECOND);
    return cede_write(a->fd, "x", 1) == 1 ? 0 : -1;
}

#ifndef HARNESS_TSAN
static void *wake(void *task)
{
    cede_wake(task);
    return NULL;
}
#endif

static int read_file(void *unused)
{
    char byte;
    int fd = cede_open("/proc/self/exe", O_RDONLY);

    (void)unused;
    ck_assert_int_eq(cede_pread(fd, &byte, 1, 0), 1);
    return cede_close(fd);
}

/* ThreadSanitizer allows no threads in a child of fork(2). */
static void wake_from_thread(void)
{
#ifndef HARNESS_TSAN
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, wake, cede_self()), 0);
    ck_assert_int_eq(cede_park(), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
#endif
}

/* Events, timers, wakes and files: all that the private descriptors are for. */
static void all_works(void)
{
    struct cede_task *task;
    int fds[2];
    char byte;

    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0);
    task = cede_go(write_later, .fd = fds[1]);
    ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(cede_await(task), 0);
    wake_from_thread();
    ck_assert_int_eq(cede_await(cede_spawn(read_file, NULL)), 0);
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_int_eq(cede_close(fds[1]), 0);
}

TASK_TEST(closing_one_says_that_it_is_not_open)
{
    int i;

    all_works(); /* the ring is opened when it is needed */
    find_own();
    for (i = 0; i < own_count; i++)
        ck_assert_fails(cede_close(own[i]), EBADF);
    all_works();
}

TASK_TEST(a_range_goes_round_them)
{
    int fd, user[3] = {-1, -1, -1}, i;

    all_works();
    find_own();
    /* Before, between and behind. */
    user[0] = fcntl(STDIN_FILENO, F_DUPFD, 3);
    user[1] = fcntl(STDIN_FILENO, F_DUPFD, FAR + 50);
    user[2] = fcntl(STDIN_FILENO, F_DUPFD, FAR + 100);
    fd = cede__private_take(fcntl(STDIN_FILENO, F_DUPFD, 3));
    ck_assert_fails(cede_close_range(4, 3, 0), EINVAL);
    ck_assert_fails(cede_close_range(first, UINT32_MAX, 1 << 30), EINVAL);
    ck_assert_int_eq(cede_close_range(first, UINT32_MAX, CLOSE_RANGE_CLOEXEC), 0);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(fcntl(user[i], F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(cede_close_range(first, UINT32_MAX, 0), 0);
    for (i = 0; i < 3; i++)
        ck_assert(!is_open(user[i]));
    for (i = 0; i < own_count; i++)
        ck_assert(is_open(own[i]));
    ck_assert(is_open(fd));
    ck_assert_int_eq(cede_close_range((unsigned)fd, (unsigned)fd, 0), 0);
    ck_assert(is_open(fd));
    cede__private_close(fd);
    all_works();
}

struct read_until_closed {
    int fd;
};

static int read_until_closed(struct read_until_closed *a)
{
    char byte;

    ck_assert_fails(cede_read(a->fd, &byte, 1), EBADF);
    return 0;
}

static int read_until_closed_elsewhere(void *fd)
{
    return read_until_closed(&(struct read_until_closed){*(int *)fd});
}

static void *run_reader(void *fd)
{
    ck_assert_int_eq(cede_run(read_until_closed_elsewhere, fd), 0);
    return NULL;
}

TASK_TEST(a_range_wakes_those_who_wait)
{
    struct cede_task *task;
    int fds[2], others[2];
    pthread_t thread;

    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(cede_pipe2(others, O_CLOEXEC), 0);
    task = cede_go(read_until_closed, .fd = fds[0]);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_reader, &others[0]), 0);
    cede_sleep(20 * CEDE_MILLISECOND); /* also if the other comes later it must hear that its descriptor is gone */
    ck_assert_int_eq(cede_close_range((unsigned)fds[0], UINT32_MAX, 0), 0);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* ---- a number that the program wants ---- */

static void replace_all(void)
{
    int fds[2], i;
    char byte;

    find_own();
    for (i = 0; i < own_count; i++) {
        ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0);
        ck_assert_int_eq(cede_dup3(fds[1], own[i], O_CLOEXEC), own[i]);
        ck_assert(!cede__private_has(own[i]));
        all_works();
        ck_assert_int_eq(cede_write(own[i], "y", 1), 1);
        ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
        ck_assert_int_eq(byte, 'y');
        ck_assert_int_eq(cede_close(own[i]), 0);
        ck_assert_int_eq(cede_close(fds[1]), 0);
        ck_assert_int_eq(cede_read(fds[0], &byte, 1), 0); /* nobody else has it */
        ck_assert_int_eq(cede_close(fds[0]), 0);
    }
}

TASK_TEST(one_moves_when_its_number_is_wanted)
{
    all_works();
    replace_all();
    replace_all();
}

TASK_TEST(a_lower_limit_leaves_them_where_they_are)
{
    const struct rlimit few = {64, 64};

    all_works();
    find_own();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_int_eq(cede_close_range(first, UINT32_MAX, 0), 0);
    ck_assert(is_open(own[0]));
    all_works();
}

START_TEST(they_may_be_low_numbers)
{
    const struct rlimit few = {64, 64};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_int_eq(cede_run(one_moves_when_its_number_is_wanted_task, NULL), 0);
    ck_assert_int_lt(own[0], 64);
}
END_TEST

TASK_TEST(without_room_the_number_stays)
{
    struct rlimit few;
    int i, fd = -1, next;

    find_own();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &few), 0);
    few.rlim_cur = FAR + 8;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    while ((next = open("/dev/null", O_RDONLY)) >= 0)
        fd = next;
    for (i = 0; i < own_count; i++) {
        ck_assert_fails(cede_dup3(fd, own[i], 0), EMFILE);
        ck_assert(is_open(own[i]) && cede__private_has(own[i]));
    }
    ck_assert_int_eq(cede_close(fd), 0);
    ck_assert_int_eq(cede_dup3(STDIN_FILENO, own[0], 0), own[0]);
    ck_assert_int_eq(cede_close_range(first, UINT32_MAX, 0), 0);
    all_works();
}

/* ---- beside other threads ---- */

static atomic_bool stop;
static struct cede_task *_Atomic woken;

static void *wake_always(void *unused)
{
    while (!atomic_load(&stop))
        cede_wake(woken);
    return unused;
}

/* A wake that is about to write when its descriptor moves must not write into what comes to its number. */
TASK_TEST(no_wake_goes_to_what_takes_the_number)
{
    int fds[2], round, rounds = HARNESS_SCALE(2000);
    pthread_t threads[2];
    char byte;

    woken = cede_self();
    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(pthread_create(&threads[0], NULL, wake_always, NULL), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, wake_always, NULL), 0);
    for (round = 0; round < rounds; round++) {
        int wake_fd = atomic_load(&cede__worker->poller.wake_fd);

        ck_assert_int_eq(cede_park(), 0);
        ck_assert_int_eq(cede_dup3(fds[1], wake_fd, 0), wake_fd);
        ck_assert_int_eq(cede_park(), 0);
        ck_assert_int_eq(cede_close(wake_fd), 0);
    }
    atomic_store(&stop, true);
    ck_assert_int_eq(pthread_join(threads[0], NULL), 0);
    ck_assert_int_eq(pthread_join(threads[1], NULL), 0);
    ck_assert_fails(cede_read(fds[0], &byte, 1), EAGAIN);
}

static atomic_int epoll_of_other;

static int show_and_wait(void *unused)
{
    (void)unused;
    atomic_store(&epoll_of_other, cede__worker->poller.backend_fd);
    while (!atomic_load(&stop))
        cede_sleep(CEDE_MILLISECOND);
    return 0;
}

static void *run_other(void *unused)
{
    ck_assert_int_eq(cede_run(show_and_wait, NULL), 0);
    return unused;
}

START_TEST(one_that_another_thread_uses_is_busy)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run_other, NULL), 0);
    while (!atomic_load(&epoll_of_other))
        sched_yield();
    ck_assert_fails(cede_dup3(STDIN_FILENO, epoll_of_other, 0), EBUSY);
    ck_assert_fails(cede_dup3(-1, epoll_of_other, 0), EBADF);
    ck_assert_fails(cede_close(epoll_of_other), EBADF);
    ck_assert_int_eq(cede_close_range(first, UINT32_MAX, 0), 0);
    atomic_store(&stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* ---- those of calls ---- */

static void on_signal(int signo)
{
    (void)signo;
}

static int wait_for_signal(void *unused)
{
    sigset_t none;

    (void)unused;
    sigemptyset(&none);
    ck_assert_fails(cede_ppoll(NULL, 0, NULL, &none), EINTR);
    return 0;
}

static int wait_for_blocked(void *unused)
{
    const struct timespec long_time = {30, 0};
    sigset_t set;

    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    ck_assert_int_eq(cede_sigtimedwait(&set, NULL, &long_time), SIGUSR2);
    return 0;
}

static int wait_for_process(void *process)
{
    return cede_process_wait(process, NULL);
}

TASK_TEST(waits_for_signals_and_processes_keep_theirs)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct cede_task *tasks[3];
    struct cede_process process;
    sigset_t set;
    int i;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGUSR1, &action, NULL);
    ck_assert_int_eq(cede_process_spawn(&process, (char *[]){"sleep", "0.1", NULL}, NULL), 0);
    tasks[0] = cede_spawn(wait_for_signal, NULL);
    tasks[1] = cede_spawn(wait_for_blocked, NULL);
    tasks[2] = cede_spawn(wait_for_process, &process);
    cede_sleep(10 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_close_range(first, UINT32_MAX, 0), 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    find_own(); /* and nothing else any more */
}

/* ---- children ---- */

TASK_TEST(a_child_of_fork_keeps_its_own)
{
    int status, i;
    pid_t child;

    all_works();
    find_own();
    ck_assert_int_ge(child = fork(), 0);
    if (child == 0) {
        cede_close_range(first, UINT32_MAX, 0);
        all_works();
        find_own();
        for (i = 0; i < own_count; i++)
            ck_assert_fails(cede_close(own[i]), EBADF);
        replace_all();
        _exit(0);
    }
    ck_assert_int_eq(cede_waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    all_works();
}

#ifndef HARNESS_TSAN /* which makes it fork(2) */
TASK_TEST(a_child_of_vfork_closes_what_it_likes)
{
    int status;
    pid_t child;

    all_works();
    find_own();
    child = vfork();
    if (child == 0) {
        int result = cede_close(own[0]);

        result |= cede_dup3(STDIN_FILENO, own[1], 0) != own[1];
        result |= cede_close_range(first, UINT32_MAX, 0);
        _exit(result != 0 || is_open(own[1]));
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(cede_waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert(is_open(own[0]) && cede__private_has(own[0]) && cede__private_has(own[1]));
    all_works();
}
#endif

Suite *suite(void)
{
    Suite *s = suite_create("private");
    TCase *t = tcase_create("private");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, find_first, NULL);
    tcase_add_test(t, a_number_is_private_from_taking_to_closing);
    tcase_add_test(t, closing_one_says_that_it_is_not_open);
    tcase_add_test(t, a_range_goes_round_them);
    tcase_add_test(t, a_range_wakes_those_who_wait);
    tcase_add_test(t, one_moves_when_its_number_is_wanted);
    tcase_add_test(t, a_lower_limit_leaves_them_where_they_are);
    tcase_add_test(t, they_may_be_low_numbers);
    tcase_add_test(t, without_room_the_number_stays);
    tcase_add_test(t, no_wake_goes_to_what_takes_the_number);
    tcase_add_test(t, one_that_another_thread_uses_is_busy);
    tcase_add_test(t, waits_for_signals_and_processes_keep_theirs);
    tcase_add_test(t, a_child_of_fork_keeps_its_own);
#ifndef HARNESS_TSAN
    tcase_add_test(t, a_child_of_vfork_closes_what_it_likes);
#endif
    suite_add_tcase(s, t);
    return s;
}
