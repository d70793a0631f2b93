/* SPDX-License-Identifier: MIT */
/* The waits of the calls of cede/io.h end early: by cancellation, by a deadline, by cede_close(). */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "early.h"

enum { MANY_BYTES = 8 << 20 }; /* more than any pipe or socket holds */

static int from;      /* a stream socket to which nobody writes */
static int to;        /* one that is full: nobody reads */
static int listening; /* nobody dials */
static int slow;      /* nobody accepts: the backlog is full */
static struct sockaddr_in slow_address;
static char byte;

/* ---- every call that waits ---- */

static int reads(void *unused)
{
    (void)unused;
    return (int)cede_read(from, &byte, 1);
}

static int readvs(void *unused)
{
    (void)unused;
    return (int)cede_readv(from, &(struct iovec){&byte, 1}, 1);
}

static int writes(void *unused)
{
    (void)unused;
    return (int)cede_write(to, &byte, 1);
}

static int writevs(void *unused)
{
    (void)unused;
    return (int)cede_writev(to, &(struct iovec){&byte, 1}, 1);
}

static int recvs(void *unused)
{
    (void)unused;
    return (int)cede_recv(from, &byte, 1, 0);
}

static int recvfroms(void *unused)
{
    (void)unused;
    return (int)cede_recvfrom(from, &byte, 1, 0, NULL, NULL);
}

static int recvmsgs(void *unused)
{
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    (void)unused;
    return (int)cede_recvmsg(from, &message, 0);
}

static int sends(void *unused)
{
    (void)unused;
    return (int)cede_send(to, &byte, 1, 0);
}

static int sendtos(void *unused)
{
    (void)unused;
    return (int)cede_sendto(to, &byte, 1, 0, NULL, 0);
}

static int sendmsgs(void *unused)
{
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    (void)unused;
    return (int)cede_sendmsg(to, &message, 0);
}

static int accepts(void *unused)
{
    (void)unused;
    return cede_accept(listening, NULL, NULL);
}

static int accept4s(void *unused)
{
    (void)unused;
    return cede_accept4(listening, NULL, NULL, SOCK_CLOEXEC);
}

static int connects(void *fd)
{
    return cede_connect(*(int *)fd, (struct sockaddr *)&slow_address, sizeof slow_address);
}

/* ---- what they wait for ---- */

static int listener(int backlog, struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = cede_socket(AF_INET, SOCK_STREAM, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, size), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

static void open_all(void)
{
    char *many = calloc(1, MANY_BYTES);
    struct sockaddr_in unused;
    int fds[2];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    from = fds[0];
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    to = fds[0];
    cede_timeout (20 * CEDE_MILLISECOND)
        ck_assert_int_lt(cede_write(to, many, MANY_BYTES), MANY_BYTES);
    free(many);
    listening = listener(5, &unused);
}

static cede_task_fn *const calls[] = {reads, readvs,  writes,   writevs, recvs,   recvfroms,
                                      recvmsgs, sends, sendtos, sendmsgs, accepts, accept4s};

enum { CALLS = sizeof calls / sizeof *calls };

TASK_TEST(by_cancellation_and_by_a_deadline)
{
    int i;

    open_all();
    for (i = 0; i < CALLS; i++)
        early_assert_ends(calls[i], NULL);
}

TASK_TEST(by_close)
{
    struct cede_task *tasks[CALLS];
    int i;

    open_all();
    for (i = 0; i < CALLS; i++)
        tasks[i] = cede_spawn(calls[i], NULL);
    ck_assert_int_eq(cede_yield(), 0);
    cede_close(from);
    cede_close(to);
    cede_close(listening);
    for (i = 0; i < CALLS; i++)
        ck_assert_fails(cede_await(tasks[i]), EBADF);
    for (i = 0; i < CALLS; i++)
        ck_assert_fails(calls[i](NULL), EBADF); /* now they need not wait */
}

/* A listener whose backlog is full leaves the next one who dials waiting. */
TASK_TEST(a_connect)
{
    enum { OTHERS = 10 };
    int others[OTHERS], fd, i;
    struct cede_task *task;

    slow = listener(0, &slow_address);
    for (i = 0; i < OTHERS; i++) {
        others[i] = cede_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connects(&others[i]);
    }
    ck_assert_int_eq(cede_sleep(5 * CEDE_MILLISECOND), 0);
    fd = cede_socket(AF_INET, SOCK_STREAM, 0);
    task = cede_spawn(connects, &fd);
    ck_assert_int_eq(cede_yield(), 0);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    cede_close(fd);
    fd = cede_socket(AF_INET, SOCK_STREAM, 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(connects(&fd), ETIMEDOUT);
    cede_close(fd);
    fd = cede_socket(AF_INET, SOCK_STREAM, 0);
    task = cede_spawn(connects, &fd);
    ck_assert_int_eq(cede_yield(), 0);
    cede_close(fd);
    ck_assert_fails(cede_await(task), EBADF);
}

/* ---- poll and its relatives ---- */

static int polls(void *unused)
{
    struct pollfd polled = {.fd = from, .events = POLLIN};

    (void)unused;
    return cede_poll(&polled, 1, -1);
}

static int ppolls(void *unused)
{
    struct pollfd polled = {.fd = from, .events = POLLIN};

    (void)unused;
    return cede_ppoll(&polled, 1, NULL, NULL);
}

static int selects(void *unused)
{
    fd_set set;

    (void)unused;
    FD_ZERO(&set);
    FD_SET(from, &set);
    return cede_select(from + 1, &set, NULL, NULL, NULL);
}

TASK_TEST(a_poll)
{
    open_all();
    early_assert_ends(polls, NULL);
    early_assert_ends(ppolls, NULL);
    early_assert_ends(selects, NULL);
}

/* ---- what is no socket ---- */

TASK_TEST(what_is_no_socket)
{
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int fds[2];

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    ck_assert_fails(cede_recv(fds[0], &byte, 1, 0), ENOTSOCK);
    ck_assert_fails(cede_recvfrom(fds[0], &byte, 1, 0, NULL, NULL), ENOTSOCK);
    ck_assert_fails(cede_recvmsg(fds[0], &message, 0), ENOTSOCK);
    ck_assert_fails(cede_send(fds[1], &byte, 1, 0), ENOTSOCK);
    ck_assert_fails(cede_sendto(fds[1], &byte, 1, 0, NULL, 0), ENOTSOCK);
    ck_assert_fails(cede_sendmsg(fds[1], &message, 0), ENOTSOCK);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

/* ---- descriptors that others make, change and close ---- */

TASK_TEST(what_others_do_is_told)
{
    int fds[2], flags;
    struct cede_task *task;

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    from = fds[0];
    early_assert_ends(reads, NULL); /* now the runtime knows it, as a pipe that blocks */
    flags = fcntl(from, F_GETFL);
    ck_assert_int_eq(fcntl(from, F_SETFL, flags | O_NONBLOCK), 0);
    cede_fd_changed(from);
    ck_assert_fails(reads(NULL), EAGAIN);
    ck_assert_int_eq(fcntl(from, F_SETFL, flags), 0);
    cede_fd_changed(from);
    task = cede_spawn(reads, NULL);
    ck_assert_int_eq(cede_yield(), 0);
    cede_fd_closes(from);
    ck_assert_fails(cede_await(task), EBADF);
    close(from);
    close(fds[1]);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(fds[0], from); /* the same number means something else */
    cede_fd_made(fds[0]);
    cede_fd_made(fds[1]);
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(cede_recv(fds[0], &byte, 1, 0), 1);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

Suite *suite(void)
{
    Suite *self = suite_create("io_early");
    TCase *cases = tcase_create("io_early");

    tcase_add_test(cases, by_cancellation_and_by_a_deadline);
    tcase_add_test(cases, by_close);
    tcase_add_test(cases, a_connect);
    tcase_add_test(cases, a_poll);
    tcase_add_test(cases, what_is_no_socket);
    tcase_add_test(cases, what_others_do_is_told);
    suite_add_tcase(self, cases);
    return self;
}
