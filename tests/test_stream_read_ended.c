/* SPDX-License-Identifier: MIT */
/* Streams: reads that fail, are cancelled, come too late or are closed. Nothing is lost but by a close. */
#include "stream_peer.h"

TASK_TEST(a_deadline_ends_reads_and_nothing_is_lost)
{
    const void *data;
    size_t got = 99;

    open_small(8, 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_read(stream, buf, 4), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_read(stream, buf, 40), ETIMEDOUT);
    send_text("ab");
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_read_exactly(stream, buf, 4, &got), ETIMEDOUT);
    ck_assert_uint_eq(got, 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_read_until(stream, buf, 64, "\r\n", 2), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_read_line(stream, buf, 64), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_peek(stream, 3, &data), ETIMEDOUT);
    cede_timeout (CEDE_MILLISECOND) {
        cede_for (char *, line, cede_stream_lines, .stream = stream)
            ck_abort_msg("%s", line);
        ck_assert_int_eq(errno, ETIMEDOUT);
    }
    ck_assert_int_eq(cede_stream_at_eof(stream), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_read_exactly(stream, buf, 12, &got), ETIMEDOUT);
    ck_assert_uint_eq(got, 2); /* of more than the buffer holds */
    send_text("cdefghijklmnop\n");
    ck_assert_int_eq(cede_stream_read_exactly(stream, buf + got, 12 - got, &got), 10);
    ck_assert_mem_eq(buf, "abcdefghijkl", 12);
    cede_timeout (0)
        ck_assert_reads(cede_stream_read_line(stream, buf, 64), "mnop\n"); /* need not wait */
    close_both();
}

enum { READ, READ_LARGE, EXACTLY, UNTIL, LINE, LINES, PEEK, READS };

struct cancelled_read { int which; };
static int cancelled_read(struct cancelled_read *a)
{
    const void *data;
    size_t got = 99;
    char into[64];

    switch (a->which) {
    case READ:
        ck_assert_fails(cede_stream_read(stream, into, 4), ECANCELED);
        break;
    case READ_LARGE:
        ck_assert_fails(cede_stream_read(stream, into, 64), ECANCELED);
        break;
    case EXACTLY:
        ck_assert_fails(cede_stream_read_exactly(stream, into, 4, &got), ECANCELED);
        ck_assert_uint_eq(got, 0);
        break;
    case UNTIL:
        ck_assert_fails(cede_stream_read_until(stream, into, 8, "\r\n", 2), ECANCELED);
        break;
    case LINE:
        ck_assert_fails(cede_stream_read_line(stream, into, 8), ECANCELED);
        break;
    case LINES:
        cede_for (char *, line, cede_stream_lines, .stream = stream)
            ck_abort_msg("%s", line);
        ck_assert_int_eq(errno, ECANCELED);
        break;
    case PEEK:
        ck_assert_fails(cede_stream_peek(stream, 4, &data), ECANCELED);
        break;
    }
    return 0;
}

TASK_TEST(a_cancel_ends_reads_and_nothing_is_lost)
{
    struct cede_task *task;
    int which;

    open_small(8, 0);
    for (which = READ; which < READS; which++) {
        if (which == EXACTLY)
            send_text("ab"); /* the others wait for more than that */
        task = cede_go(cancelled_read, .which = which);
        cede_sleep(CEDE_MILLISECOND);
        ck_assert_int_eq(cede_cancel(task), 0);
        ck_assert_int_eq(cede_await(task), 0);
    }
    send_text("cd\n");
    ck_assert_reads(cede_stream_read_line(stream, buf, 64), "abcd\n");
    close_both();
}

struct closed_read { int which; };
static int closed_read(struct closed_read *a)
{
    const void *data;
    char into[64];

    switch (a->which) {
    case READ:
    case READ_LARGE:
        ck_assert_fails(cede_stream_read(stream, into, 64), EBADF);
        break;
    case EXACTLY:
        ck_assert_fails(cede_stream_read_exactly(stream, into, 4, NULL), EBADF);
        break;
    case UNTIL:
        ck_assert_fails(cede_stream_read_until(stream, into, 8, "\r\n", 2), EBADF);
        break;
    case LINE:
        ck_assert_fails(cede_stream_read_line(stream, into, 8), EBADF);
        break;
    case LINES:
        cede_for (char *, line, cede_stream_lines, .stream = stream)
            ck_abort_msg("%s", line);
        ck_assert_int_eq(errno, EBADF);
        break;
    case PEEK:
        ck_assert_fails(cede_stream_peek(stream, 4, &data), EBADF);
        break;
    }
    return 0;
}

TASK_TEST(closing_ends_reads)
{
    struct cede_task *task;
    int which;

    for (which = READ; which < READS; which++) {
        open_small(8, 0);
        if (which > READ_LARGE)
            send_text("ab");
        task = cede_go(closed_read, .which = which);
        cede_sleep(CEDE_MILLISECOND);
        ck_assert_int_eq(which % 2 ? cede_stream_close(stream) : cede_stream_abort(stream), 0);
        ck_assert_int_eq(cede_await(task), 0);
        cede_close(peer);
    }
}

/* Also where the descriptor stays open: it goes on, for others. */
TASK_TEST(closing_ends_reads_of_a_descriptor_that_is_kept)
{
    struct cede_task *task;
    int fds[2];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    stream = cede_stream_open(fds[0], &(struct cede_stream_attr){.keep_open = 1});
    task = cede_go(closed_read, .which = READ);
    cede_yield();
    ck_assert_int_eq(cede_stream_close(stream), 0);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_read(fds[0], buf, 4), 1);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

struct line_reader { char expected[8]; };
static int line_reader(struct line_reader *a)
{
    char line[16];

    ck_assert_int_gt(cede_stream_read_line(stream, line, sizeof line), 0);
    ck_assert_str_eq(line, a->expected);
    return 0;
}

TASK_TEST(one_reader_at_a_time)
{
    struct cede_task *task;
    const void *data;

    open_small(0, 0);
    task = cede_go(line_reader, .expected = "line\n");
    cede_yield();
    ck_assert_fails(cede_stream_read(stream, buf, 1), EBUSY);
    ck_assert_fails(cede_stream_read_exactly(stream, buf, 1, NULL), EBUSY);
    ck_assert_fails(cede_stream_read_until(stream, buf, 8, "\n", 1), EBUSY);
    ck_assert_fails(cede_stream_read_line(stream, buf, 8), EBUSY);
    ck_assert_fails(cede_stream_peek(stream, 0, &data), EBUSY);
    ck_assert_fails(cede_stream_skip(stream, 1), EBUSY);
    cede_for (char *, line, cede_stream_lines, .stream = stream)
        ck_abort_msg("%s", line);
    ck_assert_int_eq(errno, EBUSY);
    ck_assert_int_eq(cede_stream_printf(stream, "writing is another matter"), 25);
    ck_assert_int_eq(cede_stream_flush(stream), 0);
    expect("writing is another matter");
    send_text("line\n");
    ck_assert_int_eq(cede_await(task), 0);
    close_both();
}

Suite *suite(void)
{
    Suite *self = suite_create("stream_read_ended");
    TCase *cases = tcase_create("stream_read_ended");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_deadline_ends_reads_and_nothing_is_lost);
    tcase_add_test(cases, a_cancel_ends_reads_and_nothing_is_lost);
    tcase_add_test(cases, closing_ends_reads);
    tcase_add_test(cases, closing_ends_reads_of_a_descriptor_that_is_kept);
    tcase_add_test(cases, one_reader_at_a_time);
    suite_add_tcase(self, cases);
    return self;
}
