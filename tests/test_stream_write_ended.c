/* SPDX-License-Identifier: MIT */
/* Streams: writes that are cancelled, come too late or are aborted, and what has become of their bytes by then. */
#include "stream_peer.h"

TASK_TEST(a_deadline_ends_writes)
{
    size_t done = 99, jammed;

    open_small(0, 8);
    jammed = jam();
    cede_timeout (0)
        ck_assert_int_eq(cede_stream_write(stream, "0123456", 7), 7); /* need not wait */
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_flush(stream), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_write(stream, "xxx", 3), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_write(stream, "more than eight", 15), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_writev(stream, (struct iovec[]){{"xx", 2}, {"x", 1}}, 2), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_printf(stream, "xxx"), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_write_all(stream, "xxx", 3, &done), ETIMEDOUT);
    ck_assert_uint_eq(done, 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_write_eof(stream), ETIMEDOUT);
    ck_assert_uint_eq(cede_stream_pending(stream), 7);
    unjam(jammed);
    ck_assert_int_eq(cede_stream_write_eof(stream), 0);
    ck_assert_int_eq(cede_recv(peer, buf, 100, MSG_WAITALL), 7);
    ck_assert_mem_eq(buf, "0123456", 7);
    close_both();
}

TASK_TEST(a_deadline_ends_a_close_but_it_is_closed)
{
    open_small(0, 0);
    jam();
    ck_assert_int_eq(cede_stream_write(stream, "x", 1), 1);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_close(stream), ETIMEDOUT);
    cede_close(peer);
}

enum { WRITE, WRITEV, PRINTF, ALL, FLUSH, END, CLOSE, WRITES };

struct cancelled_write { int which; };
static int cancelled_write(struct cancelled_write *a)
{
    size_t done = 99;

    switch (a->which) {
    case WRITE:
        ck_assert_fails(cede_stream_write(stream, "xxx", 3), ECANCELED);
        break;
    case WRITEV:
        ck_assert_fails(cede_stream_writev(stream, (struct iovec[]){{"xx", 2}, {"x", 1}}, 2), ECANCELED);
        break;
    case PRINTF:
        ck_assert_fails(cede_stream_printf(stream, "xxx"), ECANCELED);
        break;
    case ALL:
        ck_assert_fails(cede_stream_write_all(stream, "xxx", 3, &done), ECANCELED);
        ck_assert_uint_eq(done, 0);
        break;
    case FLUSH:
        ck_assert_fails(cede_stream_flush(stream), ECANCELED);
        break;
    case END:
        ck_assert_fails(cede_stream_write_eof(stream), ECANCELED);
        break;
    case CLOSE:
        ck_assert_fails(cede_stream_close(stream), ECANCELED);
        break;
    }
    return 0;
}

TASK_TEST(a_cancel_ends_writes)
{
    struct cede_task *task;
    int which;

    open_small(0, 8);
    jam();
    ck_assert_int_eq(cede_stream_write(stream, "0123456", 7), 7);
    for (which = WRITE; which < WRITES; which++) {
        ck_assert_uint_eq(cede_stream_pending(stream), 7);
        task = cede_go(cancelled_write, .which = which);
        cede_sleep(CEDE_MILLISECOND);
        ck_assert_int_eq(cede_cancel(task), 0);
        ck_assert_int_eq(cede_await(task), 0);
    }
    cede_close(peer);
}

struct aborted_write { int which; };
static int aborted_write(struct aborted_write *a)
{
    switch (a->which) {
    case WRITE:
        ck_assert_fails(cede_stream_write(stream, "xxx", 3), EBADF);
        break;
    case WRITEV:
        ck_assert_fails(cede_stream_writev(stream, (struct iovec[]){{"xx", 2}, {"x", 1}}, 2), EBADF);
        break;
    case PRINTF:
        ck_assert_fails(cede_stream_printf(stream, "xxx"), EBADF);
        break;
    case ALL:
        ck_assert_fails(cede_stream_write_all(stream, "xxx", 3, NULL), EBADF);
        break;
    case FLUSH:
        ck_assert_fails(cede_stream_flush(stream), EBADF);
        break;
    case END:
        ck_assert_fails(cede_stream_write_eof(stream), EBADF);
        break;
    case CLOSE:
        ck_assert_fails(cede_stream_close(stream), EBADF);
        break;
    }
    return 0;
}

/* One task writes, and six queue up behind it. */
TASK_TEST(an_abort_ends_all_writes)
{
    struct cede_task *tasks[WRITES];
    int which, first;

    for (first = WRITE; first < WRITES; first++) {
        open_small(0, 8);
        jam();
        ck_assert_int_eq(cede_stream_write(stream, "0123456", 7), 7);
        for (which = WRITE; which < WRITES; which++) {
            tasks[which] = cede_go(aborted_write, .which = (first + which) % WRITES);
            cede_yield();
        }
        ck_assert_int_eq(cede_stream_abort(stream), 0);
        for (which = WRITE; which < WRITES; which++)
            ck_assert_int_eq(cede_await(tasks[which]), 0);
        cede_close(peer);
    }
}

TASK_TEST(a_part_of_a_large_write_is_told)
{
    static char large[1 << 20];
    size_t done = 0;
    ssize_t n = 0;

    open_small(0, 8);
    cede_timeout (CEDE_MILLISECOND)
        n = cede_stream_write(stream, large, sizeof large);
    ck_assert_int_gt(n, 0);
    ck_assert_int_lt(n, (ssize_t)sizeof large);
    unjam((size_t)n);
    expect("");
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_write_all(stream, large, sizeof large, &done), ETIMEDOUT);
    ck_assert_uint_gt(done, 0);
    unjam(done);
    expect("");
    close_both();
}

Suite *suite(void)
{
    Suite *self = suite_create("stream_write_ended");
    TCase *cases = tcase_create("stream_write_ended");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_deadline_ends_writes);
    tcase_add_test(cases, a_deadline_ends_a_close_but_it_is_closed);
    tcase_add_test(cases, a_cancel_ends_writes);
    tcase_add_test(cases, an_abort_ends_all_writes);
    tcase_add_test(cases, a_part_of_a_large_write_is_told);
    suite_add_tcase(self, cases);
    return self;
}
