/* SPDX-License-Identifier: MIT */
/* Reads that fill their buffer: no wait is missed, none is needless, and users see nothing of how it is done. */
#include "inq.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "connection.h"
#include "harness.h"
#include "sched.h"

static int ours, theirs; /* a TCP connection */

static void open_connection(void)
{
    int fds[2];

    connect_both(fds);
    ours = fds[0];
    theirs = fds[1];
}

static struct cede__fd *record(void)
{
    return cede__poller_fd_known(&cede__worker->poller, ours);
}

enum { SIZE = 1024, MESSAGES = 20 };

static int sends_when_asked(void *unused)
{
    char message[SIZE] = {0};

    (void)unused;
    for (int i = 0; i < MESSAGES; i++) {
        if (cede_park() != 0 || cede_write(theirs, message, SIZE) != SIZE)
            return -1;
    }
    return 0;
}

/* Reads messages of just the buffer's size, each only after the one before, so that each read but the first waits. */
static void read_exactly(void)
{
    struct cede_task *sender = cede_spawn(sends_when_asked, NULL);
    char buffer[SIZE];

    for (int i = 0; i < MESSAGES; i++) {
        ck_assert_int_eq(cede_wake(sender), 0);
        ck_assert_int_eq(cede_read(ours, buffer, SIZE), SIZE);
    }
    ck_assert_int_eq(cede_await(sender), 0);
}

TASK_TEST(after_a_full_read_it_is_known_whether_more_is_there)
{
    char buffer[SIZE];

    open_connection();
    read_exactly();
    if (harness_emulated("TCP_INQ") && !record()->counts)
        return;
    ck_assert(record()->counts);
    ck_assert(record()->drained);
    /* More than is asked for: not drained until the rest has been read. */
    ck_assert_int_eq(cede_write(theirs, buffer, 600), 600);
    ck_assert_int_eq(cede_read(ours, buffer, 200), 200);
    ck_assert(!record()->drained);
    ck_assert_int_eq(cede_read(ours, buffer, 400), 400);
    ck_assert(record()->drained);
    /* The end is something to read, too. */
    ck_assert_int_eq(cede_write(theirs, buffer, 100), 100);
    ck_assert_int_eq(cede_close(theirs), 0);
    ck_assert_int_eq(cede_read(ours, buffer, 100), 100);
    ck_assert_int_eq(cede_read(ours, buffer, 100), 0);
    ck_assert_int_eq(cede_close(ours), 0);
}

TASK_TEST(users_see_no_control_message_of_ours)
{
    char buffer[SIZE], control[128];
    struct iovec iov = {buffer, sizeof buffer};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};

    open_connection();
    read_exactly();
    ck_assert_int_eq(cede_write(theirs, buffer, 10), 10);
    ck_assert_int_eq(cede_recvmsg(ours, &message, 0), 10);
    ck_assert_uint_eq(message.msg_controllen, 0);
    ck_assert(!record()->counts);
    read_exactly(); /* and it stays so */
    ck_assert(!record()->counts);
    ck_assert_int_eq(cede_close(ours), 0);
    ck_assert_int_eq(cede_close(theirs), 0);
}

/* ---- a storm: sizes at random, often those of the buffer ---- */

enum { STORM_BYTES = HARNESS_SCALE(4 << 20) };

static unsigned char byte_at(size_t place)
{
    return (unsigned char)(place * 7 + place / 251);
}

static size_t some_size(unsigned *seed)
{
    return harness_random(seed) % 2 ? SIZE : harness_random(seed) % 3000 + 1;
}

static int storms(void *seed_number)
{
    unsigned seed = (unsigned)(intptr_t)seed_number;
    unsigned char message[4 * SIZE];
    size_t done = 0, size, i;

    while (done < STORM_BYTES) {
        size = some_size(&seed);
        if (size > STORM_BYTES - done)
            size = STORM_BYTES - done;
        for (i = 0; i < size; i++)
            message[i] = byte_at(done + i);
        if (cede_send(theirs, message, size, 0) != (ssize_t)size)
            return -1;
        done += size;
        if (harness_random(&seed) % 3)
            cede_yield();
        if (harness_random(&seed) % 50 == 0)
            cede_sleep(100 * CEDE_MICROSECOND);
    }
    return cede_close(theirs);
}

static void storm(int number)
{
    unsigned seed = (unsigned)number + 1;
    struct cede_task *sender;
    unsigned char buffer[4 * SIZE];
    size_t done = 0, wrong = 0;
    ssize_t got, i;

    open_connection();
    sender = cede_spawn(storms, (void *)(intptr_t)(number + 100));
    do {
        got = cede_recv(ours, buffer, some_size(&seed), 0);
        for (i = 0; i < got; i++)
            wrong += buffer[i] != byte_at(done + (size_t)i);
        done += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    ck_assert_int_eq(got, 0);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(done, STORM_BYTES);
    ck_assert_int_eq(cede_await(sender), 0);
    ck_assert_int_eq(cede_close(ours), 0);
}

TASK_TEST(nothing_is_lost_whatever_the_sizes)
{
    for (int i = 0; i < 8; i++)
        storm(i);
}

Suite *suite(void)
{
    Suite *inq = suite_create("inq");
    TCase *cases = tcase_create("inq");

    setenv("CEDE_POLLER", "epoll", 1); /* io_uring reads by itself, and knows anyway */
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, after_a_full_read_it_is_known_whether_more_is_there);
    tcase_add_test(cases, users_see_no_control_message_of_ours);
    tcase_add_test(cases, nothing_is_lost_whatever_the_sizes);
    suite_add_tcase(inq, cases);
    return inq;
}
