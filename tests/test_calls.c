/* SPDX-License-Identifier: MIT */
/*
 * System calls per message of an echo server: one read, one write and a share of one wait, whatever else may change.
 *
 * The load is a task of the same thread: so all messages of a round are there before the server looks, and the counts
 * do not depend on time.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "harness.h"
#include "syscalls.h"

enum { CONNECTIONS = 50, WARM_UP = 5, ROUNDS = 41, LARGEST = 16 << 10 };

/* Per round. A slow build takes longer for one than the scheduler goes without looking at the poller. */
#if defined HARNESS_SANITIZED || !defined __OPTIMIZE__
enum { MOST_CALLS = 220 * CONNECTIONS / 100 };
#else
enum { MOST_CALLS = 203 * CONNECTIONS / 100 };
#endif

static struct {
    unsigned calls, failed, controls;
} counted;

static void count(long number, long result)
{
    counted.calls++;
    counted.failed += result < 0;
    counted.controls += number == SYS_epoll_ctl;
}

static const struct syscall_hooks syscall_hooks = {.after = count};

static int listener, clients[CONNECTIONS], echoed;
static size_t bytes;
static struct cede_task *driver;

static int echo(void *unused)
{
    static char buffers[CONNECTIONS][LARGEST];
    static int next;
    char *buffer = buffers[next++ % CONNECTIONS];
    int fd = cede_accept(listener, NULL, NULL);
    size_t done;
    ssize_t got;

    (void)unused;
    for (done = 0; (got = cede_read(fd, buffer, bytes)) > 0; done += (size_t)got) {
        if (cede_write(fd, buffer, (size_t)got) != got)
            return -1;
        if ((done + (size_t)got) % bytes == 0 && ++echoed == CONNECTIONS)
            cede_wake(driver);
    }
    return cede_close(fd);
}

static void connect_clients(struct cede_task **tasks)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)cede_port(listener)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int i, on = 1;

    for (i = 0; i < CONNECTIONS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&address, sizeof address), 0);
        ck_assert_int_eq(setsockopt(clients[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
        tasks[i] = cede_spawn(echo, NULL);
        ck_assert_ptr_nonnull(tasks[i]);
    }
}

/* One message on each connection, and all of it back. By libc's calls, which are not counted. */
static void round_trip(void)
{
    static char message[LARGEST];
    int i;

    echoed = 0;
    for (i = 0; i < CONNECTIONS; i++)
        ck_assert_int_eq(send(clients[i], message, bytes, 0), (ssize_t)bytes);
    while (echoed < CONNECTIONS)
        ck_assert_int_eq(cede_park(), 0);
    for (i = 0; i < CONNECTIONS; i++)
        ck_assert_int_eq(recv(clients[i], message, bytes, MSG_WAITALL), (ssize_t)bytes);
}

static int compare(const void *a, const void *b)
{
    return (int)(*(const unsigned *)a - *(const unsigned *)b);
}

static void count_calls(size_t message_bytes)
{
    struct cede_task *tasks[CONNECTIONS];
    unsigned calls[ROUNDS], failed, controls, before;
    int i;

    bytes = message_bytes;
    driver = cede_self();
    ck_assert_int_ge(listener = cede_listen("127.0.0.1:0"), 0);
    connect_clients(tasks);
    for (i = 0; i < WARM_UP; i++)
        round_trip();
    failed = counted.failed, controls = counted.controls;
    for (i = 0; i < ROUNDS; i++) {
        before = counted.calls;
        round_trip();
        calls[i] = counted.calls - before;
    }
    ck_assert_uint_eq(counted.failed, failed);
    ck_assert_uint_eq(counted.controls, controls);
    /* The lower quartile: a thread that is put aside in the midst of a round looks at the poller once more. */
    qsort(calls, ROUNDS, sizeof *calls, compare);
    ck_assert_uint_ge(calls[0], 2 * CONNECTIONS + 1); /* else they were not counted */
    ck_assert_uint_le(calls[ROUNDS / 4], MOST_CALLS);
    for (i = 0; i < CONNECTIONS; i++) {
        close(clients[i]);
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    }
    ck_assert_int_eq(cede_close(listener), 0);
}

TASK_TEST(a_small_message_costs_two_calls_and_a_share)
{
    count_calls(64);
}

TASK_TEST(a_message_of_the_buffers_size_costs_no_more)
{
    if (!harness_emulated("TCP_INQ"))
        count_calls(LARGEST);
}

Suite *suite(void)
{
    Suite *calls = suite_create("calls");
    TCase *cases = tcase_create("calls");

    setenv("CEDE_POLLER", "epoll", 1); /* io_uring makes fewer */
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_small_message_costs_two_calls_and_a_share);
    tcase_add_test(cases, a_message_of_the_buffers_size_costs_no_more);
    suite_add_tcase(calls, cases);
    return calls;
}
