/* SPDX-License-Identifier: MIT */
/*
 * A ring that is full: requests are taken back all the same. Nothing but the want of memory keeps the kernel from
 * taking entries, so here its system call is made to fail.
 */
#include "ring.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "connection.h"
#include "harness.h"
#include "sched.h"
#include "syscalls.h"

static bool refuses; /* io_uring_enter(2) fails */

static int refuse(long number)
{
    return refuses && number == SYS_io_uring_enter ? EAGAIN : 0;
}

static const struct syscall_hooks syscall_hooks = {.before = refuse};

static struct cede__ring ring;
static int fds[2];

/* Until the kernel takes entries again. */
static void fill(struct cede__ring *which)
{
    refuses = true;
    while (cede__ring_entry(which, NULL)) /* all zero: IORING_OP_NOP */
        ;
    ck_assert_int_eq(errno, EAGAIN);
}

/* ---- a ring alone ---- */

static void open_ring(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    if (cede__ring_open(&ring, 8, -1) != 0)
        printf("skipped: no io_uring: %s\n", strerror(errno));
}

static void close_ring(void)
{
    refuses = false;
    cede__ring_close(&ring);
    close(fds[0]);
    close(fds[1]);
}

static void poll_for_input(struct cede__ring_request *request)
{
    struct io_uring_sqe *entry = cede__ring_entry(&ring, request);

    ck_assert_ptr_nonnull(entry);
    entry->opcode = IORING_OP_POLL_ADD;
    entry->fd = fds[0];
    entry->poll32_events = POLLIN;
}

static void take_back(bool full)
{
    struct cede__list waiter = {0};
    struct cede__ring_request request = {.waiter = &waiter};

    if (!ring.open)
        return;
    poll_for_input(&request);
    cede__ring_submit(&ring);
    if (full)
        fill(&ring);
    cede__ring_cancel(&ring, &request);
    ck_assert(!request.done);
    refuses = false;
    cede__ring_wait(&ring, CEDE_SECOND);
    ck_assert(request.done);
    ck_assert_int_eq(request.result, -ECANCELED);
    ck_assert_ptr_eq(cede__list_take(&ring.ready), &waiter);
}

START_TEST(a_request_is_taken_back)
{
    take_back(false);
}
END_TEST

START_TEST(a_request_is_taken_back_though_the_ring_is_full)
{
    take_back(true);
}
END_TEST

static int arrivals;

static void arrived(struct cede__ring_request *request, const struct io_uring_cqe *completion)
{
    ck_assert(request->done);
    ck_assert_int_eq(completion->res, -ECANCELED);
    ck_assert_uint_eq(completion->flags & IORING_CQE_F_MORE, 0);
    arrivals++;
}

/* Nothing of it reaches the kernel: the descriptor's number may mean something else by then. */
START_TEST(a_request_that_the_kernel_has_not_seen_is_taken_out)
{
    struct cede__list waiter = {0};
    struct cede__ring_request request = {.waiter = &waiter}, many = {.arrived = arrived};

    if (!ring.open)
        return;
    poll_for_input(&request);
    poll_for_input(&many);
    fill(&ring);
    cede__ring_cancel(&ring, &request);
    cede__ring_cancel(&ring, &many);
    ck_assert(request.done);
    ck_assert_int_eq(request.result, -ECANCELED);
    ck_assert_int_eq(arrivals, 1);
    refuses = false;
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    cede__ring_turn(&ring);
    ck_assert_int_eq(request.result, -ECANCELED);
    ck_assert_int_eq(arrivals, 1);
    ck_assert(cede__list_empty(&ring.ready));
}
END_TEST

/* ---- a runtime's ---- */

static void assert_ends(void)
{
    char byte;

    cede_timeout (2 * CEDE_SECOND)
        ck_assert_int_eq(cede_recv(fds[1], &byte, 1, 0), 0);
    cede_close(fds[1]);
}

static int close_with_a_full_ring(void *unused)
{
    struct cede__ring *own = &cede__worker->poller.ring;
    void *data;

    (void)unused;
    if (!own->open)
        return 0;
    connect_both(fds);
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 1); /* from here on the kernel brings what comes */
    cede_buffer_return(data);
    fill(own);
    ck_assert_int_eq(cede_close(fds[0]), 0);
    refuses = false;
    assert_ends();
    return 0;
}

START_TEST(a_closed_connection_ends_though_the_ring_is_full)
{
    const struct cede_run_attr attr = {.poller = "io_uring"};

    ck_assert_int_eq(cede_run_attr(&attr, close_with_a_full_ring, NULL), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("ring");
    TCase *alone = tcase_create("alone"), *runtime = tcase_create("runtime");

    tcase_add_checked_fixture(alone, open_ring, close_ring);
    tcase_add_test(alone, a_request_is_taken_back);
    tcase_add_test(alone, a_request_is_taken_back_though_the_ring_is_full);
    tcase_add_test(alone, a_request_that_the_kernel_has_not_seen_is_taken_out);
    suite_add_tcase(all, alone);
    tcase_add_test(runtime, a_closed_connection_ends_though_the_ring_is_full);
    suite_add_tcase(all, runtime);
    return all;
}
