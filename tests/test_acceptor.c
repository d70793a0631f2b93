/* SPDX-License-Identifier: MIT */
/*
 * Connections that the kernel accepts ahead: that they are, where they may be, and that none is lost or left behind
 * however serving ends. What cede_serve() promises in general is in test_net.c, over both pollers as well.
 */
#include "poller_acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "descriptors.h"
#include "fault.h"
#include "pollers.h"
#include "private.h"
#include "sched.h"
#include "syscalls.h"

static struct {
    int accepts; /* accept4(2) */
    bool refuses; /* io_uring_enter(2) fails */
} calls;

static int count_and_refuse(long number)
{
    calls.accepts += number == SYS_accept4;
    return calls.refuses && number == SYS_io_uring_enter ? EAGAIN : 0;
}

static const struct syscall_hooks syscall_hooks = {.before = count_and_refuse};

static bool over_uring(void)
{
    return strcmp(cede_runtime_poller(), "io_uring") == 0;
}

/* ---- clients and servers ---- */

static struct sockaddr_in address;
static char dialled[32];

static int listen_locally(void)
{
    socklen_t length = sizeof address;
    int fd = cede_listen("127.0.0.1:0");

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(dialled, sizeof dialled, "127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

/* At once, without a look at the poller: by libc's calls. */
static int connect_plainly(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int begun, ended;

static int echo(int fd, void *unused)
{
    char bytes[16];
    ssize_t n;

    (void)unused;
    begun++;
    while ((n = cede_recv(fd, bytes, sizeof bytes, 0)) > 0 && cede_send(fd, bytes, (size_t)n, MSG_NOSIGNAL) == n)
        ;
    ended++;
    return 0;
}

struct server { int fd; };
static int server(struct server *a)
{
    return cede_serve(a->fd, echo, NULL);
}

/* A message there and back, and the end. */
static void assert_served(int fd)
{
    char byte;

    cede_timeout (10 * CEDE_SECOND) {
        ck_assert_int_eq(cede_send(fd, "x", 1, 0), 1);
        ck_assert_int_eq(cede_recv(fd, &byte, 1, 0), 1);
    }
    ck_assert_int_eq(cede_close(fd), 0);
}

/* Its connection has ended, in one way or the other. */
static void assert_ended(int fd)
{
    char byte;

    cede_timeout (10 * CEDE_SECOND)
        ck_assert_msg(cede_recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET, "errno %d", errno);
    ck_assert_int_eq(cede_close(fd), 0);
}

static void end_server(struct cede_task *serving)
{
    ck_assert_int_eq(cede_cancel(serving), 0);
    ck_assert_fails(cede_await(serving), ECANCELED);
    ck_assert_int_eq(begun, ended);
}

/* Serves some connections, and says how many calls of accept4(2) that took. */
static int accepts_for(int listener, int count)
{
    struct cede_task *serving = cede_go(server, .fd = listener);
    int before = calls.accepts, i;

    cede_yield();
    for (i = 0; i < count; i++)
        assert_served(cede_dial(dialled));
    end_server(serving);
    return calls.accepts - before;
}

/* ---- that, and where, the kernel accepts ahead ---- */

POLLER_TEST(no_call_for_a_connection)
{
    int listener = listen_locally(), before = count_descriptors(), accepts = accepts_for(listener, 20);

    if (over_uring())
        ck_assert_int_eq(accepts, 0);
    else
        ck_assert_int_ge(accepts, 20);
    ck_assert_int_eq(begun, 20);
    ck_assert_int_eq(count_descriptors(), before);
    cede_close(listener);
}

/* Those who share a socket say so by O_NONBLOCK. */
POLLER_TEST(not_from_a_listener_that_does_not_block)
{
    int listener = listen_locally();

    ck_assert_int_eq(cede_fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_ge(accepts_for(listener, 5), 5);
    cede_close(listener);
}

static int outside;

static int serve_from_outside(void *unused)
{
    (void)unused;
    ck_assert_int_ge(accepts_for(outside, 5), 5);
    return 0;
}

START_TEST(not_from_a_listener_of_others)
{
    const struct cede_run_attr attr = {.poller = pollers[_i]};

    outside = listen_locally();
    ck_assert_int_eq(cede_run_attr(&attr, serve_from_outside, NULL), 0);
    close(outside);
}
END_TEST

POLLER_TEST(not_in_a_child_of_fork)
{
    int listener = listen_locally(), status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(accepts_for(listener, 5) >= 5 ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (over_uring())
        ck_assert_int_eq(accepts_for(listener, 5), 0);
    cede_close(listener);
}

/* Two servers on one socket: one of them accepts ahead, and when it ends the other goes on. */
POLLER_TEST(one_at_a_time)
{
    int listener = listen_locally(), i;
    struct cede_task *first = cede_go(server, .fd = listener), *second = cede_go(server, .fd = listener);

    cede_yield();
    for (i = 0; i < 10; i++)
        assert_served(cede_dial(dialled));
    ck_assert_int_eq(cede_cancel(first), 0);
    ck_assert_fails(cede_await(first), ECANCELED);
    for (i = 0; i < 10; i++)
        assert_served(cede_dial(dialled));
    end_server(second);
    ck_assert_int_eq(begun, 20);
    cede_close(listener);
}

/* ---- the ends ---- */

enum { WAITING = 40 };

/* Connections that come in the very turn in which the server ends. */
static void end_with_connections(bool by_close)
{
    int listener = listen_locally(), before = count_descriptors(), fds[WAITING], i, error;
    struct cede_task *serving = cede_go(server, .fd = listener);

    assert_served(cede_dial(dialled));
    for (i = 0; i < WAITING; i++)
        fds[i] = connect_plainly();
    if (by_close) {
        ck_assert_int_eq(cede_close(listener), 0);
        before--;
    } else {
        ck_assert_int_eq(cede_cancel(serving), 0);
    }
    ck_assert_int_eq(cede_await(serving), -1);
    error = errno;
    ck_assert_int_eq(error, by_close ? EBADF : ECANCELED);
    ck_assert_int_eq(begun, ended);
    if (!by_close) {
        ck_assert_int_eq(cede_close(listener), 0); /* resets what it has not accepted */
        before--;
    }
    for (i = 0; i < WAITING; i++)
        assert_ended(fds[i]);
    ck_assert_int_eq(count_descriptors(), before);
}

POLLER_TEST(cancelled_as_connections_come)
{
    end_with_connections(false);
}

POLLER_TEST(closed_as_connections_come)
{
    end_with_connections(true);
}

/* What the kernel has accepted already. */
POLLER_TEST(what_was_accepted_ahead_is_served)
{
    struct cede__acceptor *acceptor;
    int listener = listen_locally(), fds[WAITING], i;
    struct cede_task *serving = cede_go(server, .fd = listener);

    if (!over_uring()) {
        cede_cancel(serving);
        return;
    }
    assert_served(cede_dial(dialled));
    acceptor = cede__poller_fd_known(&cede__worker->poller, listener)->acceptor;
    for (i = 0; i < WAITING; i++)
        fds[i] = connect_plainly();
    cede__ring_wait(&acceptor->poller->ring, CEDE_SECOND);
    ck_assert_uint_eq(acceptor->end - acceptor->first, WAITING);
    ck_assert_int_eq(begun, 1);
    end_server(serving);
    ck_assert_int_eq(begun, 1 + WAITING);
    for (i = 0; i < WAITING; i++)
        assert_ended(fds[i]);
    cede_close(listener);
}

/* The socket is gone when cede_close() returns, and its address is free, also if the kernel has much else to do. */
POLLER_TEST(a_closed_listener_listens_no_longer)
{
    int listener = listen_locally(), fds[WAITING], fd, i;
    struct cede_task *serving = cede_go(server, .fd = listener);

    for (i = 0; i < WAITING; i++)
        fds[i] = connect_plainly();
    assert_served(cede_dial(dialled));
    for (i = 0; i < WAITING; i++)
        ck_assert_int_eq(send(fds[i], "x", 1, 0), 1);
    ck_assert_int_eq(cede_close(listener), 0);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_fails(connect(fd, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
    close(fd);
    listener = cede_listen(dialled);
    ck_assert_int_ge(listener, 0);
    ck_assert_fails(cede_await(serving), EBADF);
    for (i = 0; i < WAITING; i++)
        close(fds[i]);
    ck_assert_int_eq(accepts_for(listener, 3) > 0, !over_uring());
    cede_close(listener);
}

POLLER_TEST(a_listener_that_is_shut_down)
{
    int listener = listen_locally();
    struct cede_task *serving = cede_go(server, .fd = listener);

    assert_served(cede_dial(dialled));
    ck_assert_int_eq(shutdown(listener, SHUT_RD), 0);
    cede_timeout (10 * CEDE_SECOND)
        ck_assert_fails(cede_await(serving), EINVAL);
    cede_close(listener);
}

static int serve_and_leave(void *unused)
{
    int listener = listen_locally(), i;

    (void)unused;
    cede_detach(cede_go(server, .fd = listener));
    assert_served(cede_dial(dialled));
    for (i = 0; i < WAITING; i++)
        connect_plainly();
    return 0;
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

START_TEST(the_end_of_the_runtime)
{
    const struct cede_run_attr attr = {.poller = pollers[_i]};
    int before;

    ck_assert_int_eq(cede_run_attr(&attr, nothing, NULL), 0); /* makes what is made once */
    before = count_descriptors();
    ck_assert_int_eq(cede_run_attr(&attr, serve_and_leave, NULL), 0);
    ck_assert_int_eq(count_descriptors(), before + 1 + WAITING); /* the clients', and the listener's */
    ck_assert_int_eq(begun, ended);
}
END_TEST

/* ---- a ring that is full ---- */

/* Until the kernel takes requests again. */
static void fill_ring(void)
{
    calls.refuses = true;
    while (cede__ring_entry(&cede__worker->poller.ring, NULL))
        ;
}

POLLER_TEST(a_full_ring_as_it_begins)
{
    int listener = listen_locally(), before = calls.accepts;
    struct cede_task *serving;

    if (!over_uring())
        return;
    serving = cede_go(server, .fd = listener);
    fill_ring();
    cede_yield();
    calls.refuses = false;
    assert_served(connect_plainly());
    ck_assert_int_eq(calls.accepts - before, 1);
    assert_served(connect_plainly()); /* this one came ahead, and in no other way */
    ck_assert_int_eq(calls.accepts - before, 1);
    end_server(serving);
    cede_close(listener);
}

POLLER_TEST(a_full_ring_as_it_ends)
{
    int listener = listen_locally();
    struct cede_task *serving;

    if (!over_uring())
        return;
    serving = cede_go(server, .fd = listener);
    assert_served(cede_dial(dialled));
    fill_ring();
    ck_assert_int_eq(cede_cancel(serving), 0);
    cede_yield();
    calls.refuses = false;
    ck_assert_fails(cede_await(serving), ECANCELED);
    serving = cede_go(server, .fd = listener);
    assert_served(cede_dial(dialled));
    fill_ring();
    ck_assert_int_eq(cede_close(listener), 0);
    calls.refuses = false;
    ck_assert_fails(cede_await(serving), EBADF);
}

/* ---- an acceptor alone, whose task does not come ---- */

static struct cede__poller poller;
static struct cede__acceptor acceptor;
static int listener_alone = -1;

static void open_acceptor(void)
{
    struct cede__fd *record;

    ck_assert_int_eq(cede__poller_init(&poller), 0);
    if (cede__poller_open(&poller, &cede__poller_uring) != 0) {
        printf("skipped: no io_uring: %s\n", strerror(errno));
        return;
    }
    listener_alone = listen_locally();
    record = cede__poller_fd(&poller, listener_alone);
    ck_assert(!cede__acceptor_open(&acceptor, &poller, record));
    record->owned = true;
    ck_assert(cede__acceptor_open(&acceptor, &poller, record));
    ck_assert_int_eq(cede__acceptor_arm(&acceptor, listener_alone), 0);
}

static void close_acceptor(void)
{
    struct cede__list waiters = {0}, ready = {0};
    int fd;

    if (listener_alone >= 0) {
        while ((fd = cede__acceptor_next(&acceptor)) >= 0)
            close(fd);
        cede__poller_forget(&poller, listener_alone, &waiters);
        while (acceptor.armed)
            cede__poller_wait(&poller, CEDE_SECOND, &ready);
        cede__acceptor_close(&acceptor);
        close(listener_alone);
    }
    cede__poller_close(&poller);
    cede__private_close(poller.wake_fd);
}

static unsigned queued(void)
{
    return acceptor.end - acceptor.first;
}

static void look(void)
{
    struct cede__list ready = {0};

    cede__poller_wait(&poller, 0, &ready);
}

enum { BURST = 100, MANY = 700, MORE = 100 };

/* The kernel keeps what a task that does not come would have to, and gives it out when it does. */
START_TEST(what_is_not_taken_is_held_back)
{
    static int fds[MANY + MORE];
    int i, taken;

    if (listener_alone < 0)
        return;
    for (i = 0; i < MANY; i++) {
        fds[i] = connect_plainly();
        if (i % BURST == BURST - 1)
            look();
    }
    look();
    ck_assert_uint_ge(queued(), 256);
    ck_assert_uint_le(queued(), 256 + BURST);
    ck_assert(!acceptor.armed);
    ck_assert_int_eq(acceptor.error, 0);
    for (; i < MANY + MORE; i++)
        fds[i] = connect_plainly();
    for (taken = 0; taken < MANY + MORE;) {
        int fd = cede__acceptor_next(&acceptor);

        if (fd >= 0) {
            ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
            close(fd);
            taken++;
            continue;
        }
        if (!acceptor.armed)
            ck_assert_int_eq(cede__acceptor_arm(&acceptor, listener_alone), 0);
        look();
    }
    look();
    ck_assert_int_eq(cede__acceptor_next(&acceptor), -1);
    for (i = 0; i < MANY + MORE; i++)
        close(fds[i]);
}
END_TEST

/* What there is no memory for is closed, not left behind. */
START_TEST(no_memory_for_the_queue)
{
    static int fds[BURST];
    struct fault_memory memory;
    int i, ends = 0, before;
    char byte;

    if (listener_alone < 0)
        return;
    look();
    before = count_descriptors();
    for (i = 0; i < BURST; i++)
        fds[i] = connect_plainly();
    if (fault_memory_begin(&memory)) {
        look();
        fault_memory_end(&memory);
        ck_assert_uint_eq(queued(), 64);
        for (i = 0; i < BURST; i++)
            ends += recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0;
        ck_assert_int_eq(ends, BURST - 64);
        ck_assert_int_eq(count_descriptors(), before + BURST + 64);
    }
    for (i = 0; i < BURST; i++)
        close(fds[i]);
}
END_TEST

START_TEST(out_of_descriptors)
{
    struct rlimit limit;
    int fds[4], free_ones[2], i;
    rlim_t kept;

    if (listener_alone < 0)
        return;
    look();
    ck_assert_int_eq(cede__acceptor_next(&acceptor), -1);
    cede__acceptor_stop(&acceptor); /* the limit is looked at when it is armed */
    look();
    ck_assert(!acceptor.armed);
    for (i = 0; i < 4; i++)
        fds[i] = connect_plainly();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (i = 0; i < 2; i++)
        free_ones[i] = dup(fds[0]);
    for (i = 0; i < 2; i++)
        close(free_ones[i]);
    kept = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)free_ones[1] + 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(cede__acceptor_arm(&acceptor, listener_alone), 0);
    look();
    ck_assert_uint_eq(queued(), 2);
    ck_assert_int_eq(acceptor.error, EMFILE);
    ck_assert(!acceptor.armed);
    limit.rlim_cur = kept;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    acceptor.error = 0;
    ck_assert_int_eq(cede__acceptor_arm(&acceptor, listener_alone), 0);
    look();
    ck_assert_uint_eq(queued(), 4); /* in the kernel's queue they were safe */
    for (i = 0; i < 4; i++)
        close(fds[i]);
}
END_TEST

/* A child does not keep open what only its parent knows of. */
START_TEST(a_child_of_fork_closes_what_came_ahead)
{
    int fd, status, accepted;
    pid_t child;

    if (listener_alone < 0)
        return;
    fd = connect_plainly();
    look();
    ck_assert_uint_eq(queued(), 1);
    accepted = acceptor.fds[acceptor.first];
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (cede__poller_forked(&poller) != 0)
            _exit(1);
        _exit(fcntl(accepted, F_GETFD) == -1 && errno == EBADF ? 0 : 2);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(fcntl(accepted, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}
END_TEST

/* ---- storm ---- */

enum { CLIENTS = 24, VISITS = 120 };

static bool over;
static int answered;

static int visitor(void *arg)
{
    unsigned random = *(unsigned *)arg;
    char byte;
    int i, fd;

    for (i = 0; i < HARNESS_ROUNDS(VISITS); i++) {
        while ((fd = cede_dial(dialled)) < 0) { /* nobody listens just now */
            ck_assert_msg(errno == ECONNREFUSED || errno == ECONNRESET, "errno %d", errno);
            cede_sleep((1 + harness_random(&random) % 2) * CEDE_MILLISECOND);
        }
        if (harness_random(&random) % 4 && cede_send(fd, "x", 1, MSG_NOSIGNAL) == 1)
            cede_timeout (20 * CEDE_MILLISECOND) /* it may wait for the next server */
                answered += cede_recv(fd, &byte, 1, 0) == 1;
        if (harness_random(&random) % 8 == 0)
            cede_sleep(harness_random(&random) % 300 * CEDE_MICROSECOND);
        ck_assert_int_eq(cede_close(fd), 0);
    }
    return 0;
}

/* Servers that end in every way, again and again; the listener is closed and opened anew now and then. */
static int rulers(void *arg)
{
    unsigned random = *(unsigned *)arg;
    int listener = -1;
    struct cede_task *serving;

    while (!over) {
        if (listener < 0)
            ck_assert_int_ge(listener = cede_listen(dialled), 0);
        if (harness_random(&random) % 8 == 0)
            ck_assert_int_eq(cede_fcntl(listener, F_SETFL, harness_random(&random) % 2 ? O_NONBLOCK : 0), 0);
        serving = cede_go(server, .fd = listener);
        cede_yield();
        cede_sleep(harness_random(&random) % 3000 * CEDE_MICROSECOND);
        switch (harness_random(&random) % 3) {
        case 0:
            ck_assert_int_eq(cede_close(listener), 0);
            listener = -1;
            ck_assert_fails(cede_await(serving), EBADF);
            break;
        case 1:
            ck_assert_int_eq(cede_close(listener), 0);
            ck_assert_int_ge(listener = cede_listen(dialled), 0); /* perhaps by the same number, so that it goes on */
            ck_assert_int_eq(cede_cancel(serving), 0);
            ck_assert_int_eq(cede_await(serving), -1);
            break;
        default:
            ck_assert_int_eq(cede_cancel(serving), 0);
            ck_assert_fails(cede_await(serving), ECANCELED);
        }
        ck_assert_int_eq(begun, ended);
    }
    return listener < 0 ? 0 : cede_close(listener);
}

static unsigned seed;

POLLER_TEST(storm)
{
    struct cede_task *visitors[CLIENTS], *ruler;
    unsigned seeds[CLIENTS];
    int before = count_descriptors(), i;

    cede_close(listen_locally());
    ruler = cede_spawn(rulers, &seed);
    for (i = 0; i < CLIENTS; i++) {
        seeds[i] = seed + 7919 * (unsigned)(i + 1);
        ck_assert_ptr_nonnull(visitors[i] = cede_spawn(visitor, &seeds[i]));
    }
    for (i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(cede_await(visitors[i]), 0);
    over = true;
    ck_assert_int_eq(cede_await(ruler), 0);
    ck_assert_int_gt(answered, 0);
    ck_assert_int_eq(count_descriptors(), before);
}

static void seed_1(void)
{
    seed = 1;
}

static void seed_2(void)
{
    seed = 4711;
}

Suite *suite(void)
{
    Suite *all = suite_create("acceptor");
    TCase *where = tcase_create("where"), *ends = tcase_create("ends"), *alone = tcase_create("alone");
    TCase *first = tcase_create("seed 1"), *second = tcase_create("seed 4711");

    tcase_add_loop_test(where, no_call_for_a_connection, 0, POLLERS);
    tcase_add_loop_test(where, not_from_a_listener_that_does_not_block, 0, POLLERS);
    tcase_add_loop_test(where, not_from_a_listener_of_others, 0, POLLERS);
    tcase_add_loop_test(where, not_in_a_child_of_fork, 0, POLLERS);
    tcase_add_loop_test(where, one_at_a_time, 0, POLLERS);
    suite_add_tcase(all, where);
    tcase_add_loop_test(ends, cancelled_as_connections_come, 0, POLLERS);
    tcase_add_loop_test(ends, closed_as_connections_come, 0, POLLERS);
    tcase_add_loop_test(ends, what_was_accepted_ahead_is_served, 0, POLLERS);
    tcase_add_loop_test(ends, a_closed_listener_listens_no_longer, 0, POLLERS);
    tcase_add_loop_test(ends, a_listener_that_is_shut_down, 0, POLLERS);
    tcase_add_loop_test(ends, the_end_of_the_runtime, 0, POLLERS);
    tcase_add_loop_test(ends, a_full_ring_as_it_begins, 0, POLLERS);
    tcase_add_loop_test(ends, a_full_ring_as_it_ends, 0, POLLERS);
    suite_add_tcase(all, ends);
    tcase_add_checked_fixture(alone, open_acceptor, close_acceptor);
    tcase_add_test(alone, what_is_not_taken_is_held_back);
    tcase_add_test(alone, no_memory_for_the_queue);
    tcase_add_test(alone, out_of_descriptors);
    tcase_add_test(alone, a_child_of_fork_closes_what_came_ahead);
    suite_add_tcase(all, alone);
    tcase_set_timeout(first, 120);
    tcase_set_timeout(second, 120);
    tcase_add_checked_fixture(first, seed_1, NULL);
    tcase_add_checked_fixture(second, seed_2, NULL);
    tcase_add_loop_test(first, storm, 0, POLLERS);
    tcase_add_loop_test(second, storm, 0, POLLERS);
    suite_add_tcase(all, first);
    suite_add_tcase(all, second);
    return all;
}
