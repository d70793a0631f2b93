/* SPDX-License-Identifier: MIT */
/* Borrowed buffers, over both pollers: what comes, how a wait ends, what happens to what has come meanwhile. */
#include "buffer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connection.h"
#include "pollers.h"
#include "sched.h"

static int fds[2]; /* of connect_both() */

static void close_both(void)
{
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_int_eq(cede_close(fds[1]), 0);
}

static void assert_comes(const char *text)
{
    void *data = NULL;

    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), (ssize_t)strlen(text));
    ck_assert_mem_eq(data, text, strlen(text));
    ck_assert_uint_eq((uintptr_t)data % 64, 0);
    cede_buffer_return(data);
}

static int send_later(void *text)
{
    cede_sleep(2 * CEDE_MILLISECOND);
    return (int)cede_send(fds[1], text, strlen(text), 0);
}

/* ---- one ---- */

POLLER_TEST(what_comes_is_lent)
{
    struct cede_task *sender;
    void *data = fds;

    connect_both(fds);
    ck_assert_int_eq(cede_send(fds[1], "before", 6, 0), 6);
    errno = 123;
    assert_comes("before");
    ck_assert_int_eq(errno, 123);
    sender = cede_spawn(send_later, "later");
    assert_comes("later");
    ck_assert_int_eq(cede_await(sender), 5);
    cede_close(fds[1]);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 0);
    ck_assert_ptr_null(data);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 0); /* and again */
    cede_buffer_return(NULL);
    cede_close(fds[0]);
}

POLLER_TEST(the_hottest_buffer_is_lent_again)
{
    void *first, *second;

    connect_both(fds);
    ck_assert_int_eq(cede_send(fds[1], "a", 1, 0), 1);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &first), 1);
    memset(first, 'x', CEDE_BUFFER_SIZE);
    cede_buffer_return(first);
    if (strcmp(cede_runtime_poller(), "epoll") == 0) { /* else the kernel has its turns */
        ck_assert_int_eq(cede_send(fds[1], "b", 1, 0), 1);
        ck_assert_int_eq(cede_buffer_recv(fds[0], &second), 1);
        ck_assert_ptr_eq(first, second);
        cede_buffer_return(second);
    }
    close_both();
}

static int refused(void *unused)
{
    void *data;
    int pipe_fds[2], closed, plain;

    (void)unused;
    ck_assert_fails(cede_buffer_recv(0, NULL), EINVAL);
    ck_assert_int_eq(cede_pipe2(pipe_fds, 0), 0);
    ck_assert_fails(cede_buffer_recv(pipe_fds[0], &data), ENOTSOCK);
    ck_assert_ptr_null(data);
    closed = pipe_fds[0];
    cede_close(pipe_fds[0]);
    cede_close(pipe_fds[1]);
    ck_assert_fails(cede_buffer_recv(closed, &data), EBADF);
    plain = cede_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_fails(cede_buffer_recv(plain, &data), ENOTCONN);
    cede_close(plain);
    return 0;
}

POLLER_TEST(errors_are_those_of_recv)
{
    struct linger at_once = {.l_onoff = 1};
    void *data;

    refused(NULL);
    connect_both(fds);
    ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    cede_close(fds[1]);
    ck_assert_fails(cede_buffer_recv(fds[0], &data), ECONNRESET);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 0);
    cede_close(fds[0]);
}

/* What has failed is told once, and is not the end. */
POLLER_TEST(too_early_is_not_too_late)
{
    int listener = cede_listen("127.0.0.1:0");
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    void *data;

    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    fds[0] = cede_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_fails(cede_buffer_recv(fds[0], &data), ENOTCONN);
    ck_assert_fails(cede_buffer_recv(fds[0], &data), ENOTCONN);
    ck_assert_int_eq(cede_connect(fds[0], (struct sockaddr *)&address, length), 0);
    fds[1] = cede_accept(listener, NULL, NULL);
    ck_assert_int_eq(cede_send(fds[1], "after all", 9, 0), 9);
    assert_comes("after all");
    close_both();
    cede_close(listener);
}

POLLER_TEST(nonblocking_and_timeouts_are_honoured)
{
    const struct timeval timeout = {.tv_usec = 3000};
    void *data;

    connect_both(fds);
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    ck_assert_fails(cede_buffer_recv(fds[0], &data), EAGAIN);
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    assert_comes("x");
    ck_assert_int_eq(cede_fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_fails(cede_buffer_recv(fds[0], &data), EAGAIN);
    close_both();
    connect_both(fds);
    ck_assert_int_eq(cede_fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_fails(cede_buffer_recv(fds[0], &data), EAGAIN);
    ck_assert_int_eq(cede_send(fds[1], "y", 1, 0), 1);
    assert_comes("y");
    close_both();
}

static int borrower(void *result)
{
    void *data;
    ssize_t n = cede_buffer_recv(fds[0], &data);

    if (n > 0)
        memcpy(result, data, (size_t)n);
    cede_buffer_return(data);
    return (int)n;
}

/* What comes while nobody waits is there for the next. */
/* The kernel tells it only to who looks: the data that were before it had come as well when this asked for them. */
static void assert_words_and_end(void)
{
    void *data = fds;

    ck_assert_int_eq(cede_send(fds[1], "last", 4, 0), 4);
    ck_assert_int_eq(cede_close(fds[1]), 0);
    cede_timeout (10 * CEDE_SECOND) {
        assert_comes("last");
        ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 0);
        ck_assert_ptr_null(data);
    }
    ck_assert_int_eq(cede_close(fds[0]), 0);
}

POLLER_TEST(an_end_that_was_there_before_the_first_receive_is_seen)
{
    connect_both(fds);
    assert_words_and_end();
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_words_and_end();
}

POLLER_TEST(a_wait_that_ends_early_loses_nothing)
{
    struct cede_task *task;
    char byte;
    void *data;

    connect_both(fds);
    task = cede_spawn(borrower, &byte);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_buffer_recv(fds[0], &data), ETIMEDOUT);
    ck_assert_int_eq(cede_send(fds[1], "kept", 4, 0), 4);
    ck_assert_int_eq(cede_sleep(2 * CEDE_MILLISECOND), 0);
    assert_comes("kept");
    close_both();
}

POLLER_TEST(a_handler_and_a_close_end_it)
{
    struct cede_task *task;
    char byte;
    void *data;

    signal(SIGUSR1, handled);
    connect_both(fds);
    task = cede_spawn(raise_later, NULL);
    ck_assert_fails(cede_buffer_recv(fds[0], &data), EINTR);
    ck_assert_int_eq(cede_await(task), 0);
    task = cede_spawn(borrower, &byte);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    cede_close(fds[0]);
    ck_assert_fails(cede_await(task), EBADF);
    ck_assert_int_eq(cede_recv(fds[1], &byte, 1, 0), 0); /* the connection has ended for the peer as well */
    cede_close(fds[1]);
}

/* A peer that floods one connection whose task does not come is stopped, and all of it is there in the end. */
POLLER_TEST(a_flood_is_held_back)
{
    enum { FLOOD = 8 << 20 };
    char *bytes = malloc(FLOOD);
    ssize_t sent, n, got = 0;
    void *data;
    int i;

    for (i = 0; i < FLOOD; i++)
        bytes[i] = (char)(i * 7 >> 4);
    connect_both(fds);
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    assert_comes("x"); /* from here on the kernel brings what comes */
    cede_timeout (20 * CEDE_MILLISECOND)
        sent = cede_send(fds[1], bytes, FLOOD, 0);
    ck_assert_int_gt(sent, 0);
    cede_close(fds[1]);
    while ((n = cede_buffer_recv(fds[0], &data)) > 0) {
        ck_assert_mem_eq(data, bytes + got, (size_t)n);
        got += n;
        cede_buffer_return(data);
    }
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(got, sent);
    cede_close(fds[0]);
    free(bytes);
}

/* ---- large messages on many connections ---- */

enum { CROWD = 200, ROUNDS = 60, LARGE = 16 << 10 };

/* The end of a connection that is sent the next message as soon as one has come. */
static int take_large(void *connection)
{
    static const char message[LARGE];
    const int *ends = connection;
    ssize_t n, got;
    void *data;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        ck_assert_int_eq(cede_send(ends[1], message, sizeof message, 0), sizeof message);
        for (got = 0; got < LARGE; got += n) {
            n = cede_buffer_recv(ends[0], &data);
            ck_assert_int_gt(n, 0);
            cede_buffer_return(data);
        }
    }
    return 0;
}

/* A connection whose message finds no buffer asks again: seldom, for then the kernel gets more of them. */
POLLER_TEST(a_crowd_asks_seldom)
{
    const struct cede__ring *ring = &cede__worker->poller.ring;
    unsigned before = ring->open ? *ring->sq_tail : 0, asked;
    struct cede_task *tasks[CROWD];
    int crowd[CROWD][2], i;

    for (i = 0; i < CROWD; i++) {
        connect_both(fds);
        memcpy(crowd[i], fds, sizeof fds);
        tasks[i] = cede_spawn(take_large, crowd[i]);
    }
    for (i = 0; i < CROWD; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    asked = ring->open ? *ring->sq_tail - before : 0;
    ck_assert_uint_le(asked, 4 * CROWD); /* of 60 for each, and 1 at best */
    for (i = 0; i < CROWD; i++) {
        cede_close(crowd[i][0]);
        cede_close(crowd[i][1]);
    }
}

static int says_so(void *flag)
{
    *(bool *)flag = true;
    return 0;
}

/* Who finds data each time lets others have their turn all the same. */
POLLER_TEST(who_need_not_wait_gives_turns)
{
    struct cede_task *other;
    bool had_a_turn = false;

    connect_both(fds);
    ck_assert_int_eq(cede_send(fds[1], "first", 5, 0), 5);
    assert_comes("first");
    ck_assert_int_eq(cede_send(fds[1], "second", 6, 0), 6);
    ck_assert_int_eq(cede_sleep(2 * CEDE_MILLISECOND), 0); /* it has come */
    other = cede_spawn(says_so, &had_a_turn);
    cede__worker->budget = 0;
    assert_comes("second");
    ck_assert(had_a_turn);
    ck_assert_int_eq(cede_await(other), 0);
    close_both();
}

/* ---- others ---- */

START_TEST(outside_a_task_it_blocks)
{
    void *data;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(write(fds[1], "out", 3), 3);
    assert_comes("out");
    close(fds[1]);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 0);
    close(fds[0]);
    ck_assert_fails(cede_buffer_recv(fds[0], &data), EBADF);
    ck_assert_ptr_null(data);
}
END_TEST

POLLER_TEST(datagrams_and_sockets_of_others)
{
    connect_both(fds);
    close_both();
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    ck_assert_int_eq(cede_send(fds[1], "one", 3, 0), 3);
    ck_assert_int_eq(cede_send(fds[1], "two", 3, 0), 3);
    assert_comes("one");
    assert_comes("two");
    close_both();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(write(fds[1], "three", 5), 5);
    assert_comes("three");
    close_both();
}

/* Lent, waiting, under way: all of it goes with the runtime (LeakSanitizer looks). */
POLLER_TEST(the_end_of_the_runtime_frees_what_is_lent)
{
    void *data;

    connect_both(fds);
    ck_assert_int_eq(cede_send(fds[1], "lent", 4, 0), 4);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 4);
    ck_assert_int_eq(cede_send(fds[1], "waits", 5, 0), 5);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
}

POLLER_TEST(a_child_of_fork_has_its_own)
{
    int status;
    pid_t child;

    connect_both(fds);
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    assert_comes("x");
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close_both();
        connect_both(fds);
        ck_assert_int_eq(cede_send(fds[1], "child", 5, 0), 5);
        assert_comes("child");
        close_both();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(cede_send(fds[1], "parent", 6, 0), 6);
    assert_comes("parent");
    close_both();
}

START_TEST(a_buffer_given_back_twice_aborts)
{
    void *data;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 1);
    CEDE__CONTAINER((char *)data, struct cede__buffer, bytes)->lent = false;
    cede_buffer_return(data);
}
END_TEST

/* ---- storm ---- */

enum { PAIRS = 16, BYTES = 60000, CHUNK = 40000 };

struct pair {
    int in, out;
    unsigned random;
    size_t sent, received;
};

static char pattern(size_t at)
{
    return (char)(at * 13 >> 5);
}

static int pour(void *arg)
{
    struct pair *pair = arg;
    char *bytes = malloc(CHUNK);
    size_t size, i;
    ssize_t n;

    while (pair->sent < (size_t)HARNESS_SCALE(BYTES)) {
        size = harness_random(&pair->random) % (harness_random(&pair->random) % 4 ? 300 : CHUNK) + 1;
        for (i = 0; i < size; i++)
            bytes[i] = pattern(pair->sent + i);
        n = cede_send(pair->out, bytes, size, 0);
        ck_assert_int_eq(n, (ssize_t)size);
        pair->sent += size;
        if (harness_random(&pair->random) % 8 == 0)
            cede_sleep(harness_random(&pair->random) % 200 * CEDE_MICROSECOND);
    }
    free(bytes);
    return cede_close(pair->out);
}

static int drink(void *arg)
{
    struct pair *pair = arg;
    void *data;
    ssize_t n = 1, i;

    while (n != 0) {
        n = -1;
        data = NULL;
        if (harness_random(&pair->random) % 3 == 0)
            cede_timeout (harness_random(&pair->random) % 300 * CEDE_MICROSECOND)
                n = cede_buffer_recv(pair->in, &data);
        else
            n = cede_buffer_recv(pair->in, &data);
        for (i = 0; i < n && ((char *)data)[i] == pattern(pair->received + (size_t)i); i++)
            ;
        ck_assert(n < 0 || i == n);
        if (n > 0)
            pair->received += (size_t)n;
        if (harness_random(&pair->random) % 16 == 0)
            cede_sleep(harness_random(&pair->random) % 500 * CEDE_MICROSECOND); /* with the buffer */
        cede_buffer_return(data);
        if (cede_check() != 0 && errno == ECANCELED)
            return -1;
    }
    return 0;
}

static unsigned seed;

POLLER_TEST(storm)
{
    static struct pair pairs[PAIRS];
    struct cede_task *pourers[PAIRS], *drinkers[PAIRS];
    int i, left = PAIRS;

    for (i = 0; i < PAIRS; i++) {
        connect_both(fds);
        pairs[i] = (struct pair){.in = fds[0], .out = fds[1], .random = seed + (unsigned)i * 7919};
        pourers[i] = cede_spawn(pour, &pairs[i]);
        drinkers[i] = cede_spawn(drink, &pairs[i]);
    }
    while (left > 0) {
        ck_assert_int_eq(cede_sleep(harness_random(&seed) % 300 * CEDE_MICROSECOND), 0);
        i = (int)(harness_random(&seed) % PAIRS);
        if (!drinkers[i])
            continue;
        if (harness_random(&seed) % 2)
            cede_cancel(drinkers[i]);
        if (cede_await(drinkers[i]) == 0) {
            ck_assert_int_eq(cede_await(pourers[i]), 0);
            ck_assert_uint_eq(pairs[i].received, pairs[i].sent);
            cede_close(pairs[i].in);
            drinkers[i] = NULL;
            left--;
        } else {
            drinkers[i] = cede_spawn(drink, &pairs[i]);
        }
    }
}

/* Connections that are closed at any moment, by either side, while buffers are lent and more is coming. */
POLLER_TEST(storm_of_closings)
{
    struct cede_task *task;
    char chunk[2000] = {0}, result[CEDE_BUFFER_SIZE];
    void *data = NULL;
    int i;

    for (i = 0; i < HARNESS_SCALE(400); i++) {
        connect_both(fds);
        task = harness_random(&seed) % 2 ? cede_spawn(borrower, result) : NULL;
        if (harness_random(&seed) % 2)
            cede_yield();
        if (harness_random(&seed) % 2)
            ck_assert_int_eq(cede_send(fds[1], chunk, sizeof chunk, 0), sizeof chunk);
        if (harness_random(&seed) % 4 == 0)
            cede_sleep(50 * CEDE_MICROSECOND);
        if (harness_random(&seed) % 4 == 0)
            cede_timeout (20 * CEDE_MICROSECOND)
                cede_buffer_recv(fds[0], &data);
        if (harness_random(&seed) % 2) {
            cede_close(fds[1]);
            cede_close(fds[0]);
        } else {
            close_both();
        }
        cede_buffer_return(data);
        data = NULL;
        if (task)
            cede_await(task);
    }
}

static void seed_storm(void)
{
    seed = 4711;
}

Suite *suite(void)
{
    Suite *buffer = suite_create("buffer");
    TCase *one = tcase_create("one"), *many = tcase_create("many");

    tcase_add_loop_test(one, what_comes_is_lent, 0, POLLERS);
    tcase_add_loop_test(one, the_hottest_buffer_is_lent_again, 0, POLLERS);
    tcase_add_loop_test(one, who_need_not_wait_gives_turns, 0, POLLERS);
    tcase_add_loop_test(one, errors_are_those_of_recv, 0, POLLERS);
    tcase_add_loop_test(one, too_early_is_not_too_late, 0, POLLERS);
    tcase_add_loop_test(one, nonblocking_and_timeouts_are_honoured, 0, POLLERS);
    tcase_add_loop_test(one, an_end_that_was_there_before_the_first_receive_is_seen, 0, POLLERS);
    tcase_add_loop_test(one, a_wait_that_ends_early_loses_nothing, 0, POLLERS);
    tcase_add_loop_test(one, a_handler_and_a_close_end_it, 0, POLLERS);
    tcase_add_loop_test(one, a_flood_is_held_back, 0, POLLERS);
    tcase_add_test(one, outside_a_task_it_blocks);
    tcase_add_loop_test(one, datagrams_and_sockets_of_others, 0, POLLERS);
    tcase_add_loop_test(one, the_end_of_the_runtime_frees_what_is_lent, 0, POLLERS);
    tcase_add_loop_test(one, a_child_of_fork_has_its_own, 0, POLLERS);
    tcase_add_test_raise_signal(one, a_buffer_given_back_twice_aborts, SIGABRT);
    suite_add_tcase(buffer, one);
    tcase_set_timeout(many, 60);
    tcase_add_checked_fixture(many, seed_storm, NULL);
    tcase_add_loop_test(many, a_crowd_asks_seldom, 0, POLLERS);
    tcase_add_loop_test(many, storm, 0, POLLERS);
    tcase_add_loop_test(many, storm_of_closings, 0, POLLERS);
    suite_add_tcase(buffer, many);
    return buffer;
}
