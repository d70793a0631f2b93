/* SPDX-License-Identifier: MIT */
/* Sending and receiving as requests to the kernel: under the io_uring poller, and the same under epoll. */
#include "request.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pollers.h"

static int fds[2];

static void connect_both(int domain)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener;

    if (domain == AF_UNIX) {
        ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        return;
    }
    listener = cede_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    fds[1] = cede_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(cede_connect(fds[1], (struct sockaddr *)&address, length), 0);
    fds[0] = cede_accept(listener, NULL, NULL);
    ck_assert_int_ge(fds[0], 0);
    cede_close(listener);
}

static void close_both(void)
{
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_int_eq(cede_close(fds[1]), 0);
}

/* ---- one request ---- */

struct receiver { char *bytes; size_t size; int flags; };
static int receiver(struct receiver *a)
{
    return (int)cede_recv(fds[0], a->bytes, a->size, a->flags);
}

POLLER_TEST(a_cancelled_receive_lets_go_of_its_memory)
{
    char *bytes = malloc(8), later[8];
    struct cede_task *task;

    connect_both(AF_INET);
    memset(bytes, 'u', 8);
    task = cede_go(receiver, .bytes = bytes, .size = 8);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_recv(fds[0], bytes, 8, 0), ETIMEDOUT);
    ck_assert_int_eq(cede_send(fds[1], "12345678", 8, 0), 8);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    ck_assert_mem_eq(bytes, "uuuuuuuu", 8);
    free(bytes);
    ck_assert_int_eq(cede_recv(fds[0], later, 8, 0), 8); /* nothing is lost */
    ck_assert_mem_eq(later, "12345678", 8);
    close_both();
}

POLLER_TEST(a_handler_ends_a_receive_and_a_send)
{
    const size_t size = 16 << 20;
    struct cede_task *raiser;
    char *bytes = calloc(1, size);
    ssize_t sent;

    signal(SIGUSR1, handled);
    connect_both(AF_INET);
    raiser = cede_spawn(raise_later, NULL);
    ck_assert_fails(cede_recv(fds[0], bytes, 8, 0), EINTR);
    ck_assert_int_eq(cede_await(raiser), 0);
    raiser = cede_spawn(raise_later, NULL);
    sent = cede_send(fds[1], bytes, size, 0); /* as far as it came */
    ck_assert_int_gt(sent, 0);
    ck_assert_int_lt(sent, (ssize_t)size);
    ck_assert_int_eq(cede_await(raiser), 0);
    close_both();
    free(bytes);
}

static int send_much(void *bytes)
{
    return (int)cede_send(fds[1], bytes, 16 << 20, 0);
}

POLLER_TEST(a_send_that_ends_early_says_how_far_it_came)
{
    char *bytes = calloc(1, 16 << 20), *got = malloc(16 << 20);
    struct cede_task *task;
    int sent;

    connect_both(AF_INET);
    task = cede_spawn(send_much, bytes);
    ck_assert_int_eq(cede_sleep(10 * CEDE_MILLISECOND), 0);
    cede_cancel(task);
    sent = cede_await(task);
    ck_assert_int_gt(sent, 0);
    ck_assert_int_lt(sent, 16 << 20);
    cede_close(fds[1]);
    ck_assert_int_eq(cede_recv(fds[0], got, 16 << 20, MSG_WAITALL), sent);
    cede_close(fds[0]);
    free(bytes);
    free(got);
}

POLLER_TEST(flags_keep_their_meaning)
{
    struct timeval timeout = {.tv_usec = 2000};
    struct cede_task *task;
    char bytes[8] = "";

    connect_both(AF_UNIX);
    ck_assert_fails(cede_recv(fds[0], bytes, 1, MSG_DONTWAIT), EAGAIN);
    task = cede_go(receiver, .bytes = bytes, .size = 6, .flags = MSG_WAITALL);
    ck_assert_int_eq(cede_send(fds[1], "abc", 3, 0), 3);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_send(fds[1], "def", 3, MSG_NOSIGNAL), 3);
    ck_assert_int_eq(cede_await(task), 6);
    ck_assert_str_eq(bytes, "abcdef");
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(cede_recv(fds[0], bytes, 8, MSG_PEEK), 1);
    ck_assert_int_eq(cede_recv(fds[0], bytes, 8, 0), 1);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    cede_fd_changed(fds[0]);
    ck_assert_fails(cede_recv(fds[0], bytes, 8, 0), EAGAIN);
    ck_assert_int_eq(cede_fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_fails(cede_recv(fds[0], bytes, 8, 0), EAGAIN);
    cede_close(fds[0]);
    ck_assert_fails(cede_send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    cede_close(fds[1]);
}

static volatile sig_atomic_t pipes;
static void broken_pipe(int signo)
{
    (void)signo;
    pipes++;
}

POLLER_TEST(a_broken_pipe_signals)
{
    signal(SIGPIPE, broken_pipe);
    connect_both(AF_UNIX);
    cede_close(fds[0]);
    pipes = 0;
    ck_assert_fails(cede_send(fds[1], "x", 1, 0), EPIPE);
    ck_assert_int_eq(pipes, 1);
    cede_close(fds[1]);
}

POLLER_TEST(closing_ends_a_receive)
{
    char bytes[8];
    struct cede_task *task;

    connect_both(AF_INET);
    task = cede_go(receiver, .bytes = bytes, .size = 8);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_fails(cede_await(task), EBADF);
    /* The kernel has let go of it: the other side sees the end. */
    ck_assert_int_eq(cede_recv(fds[1], bytes, 8, 0), 0);
    cede_close(fds[1]);
    /* In the same turn as it begins. */
    connect_both(AF_INET);
    task = cede_go(receiver, .bytes = bytes, .size = 8);
    cede_yield();
    ck_assert_int_eq(cede_close(fds[0]), 0);
    connect_both(AF_UNIX); /* takes the numbers */
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    ck_assert_fails(cede_await(task), EBADF);
    ck_assert_int_eq(cede_recv(fds[0], bytes, 8, 0), 1);
    close_both();
}

/* Polled for meanwhile, so that its waiter is woken by what is not its own event. */
POLLER_TEST(a_receive_beside_a_poll)
{
    struct pollfd both = {.events = POLLIN | POLLOUT};
    struct cede_task *task;
    char bytes[8];

    connect_both(AF_INET);
    both.fd = fds[0];
    ck_assert_int_eq(cede_poll(&both, 1, -1), 1);
    task = cede_go(receiver, .bytes = bytes, .size = 8);
    both.events = POLLIN;
    ck_assert_int_eq(cede_poll(&both, 1, 2), 0);
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(cede_await(task), 1);
    close_both();
}

/* ---- many ---- */

/* A stream of bytes that count up, through hands that are cancelled and timed out at any point: what calls return is
 * what came through, each byte once and in order. */
enum { PAIRS = 10, BYTES = 60000, CHUNK = 3000 };

struct stream {
    int fd[2];
    unsigned random;
    size_t sent, received;
};

static struct stream streams[PAIRS];
static unsigned seed;

static int sender(void *arg)
{
    struct stream *stream = arg;
    char bytes[CHUNK];
    size_t size, i;
    ssize_t n;

    while (stream->sent < (size_t)HARNESS_SCALE(BYTES)) {
        size = harness_random(&stream->random) % CHUNK + 1;
        for (i = 0; i < size; i++)
            bytes[i] = (char)((stream->sent + i) * 31 >> 3);
        n = -1;
        cede_timeout (harness_random(&stream->random) % 300 * CEDE_MICROSECOND)
            n = cede_send(stream->fd[0], bytes, size, 0);
        if (n > 0)
            stream->sent += (size_t)n;
        if (cede_check() != 0)
            return -1;
    }
    shutdown(stream->fd[0], SHUT_WR);
    return 0;
}

static int taker(void *arg)
{
    struct stream *stream = arg;
    size_t size, i;
    ssize_t n = -1;
    char *bytes;

    do {
        size = harness_random(&stream->random) % CHUNK + 1;
        bytes = malloc(size);
        if (harness_random(&stream->random) % 2)
            n = cede_recv(stream->fd[1], bytes, size, 0);
        else
            cede_timeout (harness_random(&stream->random) % 300 * CEDE_MICROSECOND)
                n = cede_recv(stream->fd[1], bytes, size, harness_random(&stream->random) % 2 ? MSG_WAITALL : 0);
        for (i = 0; n > 0 && i < (size_t)n; i++)
            ck_assert_int_eq(bytes[i], (char)((stream->received + i) * 31 >> 3));
        if (n > 0)
            stream->received += (size_t)n;
        free(bytes);
        if (cede_check() != 0)
            return -1;
    } while (n != 0);
    return 0;
}

POLLER_TEST(streams_under_fire)
{
    struct cede_task *tasks[PAIRS][2];
    int i, side, running = 2 * PAIRS, result;

    for (i = 0; i < PAIRS; i++) {
        connect_both(i % 2 ? AF_UNIX : AF_INET);
        streams[i] = (struct stream){.fd = {fds[0], fds[1]}, .random = seed + (unsigned)i * 7919};
        tasks[i][0] = cede_spawn(sender, &streams[i]);
        tasks[i][1] = cede_spawn(taker, &streams[i]);
    }
    while (running > 0) {
        ck_assert_int_eq(cede_sleep(harness_random(&seed) % 1000 * CEDE_MICROSECOND), 0);
        i = (int)(harness_random(&seed) % PAIRS);
        side = (int)(harness_random(&seed) % 2);
        if (!tasks[i][side])
            continue;
        if (harness_random(&seed) % 4)
            cede_cancel(tasks[i][side]);
        result = cede_await(tasks[i][side]);
        tasks[i][side] = result < 0 ? cede_spawn(side ? taker : sender, &streams[i]) : NULL;
        running -= result >= 0;
    }
    for (i = 0; i < PAIRS; i++) {
        ck_assert_uint_eq(streams[i].sent, streams[i].received);
        cede_close(streams[i].fd[0]);
        cede_close(streams[i].fd[1]);
    }
}

static void seed_1(void) { seed = 1; }
static void seed_2(void) { seed = 4711; }

Suite *suite(void)
{
    Suite *request_suite = suite_create("request");
    TCase *one = tcase_create("one"), *first = tcase_create("seed 1"), *second = tcase_create("seed 4711");

    tcase_add_loop_test(one, a_cancelled_receive_lets_go_of_its_memory, 0, POLLERS);
    tcase_add_loop_test(one, a_handler_ends_a_receive_and_a_send, 0, POLLERS);
    tcase_add_loop_test(one, a_send_that_ends_early_says_how_far_it_came, 0, POLLERS);
    tcase_add_loop_test(one, flags_keep_their_meaning, 0, POLLERS);
    tcase_add_loop_test(one, a_broken_pipe_signals, 0, POLLERS);
    tcase_add_loop_test(one, closing_ends_a_receive, 0, POLLERS);
    tcase_add_loop_test(one, a_receive_beside_a_poll, 0, POLLERS);
    tcase_add_checked_fixture(first, seed_1, NULL);
    tcase_add_checked_fixture(second, seed_2, NULL);
    tcase_set_timeout(first, 60);
    tcase_set_timeout(second, 60);
    tcase_add_loop_test(first, streams_under_fire, 0, POLLERS);
    tcase_add_loop_test(second, streams_under_fire, 0, POLLERS);
    suite_add_tcase(request_suite, one);
    suite_add_tcase(request_suite, first);
    suite_add_tcase(request_suite, second);
    return request_suite;
}
