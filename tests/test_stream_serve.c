/* SPDX-License-Identifier: MIT */
/* Streams by address: dial, accept, serve. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "harness.h"

static char address[108];

/* A listening socket, whose address is then in `address`. */
static int listen_locally(void)
{
    int fd = cede_listen("127.0.0.1:0");

    ck_assert_int_ge(fd, 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", cede_port(fd));
    return fd;
}

static int listen_abstract(void)
{
    int fd;

    snprintf(address, sizeof address, "unix:@cede-stream-%d", (int)getpid());
    ck_assert_int_ge(fd = cede_listen(address), 0);
    return fd;
}

/* Asserts that an expression is NULL, with this errno. */
#define ck_assert_null(expression, error)     \
    do {                                      \
        errno = 0;                            \
        const void *result_ = (expression);   \
        int errno_ = errno;                   \
        ck_assert_ptr_null(result_);          \
        ck_assert_int_eq(errno_, (error));    \
    } while (0)

/* ---- dial and accept ---- */

static void talk(int listener)
{
    struct cede_stream *client = cede_stream_dial(address, NULL), *server;
    char line[16];

    ck_assert_ptr_nonnull(client);
    server = cede_stream_accept(listener, NULL);
    ck_assert_ptr_nonnull(server);
    ck_assert_int_eq(cede_stream_printf(client, "question\n"), 9);
    ck_assert_int_eq(cede_stream_write_eof(client), 0);
    ck_assert_int_eq(cede_stream_read_line(server, line, sizeof line), 9);
    ck_assert_str_eq(line, "question\n");
    ck_assert_int_eq(cede_stream_read_line(server, line, sizeof line), 0);
    ck_assert_int_eq(cede_stream_printf(server, "answer\n"), 7);
    ck_assert_int_eq(cede_stream_close(server), 0);
    ck_assert_int_eq(cede_stream_read_line(client, line, sizeof line), 7);
    ck_assert_str_eq(line, "answer\n");
    ck_assert_int_eq(cede_stream_close(client), 0);
    ck_assert_int_eq(cede_close(listener), 0);
}

TASK_TEST(tcp_and_unix)
{
    char folder[] = "/tmp/cede-stream-XXXXXX";
    int before = count_descriptors(), listener;

    talk(listen_locally());
    talk(listen_abstract());
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(address, sizeof address, "unix:%s/socket", folder);
    ck_assert_int_ge(listener = cede_listen(address), 0);
    talk(listener);
    ck_assert_int_eq(unlink(address + strlen("unix:")), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_int_eq(count_descriptors(), before);
}

TASK_TEST(errors_of_dial_and_accept)
{
    const struct cede_stream_attr huge = {.read_size = SIZE_MAX};
    int listener = listen_locally(), before = count_descriptors(), fds[2];
    struct cede_stream *client;

    ck_assert_null(cede_stream_dial(NULL, NULL), EINVAL);
    ck_assert_null(cede_stream_dial("unix:@cede-nobody", NULL), ECONNREFUSED);
    ck_assert_null(cede_stream_dial(address, &huge), ENOMEM);
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert_null(cede_stream_accept(listener, &huge), ENOMEM); /* takes the connection that has just gone */
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert_null(cede_stream_accept(-1, NULL), EBADF);
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_null(cede_stream_accept(fds[0], NULL), EINVAL);
    client = cede_stream_dial(address, NULL);
    ck_assert_int_eq(cede_stream_close(client), 0);
    cede_close(fds[0]);
    cede_close(fds[1]);
    cede_close(listener);
}

struct canceller { struct cede_task *task; };
static int canceller(struct canceller *a)
{
    return cede_cancel(a->task);
}

struct closer { int fd; };
static int closer(struct closer *a)
{
    return cede_close(a->fd);
}

TASK_TEST(accept_ends_early)
{
    int listener = listen_locally();

    cede_timeout (CEDE_MILLISECOND)
        ck_assert_null(cede_stream_accept(listener, NULL), ETIMEDOUT);
    cede_detach(cede_go(closer, .fd = listener));
    ck_assert_null(cede_stream_accept(listener, NULL), EBADF);
    listener = listen_locally();
    cede_detach(cede_go(canceller, .task = cede_self()));
    ck_assert_null(cede_stream_accept(listener, NULL), ECANCELED);
    cede_close(listener);
}

/* A listener whose queue is full answers nobody: the dial waits. */
TASK_TEST(dial_ends_early)
{
    struct cede_stream *streams[64], *stream = NULL;
    int listener = listen_abstract(), count = 0, before;

    ck_assert_int_eq(listen(listener, 0), 0);
    cede_timeout (20 * CEDE_MILLISECOND)
        while (count < 64 && (stream = cede_stream_dial(address, NULL)))
            streams[count++] = stream;
    before = count_descriptors();
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_null(cede_stream_dial(address, NULL), ETIMEDOUT);
    cede_detach(cede_go(canceller, .task = cede_self()));
    ck_assert_null(cede_stream_dial(address, NULL), ECANCELED);
    ck_assert_int_eq(count_descriptors(), before);
    while (count-- > 0)
        cede_stream_abort(streams[count]);
    cede_close(listener);
}

/* ---- serve ---- */

static int begun, ended;

/* Sends each line back. */
static int echo(struct cede_stream *stream, void *prefix)
{
    begun++;
    cede_for (char *, line, cede_stream_lines, .stream = stream)
        if (cede_stream_printf(stream, "%s%s\n", prefix ? (char *)prefix : "", line) < 0
            || cede_stream_flush(stream) != 0)
            break;
    ended++;
    return 0;
}

struct server { int fd; cede_stream_serve_fn *handler; void *arg; int error; };
static int server(struct server *a)
{
    ck_assert_fails(cede_stream_serve(a->fd, NULL, a->handler, a->arg), a->error);
    return 0;
}

struct client { unsigned seed; };
static int client(struct client *a)
{
    struct cede_stream *stream = cede_stream_dial(address, NULL);
    char sent[100], received[120];
    int round;

    ck_assert_ptr_nonnull(stream);
    for (round = 0; round < 10; round++) {
        snprintf(sent, sizeof sent, "%u\n", harness_random(&a->seed));
        ck_assert_int_eq(cede_stream_write_all(stream, sent, strlen(sent), NULL), 0);
        ck_assert_int_eq(cede_stream_read_line(stream, received, sizeof received), (ssize_t)strlen(sent) + 2);
        ck_assert_mem_eq(received, "> ", 2);
        ck_assert_str_eq(received + 2, sent);
    }
    return cede_stream_close(stream);
}

TASK_TEST(a_hundred_connections)
{
    int listener = listen_locally(), before = count_descriptors(), i;
    struct cede_task *serving, *clients[100];

    serving = cede_go(server, .fd = listener, .handler = echo, .arg = "> ", .error = ECANCELED);
    for (i = 0; i < 100; i++)
        clients[i] = cede_go(client, .seed = (unsigned)i + 1);
    for (i = 0; i < 100; i++)
        ck_assert_int_eq(cede_await(clients[i]), 0);
    ck_assert_int_eq(cede_cancel(serving), 0);
    ck_assert_int_eq(cede_await(serving), 0);
    ck_assert_int_eq(begun, 100);
    ck_assert_int_eq(ended, 100);
    ck_assert_int_eq(count_descriptors(), before);
    cede_close(listener);
}

/* What the handler has written is flushed for it, also when it was cancelled, as far as that needs no wait. */
static int greet(struct cede_stream *stream, void *reads)
{
    char byte;

    begun++;
    ck_assert_int_eq(cede_stream_printf(stream, "hello\n"), 6);
    if (reads)
        ck_assert_fails(cede_stream_read(stream, &byte, 1), ECANCELED);
    ended++;
    return -1;
}

TASK_TEST(what_a_handler_wrote_is_flushed)
{
    struct cede_stream *stream;
    struct cede_task *serving;
    int listener, reads;
    char line[16];

    for (reads = 0; reads < 2; reads++) {
        listener = listen_locally();
        begun = ended = 0;
        serving = cede_go(server, .fd = listener, .handler = greet, .arg = reads ? &reads : NULL, .error = ECANCELED);
        stream = cede_stream_dial(address, NULL);
        while (!begun)
            ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        if (!reads) {
            ck_assert_int_eq(cede_stream_read_line(stream, line, sizeof line), 6);
            ck_assert_int_eq(cede_stream_read_line(stream, line, sizeof line), 0);
        }
        ck_assert_int_eq(cede_cancel(serving), 0);
        ck_assert_int_eq(cede_await(serving), 0);
        ck_assert_int_eq(ended, 1);
        if (reads)
            ck_assert_int_eq(cede_stream_read_line(stream, line, sizeof line), 6);
        ck_assert_int_eq(cede_stream_close(stream), 0);
        cede_close(listener);
    }
}

static int exits(struct cede_stream *stream, void *unused)
{
    (void)unused;
    cede_stream_printf(stream, "bye\n");
    cede_exit(0);
}

TASK_TEST(the_stream_of_a_handler_that_exits_is_closed)
{
    int listener = listen_locally();
    struct cede_task *task = cede_go(server, .fd = listener, .handler = exits, .error = ECANCELED);
    struct cede_stream *stream = cede_stream_dial(address, NULL);
    char line[8];

    ck_assert_ptr_nonnull(stream);
    cede_timeout (10 * CEDE_SECOND) {
        ck_assert_int_eq(cede_stream_read_line(stream, line, sizeof line), 4);
        ck_assert_int_eq(cede_stream_read(stream, line, 1), 0);
    }
    ck_assert_int_eq(cede_stream_close(stream), 0);
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_int_eq(cede_await(task), 0);
    cede_close(listener);
}

TASK_TEST(ends_of_serve)
{
    const struct cede_stream_attr buffer = {.read_size = sizeof address, .read_buffer = address};
    int listener = listen_locally();

    ck_assert_fails(cede_stream_serve(listener, &buffer, echo, NULL), EINVAL);
    ck_assert_fails(cede_stream_serve(listener, NULL, NULL, NULL), EINVAL);
    ck_assert_fails(cede_stream_serve(0, NULL, echo, NULL), ENOTSOCK);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_serve(listener, NULL, echo, NULL), ETIMEDOUT);
    cede_detach(cede_go(closer, .fd = listener));
    ck_assert_fails(cede_stream_serve(listener, NULL, echo, NULL), EBADF);
    listener = listen_locally();
    cede_detach(cede_go(canceller, .task = cede_self()));
    ck_assert_fails(cede_stream_serve(listener, NULL, echo, NULL), ECANCELED);
    cede_close(listener);
}

START_TEST(serve_is_for_tasks)
{
    ck_assert_fails(cede_stream_serve(0, NULL, echo, NULL), EPERM);
}
END_TEST

/* A connection for which there is no memory is closed, and the next one is served as ever. */
TASK_TEST(no_memory_for_a_stream)
{
    const struct cede_stream_attr huge = {.read_size = SIZE_MAX};
    int listener = listen_locally(), fd = cede_dial(address);
    char byte;

    cede_timeout (20 * CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_serve(listener, &huge, echo, NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_read(fd, &byte, 1), 0);
    ck_assert_int_eq(begun, 0);
    cede_close(fd);
    cede_close(listener);
}

/* ---- out of descriptors ---- */

enum { CROWD = 60, ROOM = 20 };

static int crowded_listener;

/* Another process: connects all at first, and then talks through one after another, as they were accepted. */
static void crowd(void)
{
    int fds[CROWD], i, good = 0;
    char line[8];

    for (i = 0; i < CROWD; i++)
        if ((fds[i] = cede_dial(address)) < 0)
            _exit(1);
    for (i = 0; i < CROWD; i++) {
        good += write(fds[i], "x\n", 2) == 2 && recv(fds[i], line, 2, MSG_WAITALL) == 2 && memcmp(line, "x\n", 2) == 0;
        close(fds[i]);
    }
    _exit(good == CROWD ? 0 : 2);
}

static int serve_the_crowd(void *unused)
{
    struct rlimit limit;
    struct cede_task *serving;
    int most = 0, stuck = 0, lowest = cede_dup(0), i;

    (void)unused;
    ck_assert_int_eq(cede_close(lowest), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)lowest + ROOM; /* the runtime's own are far above */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    serving = cede_go(server, .fd = crowded_listener, .handler = echo, .error = ECANCELED);
    for (i = 0; ended < CROWD && i < 10000; i++) {
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        most = begun - ended > most ? begun - ended : most;
        int fd = cede_dup(0); /* whether there really is none left */

        stuck += fd < 0 && errno == EMFILE;
        if (fd >= 0)
            cede_close(fd);
    }
    ck_assert_int_eq(begun, CROWD);
    ck_assert_int_eq(ended, CROWD);
    ck_assert_int_le(most, ROOM + 4);
    ck_assert_int_gt(stuck, 0);
    ck_assert_int_eq(cede_cancel(serving), 0);
    return cede_await(serving);
}

START_TEST(out_of_descriptors)
{
    pid_t child;
    int status;

    crowded_listener = listen_locally();
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        crowd();
    ck_assert_int_eq(cede_run(serve_the_crowd, NULL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close(crowded_listener);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("stream_serve");
    TCase *cases = tcase_create("serve");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, tcp_and_unix);
    tcase_add_test(cases, errors_of_dial_and_accept);
    tcase_add_test(cases, accept_ends_early);
    tcase_add_test(cases, dial_ends_early);
    tcase_add_test(cases, a_hundred_connections);
    tcase_add_test(cases, what_a_handler_wrote_is_flushed);
    tcase_add_test(cases, the_stream_of_a_handler_that_exits_is_closed);
    tcase_add_test(cases, ends_of_serve);
    tcase_add_test(cases, serve_is_for_tasks);
    tcase_add_test(cases, no_memory_for_a_stream);
    tcase_add_test(cases, out_of_descriptors);
    suite_add_tcase(all, cases);
    return all;
}
