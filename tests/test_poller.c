/* SPDX-License-Identifier: MIT */
#include "poller.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "poller_fake.h"

enum { FD = 1000 };

static struct cede__poller poller;
static struct cede__fd *record;
static struct cede__list ready, reader, writer;

static void open_poller(void)
{
    ck_assert_int_eq(cede__poller_init(&poller), 0);
    ck_assert_int_eq(cede__poller_open(&poller, &poller_fake_backend), 0);
    record = cede__poller_fd(&poller, FD);
    ck_assert_ptr_nonnull(record);
}

static void close_poller(void)
{
    cede__poller_close(&poller);
    close(poller.wake_fd);
}

static uint64_t last_tag(void)
{
    return poller_fake.calls[poller_fake.call_count - 1].tag;
}

/* Registers FD as if it had been made by cede, with a reader and a writer. */
static void wait_on_fd(void)
{
    record->owned = true;
    ck_assert_int_eq(cede__poller_register(&poller, record, FD), 0);
    cede__list_append(&record->readers, &reader);
    cede__list_append(&record->writers, &writer);
}

START_TEST(records_stay_where_they_are)
{
    struct cede__fd *other = cede__poller_fd(&poller, 100000);

    ck_assert_ptr_nonnull(other);
    ck_assert_ptr_eq(cede__poller_fd(&poller, FD), record);
    ck_assert_ptr_eq(cede__poller_fd_known(&poller, 100000), other);
    ck_assert_ptr_null(cede__poller_fd_known(&poller, 99 * 512));
    ck_assert_ptr_null(cede__poller_fd_known(&poller, -1));
    errno = 0;
    ck_assert_ptr_null(cede__poller_fd(&poller, -1));
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(an_owned_descriptor_is_registered_once)
{
    int i;

    record->owned = true;
    for (i = 0; i < 10; i++)
        ck_assert_int_eq(cede__poller_register(&poller, record, FD), 0);
    ck_assert_int_eq(poller_fake.call_count, 1);
    ck_assert_int_eq(poller_fake.calls[0].fd, FD);
}
END_TEST

START_TEST(a_foreign_descriptor_is_asked_about_each_time)
{
    ck_assert_int_eq(cede__poller_register(&poller, record, FD), 0);
    poller_fake.add_error = EEXIST;
    ck_assert_int_eq(cede__poller_register(&poller, record, FD), 0);
    ck_assert_int_eq(cede__poller_register(&poller, record, FD), 0);
    ck_assert_int_eq(poller_fake.call_count, 3);
    ck_assert(!poller_fake.calls[2].retag);
}
END_TEST

START_TEST(a_registration_of_an_earlier_generation_is_renewed)
{
    struct cede__list waiters = {0};
    uint64_t old;

    ck_assert_int_eq(cede__poller_register(&poller, record, FD), 0);
    old = last_tag();
    cede__poller_forget(&poller, FD, &waiters);
    poller_fake.add_error = EEXIST;
    ck_assert_int_eq(cede__poller_register(&poller, record, FD), 0);
    ck_assert(poller_fake.calls[poller_fake.call_count - 1].retag);
    ck_assert_uint_ne(last_tag(), old);
    poller_fake.retag_error = ENOMEM;
    cede__poller_forget(&poller, FD, &waiters);
    ck_assert_fails(cede__poller_register(&poller, record, FD), ENOMEM);
    ck_assert(!record->registered);
}
END_TEST

START_TEST(a_failed_registration_is_tried_again)
{
    poller_fake.add_error = ENOSPC;
    record->owned = true;
    ck_assert_fails(cede__poller_register(&poller, record, FD), ENOSPC);
    poller_fake.add_error = EPERM;
    ck_assert_fails(cede__poller_register(&poller, record, FD), EPERM);
    poller_fake.add_error = 0;
    ck_assert_int_eq(cede__poller_register(&poller, record, FD), 0);
    ck_assert_int_eq(poller_fake.call_count, 3);
}
END_TEST

START_TEST(events_reach_those_who_wait_for_them)
{
    wait_on_fd();
    poller_fake_event(last_tag(), CEDE__READABLE);
    ck_assert_int_eq(cede__poller_wait(&poller, 5, &ready), 1);
    ck_assert_int_eq(poller_fake.timeout_ns, 5);
    ck_assert_ptr_eq(cede__list_take(&ready), &reader);
    ck_assert_ptr_null(cede__list_take(&ready));
    ck_assert(cede__list_linked(&writer));

    poller_fake_event(last_tag(), CEDE__WRITABLE);
    cede__poller_wait(&poller, 0, &ready);
    ck_assert_ptr_eq(cede__list_take(&ready), &writer);
    ck_assert_ptr_null(cede__list_take(&ready));
}
END_TEST

START_TEST(a_hangup_reaches_everybody_and_stays)
{
    wait_on_fd();
    record->drained = true;
    poller_fake_event(last_tag(), CEDE__HANGUP);
    cede__poller_wait(&poller, 0, &ready);
    ck_assert_ptr_eq(cede__list_take(&ready), &reader);
    ck_assert_ptr_eq(cede__list_take(&ready), &writer);
    ck_assert(record->hangup);
    ck_assert(!record->drained);
    poller_fake_event(last_tag(), CEDE__READABLE);
    cede__poller_wait(&poller, 0, &ready);
    ck_assert(record->hangup);
}
END_TEST

START_TEST(only_what_can_be_read_ends_drained)
{
    wait_on_fd();
    record->drained = true;
    poller_fake_event(last_tag(), CEDE__WRITABLE);
    cede__poller_wait(&poller, 0, &ready);
    ck_assert(record->drained);
    poller_fake_event(last_tag(), CEDE__READABLE);
    cede__poller_wait(&poller, 0, &ready);
    ck_assert(!record->drained);
    record->drained = true;
    poller_fake_event(last_tag(), CEDE__URGENT);
    cede__poller_wait(&poller, 0, &ready);
    ck_assert(!record->drained);
    ck_assert(record->hangup);
}
END_TEST

START_TEST(forgetting_hands_out_the_waiters_and_all_else)
{
    struct cede__list waiters = {0};
    uint32_t generation = record->generation;

    wait_on_fd();
    record->drained = record->hangup = record->nonblocking = true;
    record->kind = CEDE__FD_TCP;
    record->recv_timeout_ns = 7;
    cede__poller_forget(&poller, FD, &waiters);
    ck_assert_ptr_eq(cede__list_take(&waiters), &reader);
    ck_assert_ptr_eq(cede__list_take(&waiters), &writer);
    ck_assert_ptr_null(cede__list_take(&waiters));
    ck_assert_uint_ne(record->generation, generation);
    ck_assert(!record->registered && !record->owned && !record->drained && !record->hangup);
    ck_assert(!record->nonblocking && record->recv_timeout_ns == 0);
    ck_assert_int_eq(record->kind, CEDE__FD_UNKNOWN);
    cede__poller_forget(&poller, 99 * 512, &waiters); /* never known */
    cede__poller_forget(&poller, -1, &waiters);
    ck_assert(cede__list_empty(&waiters));
}
END_TEST

START_TEST(late_events_of_an_old_generation_are_dropped)
{
    struct cede__list waiters = {0};
    uint64_t old;

    wait_on_fd();
    old = last_tag();
    cede__poller_forget(&poller, FD, &waiters);
    while (cede__list_take(&waiters))
        ;
    wait_on_fd();
    record->drained = true;
    poller_fake_event(old, CEDE__READABLE | CEDE__WRITABLE | CEDE__HANGUP);
    poller_fake_event(99 * 512, CEDE__READABLE); /* of a number that was never known */
    cede__poller_wait(&poller, 0, &ready);
    ck_assert(cede__list_empty(&ready));
    ck_assert(record->drained && !record->hangup);
    poller_fake_event(last_tag(), CEDE__READABLE);
    cede__poller_wait(&poller, 0, &ready);
    ck_assert_ptr_eq(cede__list_take(&ready), &reader);
}
END_TEST

START_TEST(a_backend_that_does_not_open_is_not_closed)
{
    static struct cede__poller other;

    ck_assert_int_eq(cede__poller_init(&other), 0);
    poller_fake.open_error = EMFILE;
    ck_assert_fails(cede__poller_open(&other, &poller_fake_backend), EMFILE);
    cede__poller_close(&other);
    ck_assert_int_eq(poller_fake.closed, 0);
    close(other.wake_fd);
}
END_TEST

/* ---- the same through the kernel ---- */

static const struct cede__backend *const backends[] = {&cede__poller_epoll, &cede__poller_uring};
enum { BACKENDS = 2 };

/* Opens the backend of a loop test. False, having said so, if the kernel has none such. */
static bool open_real(struct cede__poller *real, int which)
{
    ck_assert_int_eq(cede__poller_init(real), 0);
    if (cede__poller_open(real, backends[which]) == 0)
        return true;
    ck_assert_int_eq(which, 1);
    printf("no io_uring: %s\n", strerror(errno));
    close(real->wake_fd);
    return false;
}

/* Events until there is none for the moment, at least one; those who waited are in `ready`. */
static void wait_for_events(struct cede__poller *real)
{
    while (cede__poller_wait(real, INT64_MAX, &ready) == 0)
        ;
    while (cede__poller_wait(real, 0, &ready) > 0)
        ;
}

START_TEST(the_kernel_reports_what_was_ready_before_it_was_registered)
{
    static struct cede__poller real;
    int fds[2];
    struct cede__fd *fd;

    if (!open_real(&real, _i))
        return;
    wait_for_events(&real); /* its own descriptor is new */
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    fd = cede__poller_fd(&real, fds[0]);
    ck_assert_int_eq(cede__poller_register(&real, fd, fds[0]), 0);
    cede__list_append(&fd->readers, &reader);
    ck_assert_int_eq(cede__poller_wait(&real, 0, &ready), 1);
    ck_assert_ptr_eq(cede__list_take(&ready), &reader);
    ck_assert_int_eq(cede__poller_wait(&real, 0, &ready), 0); /* no new edge */
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    cede__list_append(&fd->readers, &reader);
    ck_assert_int_eq(cede__poller_wait(&real, INT64_MAX, &ready), 1);
    ck_assert_ptr_eq(cede__list_take(&ready), &reader);
    close(fds[1]);
    ck_assert_int_eq(cede__poller_wait(&real, 1000000000, &ready), 1);
    ck_assert(fd->hangup);
    close(fds[0]);
    cede__poller_close(&real);
    close(real.wake_fd);
}
END_TEST

START_TEST(the_kernel_wakes_and_times_out)
{
    static struct cede__poller real;
    int64_t start;
    int i;

    if (!open_real(&real, _i))
        return;
    wait_for_events(&real); /* its own descriptor is new */
    for (i = 0; i < 3; i++) {
        cede__poller_wake(&real);
        ck_assert_int_eq(cede__poller_wait(&real, INT64_MAX, &ready), 1);
        ck_assert_int_eq(cede__poller_wait(&real, 0, &ready), 0);
    }
    start = cede_now();
    ck_assert_int_eq(cede__poller_wait(&real, 3 * CEDE_MILLISECOND, &ready), 0);
    ck_assert_int_ge(cede_now() - start, 3 * CEDE_MILLISECOND);
    cede__poller_close(&real);
    cede__poller_close(&real);
    close(real.wake_fd);
}
END_TEST

Suite *suite(void)
{
    Suite *poller_suite = suite_create("poller");
    TCase *fake = tcase_create("fake"), *kernel = tcase_create("kernel");

    tcase_add_checked_fixture(fake, open_poller, close_poller);
    tcase_add_test(fake, records_stay_where_they_are);
    tcase_add_test(fake, an_owned_descriptor_is_registered_once);
    tcase_add_test(fake, a_foreign_descriptor_is_asked_about_each_time);
    tcase_add_test(fake, a_registration_of_an_earlier_generation_is_renewed);
    tcase_add_test(fake, a_failed_registration_is_tried_again);
    tcase_add_test(fake, events_reach_those_who_wait_for_them);
    tcase_add_test(fake, a_hangup_reaches_everybody_and_stays);
    tcase_add_test(fake, only_what_can_be_read_ends_drained);
    tcase_add_test(fake, forgetting_hands_out_the_waiters_and_all_else);
    tcase_add_test(fake, late_events_of_an_old_generation_are_dropped);
    tcase_add_test(fake, a_backend_that_does_not_open_is_not_closed);
    tcase_add_loop_test(kernel, the_kernel_reports_what_was_ready_before_it_was_registered, 0, BACKENDS);
    tcase_add_loop_test(kernel, the_kernel_wakes_and_times_out, 0, BACKENDS);
    suite_add_tcase(poller_suite, fake);
    suite_add_tcase(poller_suite, kernel);
    return poller_suite;
}
