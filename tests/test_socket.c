/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"
#include "sched.h"

static struct sockaddr_in address;

/* A listening TCP socket on a port of its own, which `address` then is. */
static int listener(int backlog)
{
    socklen_t size = sizeof address;
    int fd = cede_socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return fd;
}

static int dial(int fd)
{
    return cede_connect(fd, (struct sockaddr *)&address, sizeof address);
}

/* Connects, sends a byte, waits for the answer. */
static int client(void *unused)
{
    int fd = cede_socket(AF_INET, SOCK_STREAM, 0), before = fcntl(fd, F_GETFL);
    char c;

    (void)unused;
    ck_assert_int_eq(dial(fd), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFL), before);
    ck_assert_int_eq(cede_write(fd, "a", 1), 1);
    ck_assert_int_eq(cede_read(fd, &c, 1), 1);
    ck_assert_int_eq(c, 'b');
    ck_assert_fails(dial(fd), EISCONN);
    cede_close(fd);
    return 0;
}

TASK_TEST(accept_waits_for_connect)
{
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    int fd = listener(10), before = fcntl(fd, F_GETFL), connection;
    struct cede_task *task = cede_spawn(client, NULL);
    char c;

    for (int i = 0; i < 2; i++) {
        connection = i ? cede_accept4(fd, NULL, NULL, SOCK_CLOEXEC)
                       : cede_accept(fd, (struct sockaddr *)&peer, &size);
        ck_assert_int_ge(connection, 0);
        ck_assert_int_eq(fcntl(connection, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_eq(fcntl(connection, F_GETFD), i ? FD_CLOEXEC : 0);
        ck_assert_int_eq(cede_read(connection, &c, 1), 1);
        ck_assert_int_eq(cede_write(connection, "b", 1), 1);
        ck_assert_int_eq(cede_read(connection, &c, 1), 0);
        cede_close(connection);
        ck_assert_int_eq(cede_await(task), 0);
        task = i ? NULL : cede_spawn(client, NULL);
    }
    ck_assert_int_eq(size, sizeof peer);
    ck_assert_int_eq(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    ck_assert_int_eq(fcntl(fd, F_GETFL), before);
    cede_close(fd);
}

TASK_TEST(accept_reports_misuse)
{
    int fd = cede_socket(AF_INET, SOCK_STREAM, 0), pair[2], udp = cede_socket(AF_INET, SOCK_DGRAM, 0);

    ck_assert_fails(cede_accept(-1, NULL, NULL), EBADF);
    ck_assert_fails(cede_accept(fd, NULL, NULL), EINVAL);
    ck_assert_fails(cede_accept(udp, NULL, NULL), EOPNOTSUPP);
    cede_close(fd);
    cede_close(udp);
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_fails(cede_accept(pair[0], NULL, NULL), EINVAL);
    cede_close(pair[0]);
    cede_close(pair[1]);
    ck_assert_int_eq(cede_pipe2(pair, 0), 0);
    ck_assert_fails(cede_accept(pair[0], NULL, NULL), ENOTSOCK);
    cede_close(pair[0]);
    cede_close(pair[1]);
    fd = listener(10);
    ck_assert_fails(cede_accept4(fd, NULL, NULL, 12345), EINVAL);
    ck_assert_int_eq(cede_fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    ck_assert_fails(cede_accept(fd, NULL, NULL), EAGAIN);
    cede_close(fd);
}

struct accepter {
    int fd, error;
};

static int accepter(struct accepter *a)
{
    ck_assert_fails(cede_accept(a->fd, NULL, NULL), a->error);
    return 0;
}

TASK_TEST(accept_can_be_interrupted)
{
    struct timeval short_time = {.tv_usec = 2000};
    int fd = listener(10);
    struct cede_task *task = cede_go(accepter, .fd = fd, .error = ECANCELED);

    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_accept(fd, NULL, NULL), ETIMEDOUT);
    task = cede_go(accepter, .fd = fd, .error = EBADF);
    cede_yield();
    cede_close(fd);
    ck_assert_int_eq(cede_await(task), 0);
    fd = listener(10);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time), 0);
    ck_assert_fails(cede_accept(fd, NULL, NULL), EAGAIN);
    cede_close(fd);
}

TASK_TEST(accept_of_who_asked_not_to_wait)
{
    int fd = listener(10), connection;
    struct cede_task *task;
    char c;

    task = cede_spawn(client, NULL);
    connection = cede_accept(fd, NULL, NULL);
    ck_assert_int_ge(connection, 0);
    ck_assert_int_eq(cede_read(connection, &c, 1), 1);
    ck_assert_int_eq(cede_write(connection, "b", 1), 1);
    ck_assert_int_eq(cede_await(task), 0);
    cede_close(connection);
    cede_fcntl(fd, F_SETFL, O_NONBLOCK);
    ck_assert_fails(cede_accept(fd, NULL, NULL), EAGAIN);
    cede_close(fd);
}

TASK_TEST(connect_reports_refusal_and_may_try_again)
{
    int closed = listener(1), fd = cede_socket(AF_INET, SOCK_STREAM, 0), connection;

    cede_close(closed);
    ck_assert_fails(dial(fd), ECONNREFUSED);
    ck_assert_fails(dial(fd), ECONNREFUSED);
    ck_assert_fails(dial(-1), EBADF);
    ck_assert_fails(cede_connect(fd, NULL, 16), EFAULT);
    closed = listener(1);
    ck_assert_int_eq(dial(fd), 0);
    connection = cede_accept(closed, NULL, NULL);
    ck_assert_int_ge(connection, 0);
    cede_close(connection);
    cede_close(closed);
    cede_close(fd);
}

TASK_TEST(connect_of_who_asked_not_to_wait)
{
    int server = listener(1), fd = cede_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ck_assert_fails(dial(fd), EINPROGRESS);
    ck_assert_int_eq(dial(fd), 0);
    ck_assert_fails(dial(fd), EISCONN);
    cede_close(fd);
    cede_close(server);
}

/* With its backlog full, Linux drops the SYN: such a connect goes on for long. */
static int stuck(int *others)
{
    int server = listener(0), count = 0, fd, result;

    do {
        fd = cede_socket(AF_INET, SOCK_STREAM, 0);
        others[count++] = fd;
        result = -1;
        cede_timeout (100 * CEDE_MILLISECOND)
            result = dial(fd);
    } while (result == 0 && count < 8);
    ck_assert_int_eq(errno, ETIMEDOUT);
    others[count] = server;
    return count + 1;
}

static int dial_cancelled(void *fd)
{
    ck_assert_fails(dial(*(int *)fd), ECANCELED);
    return 0;
}

TASK_TEST(connect_can_be_interrupted)
{
    struct timeval short_time = {.tv_usec = 2000};
    int others[10], count = stuck(others), fd = cede_socket(AF_INET, SOCK_STREAM, 0);
    struct cede_task *task = cede_spawn(dial_cancelled, &fd);

    cede_sleep(CEDE_MILLISECOND);
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_fails(dial(fd), EALREADY);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    cede_close(fd);
    fd = cede_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &short_time, sizeof short_time), 0);
    ck_assert_fails(dial(fd), EINPROGRESS);
    cede_close(fd);
    while (count-- > 0)
        cede_close(others[count]);
}

/* ---- AF_UNIX: a full backlog has no event ---- */

static struct sockaddr_un local;

static int dial_local(void *arg)
{
    int fd = cede_socket(AF_UNIX, SOCK_STREAM, 0), result;

    (void)arg;
    result = cede_connect(fd, (struct sockaddr *)&local, sizeof local);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    if (result != 0)
        ck_assert_int_eq(errno, ECANCELED);
    cede_close(fd);
    return 0;
}

TASK_TEST(a_full_backlog_is_waited_for)
{
    struct cede_task *tasks[10];
    int server = cede_socket(AF_UNIX, SOCK_STREAM, 0), fd;

    local.sun_family = AF_UNIX;
    snprintf(local.sun_path + 1, sizeof local.sun_path - 1, "cede-test-%d", (int)getpid());
    ck_assert_int_eq(bind(server, (struct sockaddr *)&local, sizeof local), 0);
    ck_assert_int_eq(listen(server, 1), 0);
    for (int i = 0; i < 10; i++)
        tasks[i] = cede_spawn(dial_local, NULL);
    cede_sleep(5 * CEDE_MILLISECOND);
    cede_cancel(tasks[9]);
    ck_assert_int_eq(cede_await(tasks[9]), 0);
    cede_timeout (5 * CEDE_MILLISECOND) {
        fd = cede_socket(AF_UNIX, SOCK_STREAM, 0);
        ck_assert_fails(cede_connect(fd, (struct sockaddr *)&local, sizeof local), ETIMEDOUT);
        cede_close(fd);
    }
    for (int i = 0; i < 9; i++) {
        fd = cede_accept(server, NULL, NULL);
        ck_assert_int_ge(fd, 0);
        cede_close(fd);
    }
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    cede_close(server);
}

TASK_TEST(datagrams_come_with_their_sender)
{
    struct sockaddr_in from;
    socklen_t size = sizeof address;
    int a = cede_socket(AF_INET, SOCK_DGRAM, 0), b = cede_socket(AF_INET, SOCK_DGRAM, 0);
    char buf[8];
    struct iovec iov = {buf, sizeof buf};
    struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1};

    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(a, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(a, (struct sockaddr *)&address, &size), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_recvfrom(a, buf, sizeof buf, 0, (struct sockaddr *)&from, &size), ETIMEDOUT);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(cede_sendto(b, "abc", 3, 0, (struct sockaddr *)&address, sizeof address), 3);
    ck_assert_int_eq(cede_recvfrom(a, buf, sizeof buf, 0, (struct sockaddr *)&from, &size), 3);
    ck_assert_uint_eq(size, sizeof from);
    ck_assert_int_eq(from.sin_family, AF_INET);
    memset(&from, 0, sizeof from);
    ck_assert_int_eq(cede_recvmsg(a, &msg, 0), 3);
    ck_assert_int_eq(from.sin_family, AF_INET);
    ck_assert_int_eq(dial(b), 0);
    ck_assert_int_eq(cede_write(b, "defg", 4), 4);
    ck_assert_int_eq(cede_read(a, buf, 2), 2);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_read(a, buf, 2), ETIMEDOUT);
    cede_close(a);
    cede_close(b);
}

/* ---- the short read that spares the next attempt ---- */

TASK_TEST(a_short_read_means_empty_until_an_event)
{
    int server = listener(1), fd = cede_socket(AF_INET, SOCK_STREAM, 0), connection;
    struct cede__fd *record;
    char buf[64];

    if (strcmp(cede_runtime_poller(), "io_uring") == 0)
        return; /* there is no attempt to be spared */
    ck_assert_int_eq(dial(fd), 0);
    connection = cede_accept(server, NULL, NULL);
    record = cede__poller_fd_known(&cede__worker->poller, connection);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_read(connection, buf, sizeof buf), ETIMEDOUT);
    ck_assert_int_eq(cede_write(fd, "abc", 3), 3);
    ck_assert_int_eq(cede_recv(connection, buf, sizeof buf, MSG_PEEK), 3);
    ck_assert(!record->drained);
    ck_assert_int_eq(cede_read(connection, buf, 3), 3);
    ck_assert(!record->drained);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_int_eq(cede_write(fd, "abc", 3), 3);
    ck_assert_int_eq(cede_read(connection, buf, sizeof buf), 3);
    ck_assert(record->drained);
    /* Urgent data, behind which a read stops: never again. */
    ck_assert_int_eq(cede_send(fd, "x!", 2, MSG_OOB), 2);
    ck_assert_int_eq(cede_send(fd, "yz", 2, 0), 2);
    ck_assert_int_eq(cede_read(connection, buf, sizeof buf), 1);
    ck_assert_int_eq(cede_read(connection, buf, sizeof buf), 2);
    ck_assert(!record->drained);
    /* The end comes with the last data, in one event. */
    ck_assert_int_eq(cede_write(fd, "end", 3), 3);
    cede_close(fd);
    ck_assert_int_eq(cede_read(connection, buf, sizeof buf), 3);
    ck_assert_int_eq(cede_read(connection, buf, sizeof buf), 0);
    cede_close(connection);
    cede_close(server);
}

TASK_TEST(data_and_end_in_one_event)
{
    int server = listener(1), fd = cede_socket(AF_INET, SOCK_STREAM, 0), connection;
    char buf[64];

    ck_assert_int_eq(dial(fd), 0);
    connection = cede_accept(server, NULL, NULL);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_read(connection, buf, sizeof buf), ETIMEDOUT);
    ck_assert_int_eq(cede_write(fd, "end", 3), 3);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_int_eq(cede_read(connection, buf, sizeof buf), 3);
    ck_assert_int_eq(cede_read(connection, buf, sizeof buf), 0);
    ck_assert_int_eq(cede_write(connection, "back", 4), 4);
    ck_assert_int_eq(cede_read(fd, buf, sizeof buf), 4);
    cede_close(fd);
    cede_close(connection);
    cede_close(server);
}

/* ---- reads of a socket that is known to be empty ---- */

enum { SERVER, CLIENT, ENDS };

/* A connection whose ends[SERVER] has been read empty, with SO_RCVTIMEO (0: none). */
static void drained_for(int ends[ENDS], int timeout_ms)
{
    const struct timeval timeout = {.tv_usec = timeout_ms * 1000};
    int server = listener(1);
    char buf[8];

    ends[CLIENT] = cede_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(dial(ends[CLIENT]), 0);
    ck_assert_int_ge(ends[SERVER] = cede_accept(server, NULL, NULL), 0);
    ck_assert_int_eq(setsockopt(ends[SERVER], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_read(ends[SERVER], buf, sizeof buf), ETIMEDOUT);
    ck_assert_int_eq(cede_write(ends[CLIENT], "abc", 3), 3);
    ck_assert_int_eq(cede_read(ends[SERVER], buf, sizeof buf), 3);
    cede_close(server);
}

static void drained(int ends[ENDS])
{
    drained_for(ends, 0);
}

static int reads(void *fd)
{
    char buf[8];
    ssize_t n;

    errno = ENOSYS;
    n = cede_recv((int)(intptr_t)fd, buf, sizeof buf, 0);
    ck_assert(n < 0 || errno == ENOSYS);
    return (int)n;
}

static struct cede_task *reader(int fd)
{
    struct cede_task *task = cede_spawn(reads, (void *)(intptr_t)fd);

    ck_assert_ptr_nonnull(task);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0); /* it waits */
    return task;
}

TASK_TEST(what_ends_a_read_of_an_empty_socket)
{
    const struct linger abort_it = {.l_onoff = 1};
    struct cede_task *task, *second;
    int ends[ENDS], twin;
    char buf[8];

    drained(ends);
    task = reader(ends[SERVER]);
    ck_assert_int_eq(cede_write(ends[CLIENT], "12345678", 8), 8); /* fills the buffer: there might be more */
    ck_assert_int_eq(cede_await(task), 8);
    ck_assert_int_eq(cede_write(ends[CLIENT], "1", 1), 1);
    ck_assert_int_eq(cede_read(ends[SERVER], buf, sizeof buf), 1);
    task = reader(ends[SERVER]);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(reads((void *)(intptr_t)ends[SERVER]), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    /* One message for two who wait: the other, whichever it is, goes on waiting. */
    task = reader(ends[SERVER]);
    second = reader(ends[SERVER]);
    ck_assert_int_eq(cede_write(ends[CLIENT], "12", 2), 2);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_write(ends[CLIENT], "123", 3), 3);
    ck_assert_int_eq(cede_await(task) + cede_await(second), 5);
    /* Closed, and the number means another socket before it is the reader's turn. */
    task = reader(ends[SERVER]);
    ck_assert_int_eq(cede_write(ends[CLIENT], "1", 1), 1);
    twin = ends[SERVER];
    cede_close(ends[SERVER]);
    cede_close(ends[CLIENT]);
    drained(ends);
    ck_assert(ends[SERVER] == twin || ends[CLIENT] == twin);
    ck_assert_fails(cede_await(task), EBADF);
    /* The end, and a reset. */
    task = reader(ends[SERVER]);
    cede_close(ends[CLIENT]);
    ck_assert_int_eq(cede_await(task), 0);
    cede_close(ends[SERVER]);
    drained(ends);
    task = reader(ends[SERVER]);
    ck_assert_int_eq(setsockopt(ends[CLIENT], SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it), 0);
    cede_close(ends[CLIENT]);
    ck_assert_fails(cede_await(task), ECONNRESET);
    cede_close(ends[SERVER]);
}

TASK_TEST(an_empty_socket_whose_user_does_not_want_to_wait)
{
    int ends[ENDS];

    drained_for(ends, 20);
    ck_assert_fails(reads((void *)(intptr_t)ends[SERVER]), EAGAIN);
    ck_assert_int_eq(cede_write(ends[CLIENT], "12", 2), 2);
    ck_assert_int_eq(reads((void *)(intptr_t)ends[SERVER]), 2);
    cede_close(ends[SERVER]);
    cede_close(ends[CLIENT]);
    drained(ends);
    ck_assert_fails(cede_recv(ends[SERVER], (char[8]){0}, 8, MSG_DONTWAIT), EAGAIN);
    ck_assert_int_eq(cede_read(ends[SERVER], NULL, 0), 0);
    ck_assert_int_ge(cede_fcntl(ends[SERVER], F_SETFL, O_NONBLOCK), 0);
    ck_assert_fails(reads((void *)(intptr_t)ends[SERVER]), EAGAIN);
    ck_assert_fails(cede_read(ends[SERVER], (char[8]){0}, 8), EAGAIN);
    cede_close(ends[SERVER]);
    cede_close(ends[CLIENT]);
}

START_TEST(outside_a_task_calls_are_plain)
{
    int server = listener(1), fd = cede_socket(AF_INET, SOCK_STREAM, 0), connection;

    ck_assert_int_eq(dial(fd), 0);
    connection = cede_accept(server, NULL, NULL);
    ck_assert_int_ge(connection, 0);
    cede_close(connection);
    cede_close(fd);
    cede_close(server);
    ck_assert_fails(cede_socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
    ck_assert_fails(cede_socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0, 0}), EOPNOTSUPP);
}
END_TEST

Suite *suite(void)
{
    Suite *socket_suite = suite_create("socket");
    TCase *calls = tcase_create("calls");

    tcase_add_test(calls, accept_waits_for_connect);
    tcase_add_test(calls, accept_reports_misuse);
    tcase_add_test(calls, accept_can_be_interrupted);
    tcase_add_test(calls, accept_of_who_asked_not_to_wait);
    tcase_add_test(calls, connect_reports_refusal_and_may_try_again);
    tcase_add_test(calls, connect_of_who_asked_not_to_wait);
    tcase_add_test(calls, connect_can_be_interrupted);
    tcase_add_test(calls, a_full_backlog_is_waited_for);
    tcase_add_test(calls, datagrams_come_with_their_sender);
    tcase_add_test(calls, a_short_read_means_empty_until_an_event);
    tcase_add_test(calls, data_and_end_in_one_event);
    tcase_add_test(calls, what_ends_a_read_of_an_empty_socket);
    tcase_add_test(calls, an_empty_socket_whose_user_does_not_want_to_wait);
    tcase_add_test(calls, outside_a_task_calls_are_plain);
    tcase_set_timeout(calls, 30);
    suite_add_tcase(socket_suite, calls);
    return socket_suite;
}
