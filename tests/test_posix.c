/* SPDX-License-Identifier: MIT */
/*
 * libc's names, in a program that is linked with libcede-posix: in a task they let others run, elsewhere they are what
 * they always were. Nothing in here calls cede's own input and output.
 */
#include <cede/posix.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "posix_pair.h"

static void assert_readers_yield(const struct posix_call *calls)
{
    const struct posix_call *call;
    struct cede_task *ticker, *writer;

    for (call = calls; call->name; call++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ticker = start_ticks();
        writer = cede_spawn(late_write, NULL);
        ck_assert_msg(call->wait(pair[0], POSIX_CALL_BUFFER) == 1, "%s: %s", call->name, strerror(errno));
        assert_ticked(ticker, call->name);
        ck_assert_int_eq(cede_await(writer), 0);
        ck_assert_int_eq(close(pair[0]), 0);
        ck_assert_int_eq(close(pair[1]), 0);
    }
}

TASK_TEST(readers_yield)
{
    assert_readers_yield(posix_calls_plain);
}

TASK_TEST(fortified_readers_yield)
{
    assert_readers_yield(posix_calls_fortified);
}

TASK_TEST(readers_end_by_deadline)
{
    const struct posix_call *call;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (call = posix_calls_fortified; call->name; call++)
        cede_timeout (CEDE_MILLISECOND)
            ck_assert_fails(call->wait(pair[0], POSIX_CALL_BUFFER), ETIMEDOUT);
}

TASK_TEST(readers_end_by_cancel)
{
    struct cede_task *reader;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    usleep(TICK_US);
    ck_assert_int_eq(cede_cancel(reader), 0);
    ck_assert_fails(cede_await(reader), ECANCELED);
}

TASK_TEST(close_ends_a_wait)
{
    struct cede_task *reader;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    usleep(TICK_US);
    ck_assert_int_eq(close(pair[0]), 0);
    ck_assert_fails(cede_await(reader), EBADF);
}

/* Overflows abort, as with glibc's own. One child each: libcheck's loop number says which call. */
START_TEST(fortified_calls_check_the_size)
{
    /* readv, recvmsg and select have no buffer whose size the compiler could compare. */
    static const int checked[] = {0, 2, 3, 5, 6};
    volatile size_t too_much = POSIX_CALL_BUFFER + 1;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    posix_calls_fortified[checked[_i]].wait(pair[0], too_much);
}
END_TEST

/* ---- writers, connections ---- */

static int late_drain(void *unused)
{
    static char sink[1 << 16];

    (void)unused;
    usleep(DELAY_US);
    while (recv(pair[0], sink, sizeof sink, MSG_DONTWAIT) > 0)
        ;
    return 0;
}

static ssize_t by_write(void)
{
    return write(pair[1], "x", 1);
}

static ssize_t by_writev(void)
{
    struct iovec iov = {(char[]){"x"}, 1};

    return writev(pair[1], &iov, 1);
}

static ssize_t by_send(void)
{
    return send(pair[1], "x", 1, 0);
}

static ssize_t by_sendto(void)
{
    return sendto(pair[1], "x", 1, 0, NULL, 0);
}

static ssize_t by_sendmsg(void)
{
    struct iovec iov = {(char[]){"x"}, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    return sendmsg(pair[1], &msg, 0);
}

TASK_TEST(writers_yield)
{
    static ssize_t (*const writers[])(void) = {by_write, by_writev, by_send, by_sendto, by_sendmsg};
    static char filling[1 << 16];
    struct cede_task *ticker, *drain;
    size_t i;

    for (i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        while (send(pair[1], filling, sizeof filling, MSG_DONTWAIT) > 0)
            ;
        while (send(pair[1], filling, 1, MSG_DONTWAIT) > 0)
            ;
        ticker = start_ticks();
        drain = cede_spawn(late_drain, NULL);
        ck_assert_int_eq(writers[i](), 1);
        assert_ticked(ticker, "a writer");
        ck_assert_int_eq(cede_await(drain), 0);
        close(pair[0]);
        close(pair[1]);
    }
}

static struct sockaddr_in address;

static int listen_somewhere(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t length = sizeof address;

    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return fd;
}

static int late_connect(void *unused)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), result;

    (void)unused;
    usleep(DELAY_US);
    result = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return result;
}

TASK_TEST(accept_and_connect_yield)
{
    int listener = listen_somewhere(), form, fd;
    struct cede_task *ticker, *client;

    for (form = 0; form < 2; form++) {
        ticker = start_ticks();
        client = cede_spawn(late_connect, NULL);
        fd = form == 0 ? accept(listener, NULL, NULL) : accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        assert_ticked(ticker, "accept");
        ck_assert_int_eq(cede_await(client), 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), form == 0 ? 0 : FD_CLOEXEC);
        close(fd);
    }
    ck_assert_int_eq(close(listener), 0);
    ck_assert_fails(late_connect(NULL), ECONNREFUSED);
}

TASK_TEST(getaddrinfo_answers)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;

    ck_assert_int_eq(getaddrinfo("127.0.0.1", "80", &hints, &found), 0);
    ck_assert_int_eq(ntohs(((struct sockaddr_in *)(void *)found->ai_addr)->sin_port), 80);
    freeaddrinfo(found);
    ck_assert_int_eq(getaddrinfo("localhost", NULL, &hints, &found), 0); /* on a helper thread, which comes back here */
    freeaddrinfo(found);
}

/* ---- sleeping ---- */

TASK_TEST(sleepers_yield)
{
    const struct timespec delay = {.tv_nsec = DELAY_US * 1000};
    struct cede_task *ticker;

    ticker = start_ticks();
    ck_assert_int_eq(usleep(DELAY_US), 0);
    assert_ticked(ticker, "usleep");
    ticker = start_ticks();
    ck_assert_int_eq(nanosleep(&delay, NULL), 0);
    assert_ticked(ticker, "nanosleep");
    ticker = start_ticks();
    ck_assert_int_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL), 0);
    assert_ticked(ticker, "clock_nanosleep");
    ticker = start_ticks();
    ck_assert_int_eq(sleep(1), 0);
    assert_ticked(ticker, "sleep");
    ticker = start_ticks();
    ck_assert_int_eq(poll(NULL, 0, DELAY_US / 1000), 0);
    assert_ticked(ticker, "poll without descriptors");
}

TASK_TEST(sleep_returns_what_is_left)
{
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_uint_eq(sleep(1), 1); /* not a whole second, but not nothing */
    cede_timeout (CEDE_MILLISECOND) {
        ck_assert_uint_eq(sleep(100), 100);
        ck_assert_int_eq(errno, ETIMEDOUT);
    }
}

/* ---- where there is no task ---- */

START_TEST(outside_tasks_calls_block)
{
    struct timespec before, after;
    char byte;

    ck_assert_int_eq(pipe(pair), 0);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(read(pair[0], &byte, 1), 1);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(usleep(DELAY_US), 0);
    ck_assert_int_eq(poll(&(struct pollfd){.fd = pair[0], .events = POLLIN}, 1, 1), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_ge((after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000, DELAY_US);
}
END_TEST

static void *read_in_thread(void *unused)
{
    char byte;

    (void)unused;
    ck_assert_ptr_null(cede_self());
    return read(pair[0], &byte, 1) == 1 ? pair : NULL;
}

TASK_TEST(other_threads_block_by_themselves)
{
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pipe(pair), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_in_thread, NULL), 0);
    usleep(DELAY_US);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, pair);
}

START_TEST(reads_of_threads_stay_cancellation_points)
{
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pipe(pair), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_in_thread, NULL), 0);
    usleep(DELAY_US);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
}
END_TEST

/* The child has the task that forked alone, and what it does before exec must not disturb the parent's waits. */
TASK_TEST(a_forked_child_leaves_the_parent_alone)
{
    struct cede_task *reader, *ticker;
    int status;
    pid_t child;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    ticker = start_ticks();
    usleep(TICK_US); /* they wait */
    ticks = 0;
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        usleep(DELAY_US);
        if (ticks > 0) /* the parent's tasks run here too */
            _exit(1);
        dup2(pair[1], 200);
        close(pair[0]);
        close(pair[1]);
        execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    usleep(DELAY_US);
    assert_ticked(ticker, "fork");
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(reader), 1);
}

/* ---- the self-check ---- */

START_TEST(check_is_content)
{
    ck_assert_int_eq(cede_posix_check(), 0);
    ck_assert_ptr_null(cede_posix_problem());
}
END_TEST

START_TEST(the_table_names_calls_of_libc)
{
    const char *name;
    size_t count = 0;

    for (; (name = cede_posix_name(count)); count++)
        ck_assert_msg(dlsym(RTLD_DEFAULT, name) != NULL, "%s", name);
    ck_assert_uint_gt(count, 50);
    ck_assert_ptr_null(cede_posix_name((size_t)-1));
}
END_TEST

Suite *suite(void)
{
    Suite *posix = suite_create("posix");
    TCase *calls = tcase_create("calls"), *others = tcase_create("others");

    tcase_add_test(calls, readers_yield);
    tcase_add_test(calls, fortified_readers_yield);
    tcase_add_test(calls, readers_end_by_deadline);
    tcase_add_test(calls, readers_end_by_cancel);
    tcase_add_test(calls, close_ends_a_wait);
    tcase_add_loop_test_raise_signal(calls, fortified_calls_check_the_size, SIGABRT, 0, 5);
    tcase_add_test(calls, writers_yield);
    tcase_add_test(calls, accept_and_connect_yield);
    tcase_add_test(calls, getaddrinfo_answers);
    tcase_add_test(calls, sleepers_yield);
    tcase_add_test(calls, sleep_returns_what_is_left);
    suite_add_tcase(posix, calls);
    tcase_add_test(others, outside_tasks_calls_block);
    tcase_add_test(others, other_threads_block_by_themselves);
    tcase_add_test(others, reads_of_threads_stay_cancellation_points);
    tcase_add_test(others, a_forked_child_leaves_the_parent_alone);
    tcase_add_test(others, check_is_content);
    tcase_add_test(others, the_table_names_calls_of_libc);
    suite_add_tcase(posix, others);
    return posix;
}
