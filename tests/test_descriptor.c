/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"

static int fds[2];

struct reader {
    int fd, error;
};

/* Reads one byte, or fails with the given errno. */
static int reader(struct reader *a)
{
    char c;
    int result = (int)cede_read(a->fd, &c, 1), error = result < 0 ? errno : 0;

    ck_assert_int_eq(error, a->error);
    return 0;
}

static struct cede__fd *record(int fd)
{
    return cede__poller_fd_known(&cede__worker->poller, fd);
}

static void ends(struct cede_task *task)
{
    ck_assert_int_eq(cede_await(task), 0);
}

/* ---- closed while somebody waits ---- */

/* Accepts a connection and closes it, or fails with the given errno. */
struct accepter {
    int fd, error;
};

static int accepter(struct accepter *a)
{
    int connection = cede_accept(a->fd, NULL, NULL), error = connection < 0 ? errno : 0;

    ck_assert_int_eq(error, a->error);
    return connection < 0 ? 0 : cede_close(connection);
}

/* Writes to a descriptor that takes nothing, until it is closed. */
struct writer {
    int fd;
};

static int writer(struct writer *a)
{
    static const char block[1 << 16];

    while (send(a->fd, block, sizeof block, MSG_DONTWAIT) > 0)
        ;
    ck_assert_fails(cede_write(a->fd, block, 1), EBADF);
    return 0;
}

/* Polls for what never comes, until the descriptor is closed. */
struct poller {
    int fd;
};

static int poller(struct poller *a)
{
    struct pollfd poll = {.fd = a->fd, .events = POLLPRI};

    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLNVAL);
    return 0;
}

static void connect_to(int port)
{
    char address[32];
    int fd;

    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    ck_assert_int_ge(fd = cede_dial(address), 0);
    ck_assert_int_eq(cede_close(fd), 0);
}

/* libdill issue 129: a listener is closed while a task accepts on it, and the next listener gets its number. The old
 * accept must fail, and the new one must get the connections of its own listener: not be forgotten, and not hear of
 * those to the old one, which a duplicate keeps alive. */
TASK_TEST(a_listener_that_is_closed_during_accept_leaves_its_number_to_the_next)
{
    struct cede_task *old, *new;
    int listener, next, kept, round;

    for (round = 0; round < 4; round++) {
        ck_assert_int_ge(listener = cede_listen("127.0.0.1:0"), 0);
        old = cede_go(accepter, .fd = listener, .error = EBADF);
        cede_yield();
        kept = round % 2 ? fcntl(listener, F_DUPFD, 100) : -1;
        ck_assert_int_eq(cede_close(listener), 0);
        ck_assert_int_eq(next = cede_listen("127.0.0.1:0"), listener);
        new = cede_go(accepter, .fd = next);
        cede_yield();
        ends(old);
        if (kept >= 0) {
            connect_to(cede_port(kept));
            cede_sleep(CEDE_MILLISECOND);
            ck_assert(!cede__list_empty(&record(next)->readers));
        }
        connect_to(cede_port(next));
        ends(new);
        ck_assert_int_eq(cede_close(next), 0);
        if (kept >= 0)
            ck_assert_int_eq(cede_close(kept), 0);
    }
}

/* libdill pull request 236: closing was refused while a task waited, and the number stayed marked as registered. One
 * task may read while another writes: both hear of it, and so does one that polls; the next starts afresh. */
TASK_TEST(close_wakes_readers_and_writers_and_the_number_starts_afresh)
{
    struct cede_task *tasks[3];
    int i, round, next[2];

    for (round = 0; round < 3; round++) {
        ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        tasks[0] = cede_go(reader, .fd = fds[0], .error = EBADF);
        tasks[1] = cede_go(writer, .fd = fds[0]);
        tasks[2] = cede_go(poller, .fd = fds[0]);
        cede_sleep(CEDE_MILLISECOND);
        ck_assert(!cede__list_empty(&record(fds[0])->readers));
        ck_assert(!cede__list_empty(&record(fds[0])->writers));
        ck_assert_int_eq(cede_close(fds[0]), 0);
        ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, next), 0);
        ck_assert_int_eq(next[0], fds[0]);
        for (i = 0; i < 3; i++)
            ends(tasks[i]);
        tasks[0] = cede_go(reader, .fd = next[0]);
        cede_yield();
        ck_assert_int_eq(cede_write(next[1], "x", 1), 1);
        ends(tasks[0]);
        cede_close(fds[1]);
        cede_close(next[0]);
        cede_close(next[1]);
    }
}

TASK_TEST(closing_what_is_not_open)
{
    ck_assert_fails(cede_close(-1), EBADF);
    ck_assert_fails(cede_close(987654), EBADF);
    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_fails(cede_close(fds[0]), EBADF);
    ck_assert_fails(cede_read(fds[0], &(char){0}, 1), EBADF);
    ck_assert_fails(cede_accept4(fds[0], NULL, NULL, 0), EBADF);
    ck_assert_int_eq(cede_close(fds[1]), 0);
}

TASK_TEST(close_ends_waits_for_this_number_only)
{
    int other[2];
    struct cede_task *task, *innocent;

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    ck_assert_int_eq(cede_pipe2(other, 0), 0);
    task = cede_go(reader, .fd = fds[0], .error = EBADF);
    innocent = cede_go(reader, .fd = other[0]);
    cede_yield();
    cede_close(fds[0]);
    ends(task);
    ck_assert_int_eq(cede_write(other[1], "x", 1), 1);
    ends(innocent);
    cede_close(fds[1]);
    cede_close(other[0]);
    cede_close(other[1]);
}

/* A number that is used again at once: who waited for the old descriptor hears that it was closed, and whoever waits
 * for the new one gets only what comes to that. `lives_on` keeps the old one open, and busy, under another number. */
static void reuse(int made)
{
    int again[2], lives_on, number;
    struct cede_task *old, *new;

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    old = cede_go(reader, .fd = fds[0], .error = EBADF);
    cede_yield();
    lives_on = fcntl(fds[0], F_DUPFD, 100);
    number = fds[0];
    cede_close(fds[0]);
    ck_assert_int_eq(made ? cede_socketpair(AF_UNIX, SOCK_STREAM, 0, again)
                          : socketpair(AF_UNIX, SOCK_STREAM, 0, again), 0);
    ck_assert_int_eq(again[0], number);
    new = cede_go(reader, .fd = number);
    cede_yield();
    ends(old);
    ck_assert_int_eq(cede_write(fds[1], "old", 3), 3);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_ptr_nonnull(record(number)->readers.next);
    ck_assert(!cede__list_empty(&record(number)->readers));
    ck_assert_int_eq(cede_write(again[1], "x", 1), 1);
    ends(new);
    cede_close(again[0]);
    cede_close(again[1]);
    cede_close(fds[1]);
    cede_close(lives_on);
}

TASK_TEST(a_number_that_is_used_again_means_the_new_descriptor)
{
    reuse(1);
    reuse(0);
}

/* The event has come, but before it is the reader's turn the descriptor is closed and the number used again. */
TASK_TEST(a_reader_that_was_ready_does_not_read_from_the_next_descriptor)
{
    struct cede__list ready = {0}, *link;
    struct cede_task *task;
    int again[2], number;

    if (strcmp(cede_runtime_poller(), "io_uring") == 0)
        return; /* there the kernel reads before the reader is woken */
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    task = cede_go(reader, .fd = fds[0], .error = EBADF);
    cede_yield();
    ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
    while (cede__poller_wait(&cede__worker->poller, 0, &ready) > 0)
        ;
    link = cede__list_take(&ready);
    ck_assert_ptr_nonnull(link);
    cede__sched_wake(CEDE__CONTAINER(link, struct cede__waiter, link), CEDE__WAKE_EVENT);
    number = fds[0];
    cede_close(fds[0]);
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, again), 0);
    ck_assert_int_eq(again[0], number);
    ck_assert_int_eq(cede_write(again[1], "y", 1), 1);
    ends(task);
    cede_close(again[0]);
    cede_close(again[1]);
    cede_close(fds[1]);
}

/* Closed with close(2) and used again, which cede does not hear of: what is not a socket any more says so. */
TASK_TEST(a_socket_that_became_a_pipe_is_noticed)
{
    int again[2];
    struct cede_task *task;

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    task = cede_go(reader, .fd = fds[0]);
    cede_yield();
    ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
    ends(task);
    close(fds[0]);
    ck_assert_int_eq(pipe(again), 0);
    ck_assert_int_eq(again[0], fds[0]);
    task = cede_go(reader, .fd = again[0]);
    cede_yield();
    ck_assert_int_eq(cede_write(again[1], "x", 1), 1);
    ends(task);
    if (!harness_emulated("RWF_NOWAIT"))
        ck_assert_int_eq(record(again[0])->kind, CEDE__FD_NOWAIT);
    cede_close(again[0]);
    cede_close(again[1]);
    cede_close(fds[1]);
}

/* Closed, kept alive by a duplicate, and brought back to its number by one: the poller has it under the old tag. */
TASK_TEST(a_descriptor_may_come_back_to_its_number)
{
    struct cede_task *task;
    int copy;

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (int i = 0; i < 3; i++) {
        task = cede_go(reader, .fd = fds[0]);
        cede_yield();
        ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
        ends(task);
        copy = cede_dup(fds[0]);
        ck_assert_int_ge(copy, 0);
        ck_assert(!record(fds[0])->owned);
        cede_close(fds[0]);
        ck_assert_int_eq(cede_dup3(copy, fds[0], O_CLOEXEC), fds[0]);
        cede_close(copy);
    }
    cede_close(fds[0]);
    cede_close(fds[1]);
}

TASK_TEST(dup3_closes_its_target_but_only_if_it_succeeds)
{
    struct cede_task *task;
    int other[2];

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    ck_assert_int_eq(cede_pipe2(other, 0), 0);
    task = cede_go(reader, .fd = fds[0], .error = EBADF);
    cede_yield();
    ck_assert_fails(cede_dup3(987654, fds[0], 0), EBADF);
    ck_assert_fails(cede_dup3(fds[0], fds[0], 0), EINVAL);
    ck_assert_fails(cede_dup3(other[0], fds[0], ~0), EINVAL);
    ck_assert(!cede__list_empty(&record(fds[0])->readers));
    ck_assert_int_eq(cede_dup3(other[0], fds[0], 0), fds[0]);
    ends(task);
    ck_assert_int_eq(cede_write(other[1], "x", 1), 1);
    task = cede_go(reader, .fd = fds[0]);
    ends(task);
    ck_assert_fails(cede_dup(-1), EBADF);
    cede_close(other[0]);
    cede_close(other[1]);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

TASK_TEST(fcntl_is_the_kernels)
{
    int copy;

    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(cede_fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(cede_fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(cede_fcntl(fds[0], F_GETFL), fcntl(fds[0], F_GETFL));
    ck_assert_int_ne(cede_fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    copy = cede_fcntl(fds[0], F_DUPFD_CLOEXEC, 50);
    ck_assert_int_ge(copy, 50);
    ck_assert_fails(cede_fcntl(-1, F_GETFL), EBADF);
    ck_assert_fails(cede_fcntl(fds[0], -1), EINVAL);
    cede_close(copy);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

/* Its flags cannot be read any more, which is not the same as O_NONBLOCK. */
TASK_TEST(flags_of_what_was_closed_are_not_known)
{
    struct cede__call call;

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    ck_assert_int_eq(cede__call_begin(&call, fds[0], CEDE__READS, "test"), 0);
    close(fds[0]);
    ck_assert_fails(cede__call_nonblocking(&call), EBADF);
    ck_assert(!record(fds[0])->flags_known);
    ck_assert_fails(cede__call_wait(&call), EBADF);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

TASK_TEST(out_of_descriptors)
{
    struct rlimit limit, none;

    getrlimit(RLIMIT_NOFILE, &limit);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    ck_assert_fails(cede_pipe2(fds, 0), EMFILE);
    ck_assert_fails(cede_dup(0), EMFILE);
    ck_assert_fails(cede_socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
    ck_assert_fails(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), EMFILE);
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

TASK_TEST(large_numbers_that_are_not_open_cost_nothing)
{
    const int numbers[] = {1 << 20, 1 << 30, INT_MAX};
    unsigned pages = cede__worker->poller.page_count;
    size_t i;
    char c;

    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ck_assert_fails(cede_read(numbers[i], &c, 1), EBADF);
        cede_fd_made(numbers[i]);
        cede_fd_closes(numbers[i]);
        ck_assert_fails(cede_close(numbers[i]), EBADF);
    }
    ck_assert_uint_eq(cede__worker->poller.page_count, pages);
}

START_TEST(outside_a_task)
{
    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    ck_assert_int_eq(cede_dup3(fds[1], fds[0], 0), fds[0]);
    ck_assert_int_eq(cede_fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_ne(cede_fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_fails(cede_close(fds[0]), EBADF);
    ck_assert_int_eq(cede_close(fds[1]), 0);
}
END_TEST

/* ---- several OS threads ---- */

static _Atomic int waiting;

static int wait_to_be_closed(void *unused)
{
    struct cede_task *task = cede_go(reader, .fd = fds[0], .error = EBADF);

    (void)unused;
    cede_sleep(CEDE_MILLISECOND);
    waiting = 1;
    return cede_await(task);
}

static void *run_waiter(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_run(wait_to_be_closed, NULL), 0);
    return NULL;
}

static int close_it(void *unused)
{
    (void)unused;
    while (!waiting)
        cede_sleep(CEDE_MILLISECOND);
    return cede_close(fds[0]);
}

START_TEST(close_reaches_the_tasks_of_other_threads)
{
    pthread_t thread;

    for (int in_task = 0; in_task < 2; in_task++) {
        waiting = 0;
        ck_assert_int_eq(cede_pipe2(fds, 0), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, run_waiter, NULL), 0);
        if (in_task) {
            ck_assert_int_eq(cede_run(close_it, NULL), 0);
        } else {
            while (!waiting)
                usleep(1000);
            ck_assert_int_eq(cede_close(fds[0]), 0);
        }
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(cede_close(fds[1]), 0);
    }
}
END_TEST

/* A read that begins while another thread closes the descriptor, at any moment of that, fails: it never waits for what
 * no longer exists. */
static _Atomic int round_begun, round_ended = -1; /* -1: the reader's runtime is still opening descriptors of its own */

static int read_what_is_being_closed(void *rounds)
{
    char c;

    cede_sleep(CEDE_MILLISECOND);
    round_ended = 0;
    for (int i = 1; i <= *(int *)rounds; i++) {
        while (round_begun < i)
            ;
        cede_timeout (20 * CEDE_SECOND)
            ck_assert_fails(cede_read(fds[0], &c, 1), EBADF);
        round_ended = i;
    }
    return 0;
}

static void *run_read_what_is_being_closed(void *rounds)
{
    ck_assert_int_eq(cede_run(read_what_is_being_closed, rounds), 0);
    return NULL;
}

static int close_while_it_is_read(void *rounds)
{
    unsigned seed = 1;

    while (round_ended < 0)
        sched_yield();
    for (int i = 1; i <= *(int *)rounds; i++) {
        ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        round_begun = i;
        for (volatile unsigned spins = harness_random(&seed) % 20000; spins > 0; spins--)
            ;
        ck_assert_int_eq(cede_close(fds[0]), 0);
        while (round_ended < i)
            sched_yield();
        ck_assert_int_eq(cede_close(fds[1]), 0);
    }
    return 0;
}

START_TEST(a_read_that_races_with_a_close_fails)
{
    int rounds = HARNESS_ROUNDS(4000);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run_read_what_is_being_closed, &rounds), 0);
    ck_assert_int_eq(cede_run(close_while_it_is_read, &rounds), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* Two runtimes that make, use and close descriptors as fast as they can: numbers go back and forth between them, and
 * what one hears late of the other's closing must not hit its own. */
static int churn(void *unused)
{
    int pair[2];
    struct cede_task *task;

    (void)unused;
    for (int i = 0; i < 3000; i++) {
        ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        task = cede_go(reader, .fd = pair[0]);
        cede_yield();
        ck_assert_int_eq(cede_write(pair[1], "x", 1), 1);
        ends(task);
        cede_close(pair[0]);
        cede_close(pair[1]);
    }
    return 0;
}

static void *run_churn(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_run(churn, NULL), 0);
    return NULL;
}

START_TEST(runtimes_do_not_close_each_others_descriptors)
{
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_churn, NULL), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *descriptor = suite_create("descriptor");
    TCase *numbers = tcase_create("numbers"), *threads = tcase_create("threads");

    tcase_add_test(numbers, closing_what_is_not_open);
    tcase_add_test(numbers, close_ends_waits_for_this_number_only);
    tcase_add_test(numbers, a_listener_that_is_closed_during_accept_leaves_its_number_to_the_next);
    tcase_add_test(numbers, close_wakes_readers_and_writers_and_the_number_starts_afresh);
    tcase_add_test(numbers, a_number_that_is_used_again_means_the_new_descriptor);
    tcase_add_test(numbers, a_reader_that_was_ready_does_not_read_from_the_next_descriptor);
    tcase_add_test(numbers, a_socket_that_became_a_pipe_is_noticed);
    tcase_add_test(numbers, a_descriptor_may_come_back_to_its_number);
    tcase_add_test(numbers, dup3_closes_its_target_but_only_if_it_succeeds);
    tcase_add_test(numbers, fcntl_is_the_kernels);
    tcase_add_test(numbers, flags_of_what_was_closed_are_not_known);
    tcase_add_test(numbers, out_of_descriptors);
    tcase_add_test(numbers, large_numbers_that_are_not_open_cost_nothing);
    tcase_add_test(numbers, outside_a_task);
    tcase_add_test(threads, close_reaches_the_tasks_of_other_threads);
    tcase_add_test(threads, a_read_that_races_with_a_close_fails);
    tcase_add_test(threads, runtimes_do_not_close_each_others_descriptors);
    tcase_set_timeout(threads, 240);
    suite_add_tcase(descriptor, numbers);
    suite_add_tcase(descriptor, threads);
    return descriptor;
}
