/* SPDX-License-Identifier: MIT */
/* Streams: all that read give what they promise, and lose nothing that was not asked for. */
#include <stdio.h>
#include <string.h>

#include "stream_peer.h"

TASK_TEST(read_gives_what_is_there)
{
    open_small(8, 0);
    ck_assert_int_eq(cede_stream_read(stream, buf, 0), 0);
    send_text("0123456789");
    ck_assert_reads(cede_stream_read(stream, buf, 3), "012");
    ck_assert_reads(cede_stream_read(stream, buf, 100), "34567"); /* the rest of the buffer */
    ck_assert_reads(cede_stream_read(stream, buf, 100), "89");    /* straight, as it is larger than the buffer */
    end_text();
    ck_assert_int_eq(cede_stream_at_eof(stream), 0);
    ck_assert_int_eq(cede_stream_read(stream, buf, 4), 0);
    ck_assert_int_eq(cede_stream_at_eof(stream), 1);
    ck_assert_int_eq(cede_stream_read(stream, buf, 100), 0);
    close_both();
}

TASK_TEST(read_exactly_is_exact)
{
    size_t got = 99;

    open_small(8, 0);
    send_text("0123456789abcdefghij");
    ck_assert_reads(cede_stream_read_exactly(stream, buf, 5, &got), "01234");
    ck_assert_uint_eq(got, 5);
    ck_assert_reads(cede_stream_read_exactly(stream, buf, 12, &got), "56789abcdefg");
    ck_assert_uint_eq(got, 12);
    ck_assert_int_eq(cede_stream_read_exactly(stream, buf, 0, &got), 0);
    ck_assert_uint_eq(got, 0);
    ck_assert_reads(cede_stream_read_exactly(stream, buf, 3, NULL), "hij");
    end_text();
    ck_assert_int_eq(cede_stream_read_exactly(stream, buf, 5, &got), 0);
    ck_assert_int_eq(cede_stream_read_exactly(stream, buf, 50, &got), 0);
    ck_assert_uint_eq(got, 0);
    close_both();
}

TASK_TEST(an_end_within_a_record_loses_nothing)
{
    size_t got = 99;

    open_small(8, 0);
    send_text("abc");
    end_text();
    ck_assert_fails(cede_stream_read_exactly(stream, buf, 5, &got), ENODATA);
    ck_assert_uint_eq(got, 0);
    ck_assert_int_eq(cede_stream_at_eof(stream), 0);
    ck_assert_reads(cede_stream_read(stream, buf, 10), "abc");
    ck_assert_int_eq(cede_stream_at_eof(stream), 1);
    close_both();
    open_small(8, 0);
    send_text("0123456789abc");
    end_text();
    ck_assert_fails(cede_stream_read_exactly(stream, buf, 20, &got), ENODATA);
    ck_assert_uint_eq(got, 13); /* more than a buffer: stored, and told */
    ck_assert_mem_eq(buf, "0123456789abc", 13);
    ck_assert_int_eq(cede_stream_read(stream, buf, 10), 0);
    close_both();
}

TASK_TEST(delimiters_of_several_bytes)
{
    size_t i;
    static const char text[] = "GET /\r\nHost: a\r\r\n\r\nrest";

    open_small(16, 0);
    for (i = 0; i < sizeof text - 1; i++) /* each byte alone */
        ck_assert_int_eq(cede_write(peer, &text[i], 1), 1);
    ck_assert_reads(cede_stream_read_until(stream, buf, 64, "\r\n", 2), "GET /\r\n");
    ck_assert_reads(cede_stream_read_until(stream, buf, 64, "\r\n\r\n", 4), "Host: a\r\r\n\r\n");
    end_text();
    ck_assert_fails(cede_stream_read_until(stream, buf, 64, "\r\n", 2), ENODATA);
    ck_assert_reads(cede_stream_read(stream, buf, 64), "rest");
    ck_assert_int_eq(cede_stream_read_until(stream, buf, 64, "\r\n", 2), 0);
    close_both();
}

struct feeder { const char *text; };
static int feeder(struct feeder *a)
{
    for (; *a->text; a->text++)
        if (cede_write(peer, a->text, 1) != 1 || cede_sleep(10 * CEDE_MICROSECOND) != 0)
            return -1;
    return 0;
}

/* The delimiter's bytes come one by one, around a beginning that leads nowhere. */
TASK_TEST(a_delimiter_that_comes_in_parts)
{
    struct cede_task *task;

    open_small(64, 0);
    task = cede_go(feeder, .text = "aab-aaab-aab--end");
    ck_assert_reads(cede_stream_read_until(stream, buf, 64, "aab--", 5), "aab-aaab-aab--");
    ck_assert_reads(cede_stream_read_exactly(stream, buf, 3, NULL), "end");
    ck_assert_int_eq(cede_await(task), 0);
    close_both();
}

TASK_TEST(too_long_is_told_and_nothing_is_lost)
{
    open_small(8, 0);
    send_text("0123456\n01234567\n");
    ck_assert_fails(cede_stream_read_until(stream, buf, 7, "\n", 1), EMSGSIZE); /* of the caller's buffer */
    ck_assert_reads(cede_stream_read_until(stream, buf, 8, "\n", 1), "0123456\n");
    ck_assert_fails(cede_stream_read_until(stream, buf, 100, "\n", 1), EMSGSIZE); /* of the stream's */
    ck_assert_fails(cede_stream_read_until(stream, buf, 100, "0123456789", 10), EMSGSIZE);
    ck_assert_fails(cede_stream_read_line(stream, buf, 100), EMSGSIZE);
    ck_assert_reads(cede_stream_read(stream, buf, 100), "01234567");
    ck_assert_reads(cede_stream_read_line(stream, buf, 100), "\n");
    send_text("01234\n");
    ck_assert_fails(cede_stream_read_line(stream, buf, 6), EMSGSIZE);
    ck_assert_reads(cede_stream_read_line(stream, buf, 7), "01234\n");
    close_both();
}

TASK_TEST(lines_and_the_last_one)
{
    memset(buf, 'x', sizeof buf);
    open_small(64, 0);
    send_text("\none\ntwo");
    end_text();
    ck_assert_reads(cede_stream_read_line(stream, buf, sizeof buf), "\n");
    ck_assert_int_eq(buf[1], '\0');
    ck_assert_reads(cede_stream_read_line(stream, buf, sizeof buf), "one\n");
    ck_assert_int_eq(buf[4], '\0');
    ck_assert_fails(cede_stream_read_line(stream, buf, 3), EMSGSIZE); /* without an end it is too long as well */
    ck_assert_reads(cede_stream_read_line(stream, buf, 4), "two");
    ck_assert_int_eq(buf[3], '\0');
    ck_assert_int_eq(cede_stream_read_line(stream, buf, sizeof buf), 0);
    ck_assert_int_eq(buf[0], '\0');
    close_both();
}

TASK_TEST(a_generator_of_lines)
{
    static const char *const expected[] = {"one", "", "two", "0123456", "last"};
    int count = 0;

    open_small(8, 0);
    send_text("one\n\ntwo\n0123456\nlast");
    end_text();
    cede_for (char *, line, cede_stream_lines, .stream = stream)
        ck_assert_str_eq(line, expected[count++]);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(count, 5);
    close_both();

    open_small(8, 0);
    send_text("one\ntwo\n01234567\n");
    cede_for (char *, line, cede_stream_lines, .stream = stream)
        break;
    count = 0;
    cede_for (char *, line, cede_stream_lines, .stream = stream) {
        ck_assert_str_eq(line, "two"); /* the loop that was left has not taken it */
        count++;
    }
    ck_assert_int_eq(errno, EMSGSIZE);
    ck_assert_int_eq(count, 1);
    ck_assert_reads(cede_stream_read(stream, buf, 100), "01234567");
    close_both();
    cede_for (char *, line, cede_stream_lines, .stream = NULL)
        ck_abort_msg("%s", line);
    ck_assert_int_eq(errno, EINVAL);
}

TASK_TEST(peek_and_skip)
{
    const void *data;

    open_small(8, 0);
    ck_assert_int_eq(cede_stream_peek(stream, 0, &data), 0); /* does not wait */
    send_text("0123");
    ck_assert_int_eq(cede_stream_peek(stream, 1, &data), 4);
    ck_assert_mem_eq(data, "0123", 4);
    ck_assert_int_eq(cede_stream_skip(stream, 2), 2);
    send_text("456789");
    ck_assert_int_eq(cede_stream_peek(stream, 8, &data), 8);
    ck_assert_mem_eq(data, "23456789", 8);
    ck_assert_fails(cede_stream_peek(stream, 9, &data), EMSGSIZE);
    ck_assert_int_eq(cede_stream_skip(stream, 5), 5);
    end_text();
    ck_assert_int_eq(cede_stream_peek(stream, 8, &data), 3);
    ck_assert_mem_eq(data, "789", 3);
    ck_assert_int_eq(cede_stream_skip(stream, 100), 3);
    ck_assert_int_eq(cede_stream_peek(stream, 8, &data), 0);
    ck_assert_int_eq(cede_stream_at_eof(stream), 1);
    close_both();
}

TASK_TEST(a_file_is_a_stream_as_well)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    stream = cede_stream_open(fileno(file), &(struct cede_stream_attr){.keep_open = 1});
    ck_assert_int_eq(cede_stream_printf(stream, "%d\n%s\n", 42, "text"), 8);
    ck_assert_fails(cede_stream_write_eof(stream), ENOTSOCK);
    ck_assert_int_eq(cede_stream_pending(stream), 0); /* but flushed */
    rewind(file);
    ck_assert_reads(cede_stream_read_line(stream, buf, sizeof buf), "42\n");
    ck_assert_reads(cede_stream_read_line(stream, buf, sizeof buf), "text\n");
    ck_assert_int_eq(cede_stream_read_line(stream, buf, sizeof buf), 0);
    ck_assert_int_eq(cede_stream_close(stream), 0);
    fclose(file);
}

TASK_TEST(a_failed_read_loses_nothing)
{
    const struct linger reset = {.l_onoff = 1};
    int listener = cede_listen("127.0.0.1:0"), fd;
    char address[32];

    snprintf(address, sizeof address, "127.0.0.1:%d", cede_port(listener));
    fd = cede_dial(address);
    stream = cede_stream_accept(listener, NULL);
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(cede_write(fd, "abc", 3), 3);
    ck_assert_reads(cede_stream_read(stream, buf, 1), "a");
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    cede_close(fd);
    ck_assert_fails(cede_stream_read_exactly(stream, buf, 5, NULL), ECONNRESET);
    ck_assert_reads(cede_stream_read(stream, buf, 5), "bc");
    cede_stream_abort(stream);
    cede_close(listener);
}

Suite *suite(void)
{
    Suite *self = suite_create("stream_read");
    TCase *cases = tcase_create("stream_read");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, read_gives_what_is_there);
    tcase_add_test(cases, read_exactly_is_exact);
    tcase_add_test(cases, an_end_within_a_record_loses_nothing);
    tcase_add_test(cases, delimiters_of_several_bytes);
    tcase_add_test(cases, a_delimiter_that_comes_in_parts);
    tcase_add_test(cases, too_long_is_told_and_nothing_is_lost);
    tcase_add_test(cases, lines_and_the_last_one);
    tcase_add_test(cases, a_generator_of_lines);
    tcase_add_test(cases, peek_and_skip);
    tcase_add_test(cases, a_file_is_a_stream_as_well);
    tcase_add_test(cases, a_failed_read_loses_nothing);
    suite_add_tcase(self, cases);
    return self;
}
