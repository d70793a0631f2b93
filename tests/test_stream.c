/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "harness.h"

/* A stream, and the other end of its socket, raw. */
static struct cede_stream *stream;
static int peer;
static char buf[4096];

static void open_small(size_t read_size, size_t write_size)
{
    const struct cede_stream_attr attr = {.read_size = read_size, .write_size = write_size};
    int fds[2];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    stream = cede_stream_open(fds[0], &attr);
    ck_assert_ptr_nonnull(stream);
    peer = fds[1];
}

static void close_both(void)
{
    ck_assert_int_eq(cede_stream_close(stream), 0);
    ck_assert_int_eq(cede_close(peer), 0);
}

static void send_text(const char *text)
{
    ck_assert_int_eq(cede_write(peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void end_text(void)
{
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
}

/* Asserts that a reading call returns this text. */
#define ck_assert_reads(expression, text)                          \
    do {                                                           \
        ck_assert_int_eq((expression), (ssize_t)(sizeof(text) - 1)); \
        ck_assert_mem_eq(buf, (text), sizeof(text) - 1);           \
    } while (0)

/* Asserts that the peer gets this text, and nothing more is there. */
static void expect(const char *text)
{
    size_t size = strlen(text);

    if (size > 0)
        ck_assert_int_eq(cede_recv(peer, buf, size, MSG_WAITALL), (ssize_t)size);
    ck_assert_mem_eq(buf, text, size);
    ck_assert_fails(cede_recv(peer, buf, 1, MSG_DONTWAIT), EAGAIN);
}

/* Fills the socket, so that whatever the stream writes has to wait. */
static size_t jam(void)
{
    static char filler[1 << 16];
    size_t total = 0;
    ssize_t n;

    while ((n = send(cede_stream_fd(stream), filler, sizeof filler, MSG_DONTWAIT)) > 0)
        total += (size_t)n;
    while (send(cede_stream_fd(stream), filler, 1, MSG_DONTWAIT) > 0)
        total++;
    return total;
}

static void unjam(size_t total)
{
    static char filler[1 << 16];

    while (total > 0) {
        ssize_t n = cede_read(peer, filler, total < sizeof filler ? total : sizeof filler);

        ck_assert_int_gt(n, 0);
        total -= (size_t)n;
    }
}

/* ---- open and close ---- */

TASK_TEST(what_cannot_be_opened)
{
    const struct cede_stream_attr no_read_size = {.read_buffer = buf}, no_write_size = {.write_buffer = buf},
                                  huge = {.read_size = SIZE_MAX}, both = {.read_size = SIZE_MAX / 2,
                                                                          .write_size = SIZE_MAX / 2};

    errno = 0;
    ck_assert_ptr_null(cede_stream_open(987654, NULL));
    ck_assert_int_eq(errno, EBADF);
    ck_assert_ptr_null(cede_stream_open_pair(-1, -1, NULL));
    ck_assert_int_eq(errno, EBADF);
    ck_assert_ptr_null(cede_stream_open_pair(0, 987654, NULL));
    ck_assert_int_eq(errno, EBADF);
    ck_assert_ptr_null(cede_stream_open(0, &no_read_size));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(cede_stream_open(0, &no_write_size));
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    ck_assert_ptr_null(cede_stream_open_pair(0, 1, &no_write_size));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(cede_stream_open(0, &huge));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_null(cede_stream_open(0, &both));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_int_ge(fcntl(0, F_GETFD), 0);
}

TASK_TEST(no_stream_and_no_memory)
{
    const void *data;
    char line[8];

    open_small(0, 0);
    ck_assert_fails(cede_stream_read(NULL, buf, 1), EINVAL);
    ck_assert_fails(cede_stream_read(stream, NULL, 1), EINVAL);
    ck_assert_fails(cede_stream_read_exactly(NULL, buf, 1, NULL), EINVAL);
    ck_assert_fails(cede_stream_read_exactly(stream, NULL, 1, NULL), EINVAL);
    ck_assert_fails(cede_stream_read_until(NULL, buf, 1, "\n", 1), EINVAL);
    ck_assert_fails(cede_stream_read_until(stream, NULL, 1, "\n", 1), EINVAL);
    ck_assert_fails(cede_stream_read_until(stream, buf, 1, NULL, 1), EINVAL);
    ck_assert_fails(cede_stream_read_until(stream, buf, 1, "\n", 0), EINVAL);
    ck_assert_fails(cede_stream_read_line(NULL, line, sizeof line), EINVAL);
    ck_assert_fails(cede_stream_read_line(stream, NULL, sizeof line), EINVAL);
    ck_assert_fails(cede_stream_read_line(stream, line, 1), EINVAL);
    ck_assert_fails(cede_stream_peek(NULL, 1, &data), EINVAL);
    ck_assert_fails(cede_stream_peek(stream, 1, NULL), EINVAL);
    ck_assert_fails(cede_stream_skip(NULL, 1), EINVAL);
    ck_assert_fails(cede_stream_at_eof(NULL), EINVAL);
    ck_assert_fails(cede_stream_write(NULL, buf, 1), EINVAL);
    ck_assert_fails(cede_stream_write(stream, NULL, 1), EINVAL);
    ck_assert_fails(cede_stream_writev(NULL, NULL, 0), EINVAL);
    ck_assert_fails(cede_stream_writev(stream, NULL, 1), EINVAL);
    ck_assert_fails(cede_stream_writev(stream, &(struct iovec){buf, 1}, -1), EINVAL);
    ck_assert_fails(cede_stream_writev(stream, (struct iovec[]){{buf, SSIZE_MAX}, {buf, 1}}, 2), EINVAL);
    ck_assert_fails(cede_stream_printf(NULL, "x"), EINVAL);
    ck_assert_fails(cede_stream_write_all(NULL, buf, 1, NULL), EINVAL);
    ck_assert_fails(cede_stream_write_all(stream, NULL, 1, NULL), EINVAL);
    ck_assert_fails(cede_stream_flush(NULL), EINVAL);
    ck_assert_fails(cede_stream_write_eof(NULL), EINVAL);
    ck_assert_fails(cede_stream_fd(NULL), EINVAL);
    ck_assert_uint_eq(cede_stream_pending(NULL), 0);
    ck_assert_int_eq(cede_stream_close(NULL), 0);
    ck_assert_int_eq(cede_stream_abort(NULL), 0);
    close_both();
}

TASK_TEST(a_stream_may_have_one_direction)
{
    int fds[2];
    const void *data;
    struct cede_stream *reads, *writes;

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    reads = cede_stream_open_pair(fds[0], -1, NULL);
    writes = cede_stream_open_pair(-1, fds[1], NULL);
    ck_assert_int_eq(cede_stream_fd(reads), fds[0]);
    ck_assert_int_eq(cede_stream_fd(writes), fds[1]);
    ck_assert_fails(cede_stream_write(reads, "x", 1), EBADF);
    ck_assert_fails(cede_stream_writev(reads, NULL, 0), EBADF);
    ck_assert_fails(cede_stream_printf(reads, "x"), EBADF);
    ck_assert_fails(cede_stream_write_all(reads, "x", 1, NULL), EBADF);
    ck_assert_fails(cede_stream_flush(reads), EBADF);
    ck_assert_fails(cede_stream_write_eof(reads), EBADF);
    ck_assert_fails(cede_stream_read(writes, buf, 1), EBADF);
    ck_assert_fails(cede_stream_read_exactly(writes, buf, 1, NULL), EBADF);
    ck_assert_fails(cede_stream_read_until(writes, buf, 1, "\n", 1), EBADF);
    ck_assert_fails(cede_stream_read_line(writes, buf, 2), EBADF);
    ck_assert_fails(cede_stream_peek(writes, 0, &data), EBADF);
    ck_assert_fails(cede_stream_skip(writes, 1), EBADF);
    ck_assert_fails(cede_stream_at_eof(writes), EBADF);
    ck_assert_int_eq(cede_stream_printf(writes, "through a %s\n", "pipe"), 15);
    ck_assert_int_eq(cede_stream_write_eof(writes), 0);
    ck_assert_fails(fcntl(fds[1], F_GETFD), EBADF); /* half closed: it has gone */
    ck_assert_fails(cede_stream_write_eof(writes), EPIPE);
    ck_assert_fails(cede_stream_fd(writes), EBADF);
    ck_assert_reads(cede_stream_read_line(reads, buf, sizeof buf), "through a pipe\n");
    ck_assert_int_eq(cede_stream_read_line(reads, buf, sizeof buf), 0);
    ck_assert_int_eq(cede_stream_close(writes), 0);
    ck_assert_int_eq(cede_stream_close(reads), 0);
    ck_assert_fails(fcntl(fds[0], F_GETFD), EBADF);
}

TASK_TEST(buffers_of_the_users)
{
    char in[16], out[8];
    const struct cede_stream_attr attr = {.read_size = sizeof in, .write_size = sizeof out, .read_buffer = in,
                                          .write_buffer = out, .keep_open = 1};
    const void *data;
    int fds[2];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    stream = cede_stream_open(fds[0], &attr);
    peer = fds[1];
    send_text("0123456789abcdef");
    ck_assert_int_eq(cede_stream_peek(stream, 16, &data), 16);
    ck_assert_ptr_eq(data, in);
    ck_assert_int_eq(cede_stream_write(stream, "12345678", 8), 8);
    ck_assert_mem_eq(out, "12345678", 8);
    expect("");
    ck_assert_int_eq(cede_stream_close(stream), 0);
    expect("12345678");
    ck_assert_int_ge(fcntl(fds[0], F_GETFD), 0); /* kept open */
    cede_close(fds[0]);
    cede_close(fds[1]);
}

TASK_TEST(close_flushes_and_abort_does_not)
{
    open_small(0, 0);
    ck_assert_int_eq(cede_stream_write(stream, "one", 3), 3);
    ck_assert_int_eq(cede_stream_close(stream), 0);
    ck_assert_int_eq(cede_read(peer, buf, 10), 3);
    ck_assert_int_eq(cede_read(peer, buf, 10), 0);
    cede_close(peer);
    open_small(0, 0);
    ck_assert_int_eq(cede_stream_write(stream, "one", 3), 3);
    ck_assert_int_eq(cede_stream_abort(stream), 0);
    ck_assert_int_eq(cede_read(peer, buf, 10), 0);
    cede_close(peer);
    open_small(0, 0);
    ck_assert_int_eq(cede_stream_write(stream, "one", 3), 3);
    cede_close(peer);
    ck_assert_fails(cede_stream_close(stream), EPIPE); /* and no signal */
}

/* ---- read ---- */

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

/* ---- reads that end early ---- */

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

/* ---- write ---- */

TASK_TEST(writes_wait_in_the_buffer)
{
    open_small(0, 8);
    ck_assert_int_eq(cede_stream_write(stream, "abc", 3), 3);
    ck_assert_int_eq(cede_stream_printf(stream, "%s", "de"), 2);
    ck_assert_uint_eq(cede_stream_pending(stream), 5);
    expect("");
    ck_assert_int_eq(cede_stream_flush(stream), 0);
    ck_assert_uint_eq(cede_stream_pending(stream), 0);
    expect("abcde");
    ck_assert_int_eq(cede_stream_write(stream, "12345", 5), 5);
    ck_assert_int_eq(cede_stream_write(stream, "6789", 4), 4); /* no room: what is there goes */
    expect("12345");
    ck_assert_uint_eq(cede_stream_pending(stream), 4);
    ck_assert_int_eq(cede_stream_write(stream, "larger than the buffer", 22), 22);
    ck_assert_uint_eq(cede_stream_pending(stream), 0);
    expect("6789larger than the buffer");
    ck_assert_int_eq(cede_stream_write(stream, NULL, 0), 0);
    close_both();
}

TASK_TEST(several_pieces)
{
    struct iovec small[] = {{"ab", 2}, {NULL, 0}, {"cd", 2}}, large[] = {{"ef", 2}, {"0123456789", 10}, {"gh", 2}};
    size_t done = 99;

    open_small(0, 8);
    ck_assert_int_eq(cede_stream_writev(stream, small, 3), 4);
    ck_assert_int_eq(cede_stream_writev(stream, small, 3), 4);
    expect("");
    ck_assert_int_eq(cede_stream_writev(stream, small, 3), 4);
    expect("abcdabcd");
    ck_assert_int_eq(cede_stream_writev(stream, large, 3), 14);
    ck_assert_int_eq(cede_stream_write_all(stream, "ij", 2, &done), 0);
    ck_assert_uint_eq(done, 2);
    ck_assert_uint_eq(cede_stream_pending(stream), 0);
    expect("abcdef0123456789ghij");
    ck_assert_int_eq(cede_stream_write_all(stream, NULL, 0, NULL), 0);
    close_both();
}

TASK_TEST(printf_of_any_length)
{
    static char wide[1001];

    open_small(0, 16);
    ck_assert_int_eq(cede_stream_printf(stream, "%*d", 1000, 7), 1000);
    memset(wide, ' ', 999);
    wide[999] = '7';
    expect(wide);
    ck_assert_fails(cede_stream_printf(stream, "%ls", (const wchar_t[]){0xd800, 0}), EILSEQ);
    ck_assert_int_eq(cede_stream_printf(stream, "%s", ""), 0);
    close_both();
}

TASK_TEST(half_closed)
{
    open_small(0, 0);
    ck_assert_int_eq(cede_stream_write(stream, "question", 8), 8);
    ck_assert_int_eq(cede_stream_write_eof(stream), 0);
    ck_assert_int_eq(cede_recv(peer, buf, 9, MSG_WAITALL), 8); /* and the end */
    ck_assert_fails(cede_stream_write(stream, "x", 1), EPIPE);
    ck_assert_fails(cede_stream_writev(stream, NULL, 0), EPIPE);
    ck_assert_fails(cede_stream_printf(stream, "x"), EPIPE);
    ck_assert_fails(cede_stream_write_all(stream, "x", 1, NULL), EPIPE);
    ck_assert_fails(cede_stream_flush(stream), EPIPE);
    ck_assert_fails(cede_stream_write_eof(stream), EPIPE);
    send_text("answer");
    ck_assert_reads(cede_stream_read(stream, buf, 10), "answer");
    close_both();
}

TASK_TEST(a_peer_that_has_gone)
{
    size_t done = 99;

    open_small(0, 8);
    ck_assert_int_eq(cede_stream_write(stream, "abc", 3), 3);
    cede_close(peer);
    ck_assert_fails(cede_stream_flush(stream), EPIPE);
    ck_assert_fails(cede_stream_write(stream, "0123456", 7), EPIPE);
    ck_assert_fails(cede_stream_write(stream, "0123456789", 10), EPIPE);
    ck_assert_fails(cede_stream_printf(stream, "0123456"), EPIPE);
    ck_assert_fails(cede_stream_write_all(stream, "x", 1, &done), EPIPE);
    ck_assert_uint_eq(done, 0);
    ck_assert_fails(cede_stream_write_eof(stream), EPIPE);
    ck_assert_uint_eq(cede_stream_pending(stream), 3);
    ck_assert_fails(cede_stream_close(stream), EPIPE);
}

/* ---- writes that end early ---- */

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

/* ---- writers take turns ---- */

struct writer { char letter; size_t size; };
static int writer(struct writer *a)
{
    static char text[26][64];
    char *mine = text[a->letter - 'a'];

    memset(mine, a->letter, a->size);
    ck_assert_int_eq(cede_stream_write(stream, mine, a->size), (ssize_t)a->size);
    return cede_stream_flush(stream);
}

TASK_TEST(writers_take_turns)
{
    struct cede_task *tasks[26];
    size_t jammed;
    int i, letter;

    open_small(0, 32);
    jammed = jam();
    for (i = 0; i < 26; i++) {
        tasks[i] = cede_go(writer, .letter = (char)('a' + i), .size = 7 + (size_t)i);
        cede_yield();
    }
    unjam(jammed);
    for (letter = i = 0; i < 26; i++) { /* no matter whose turn was first: each one's bytes are together */
        ck_assert_int_eq(cede_recv(peer, buf, 1, 0), 1);
        letter = buf[0];
        ck_assert_int_eq(cede_recv(peer, buf, (size_t)(6 + letter - 'a'), MSG_WAITALL), 6 + letter - 'a');
        ck_assert_int_eq(buf[0], letter);
        ck_assert_int_eq(buf[6 + letter - 'a' - 1], letter);
    }
    for (i = 0; i < 26; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    close_both();
}

/* What others append while a flush waits is not behind it, and is not lost. */
TASK_TEST(appending_does_not_wait_for_a_flush)
{
    struct cede_task *task;
    size_t jammed;

    open_small(0, 32);
    jammed = jam();
    task = cede_go(writer, .letter = 'x', .size = 10);
    cede_yield();
    cede_timeout (0)
        ck_assert_int_eq(cede_stream_write(stream, "0123456789", 10), 10);
    ck_assert_uint_eq(cede_stream_pending(stream), 20);
    unjam(jammed);
    ck_assert_int_eq(cede_await(task), 0);
    expect("xxxxxxxxxx");
    ck_assert_uint_eq(cede_stream_pending(stream), 10);
    ck_assert_int_eq(cede_stream_flush(stream), 0);
    expect("0123456789");
    close_both();
}

struct closing { int unused; };
static int closing(struct closing *unused)
{
    (void)unused;
    return cede_stream_close(stream);
}

TASK_TEST(what_comes_while_it_is_being_closed)
{
    struct cede_task *first, *task;
    size_t jammed;

    open_small(0, 8);
    jammed = jam();
    ck_assert_int_eq(cede_stream_write(stream, "abc", 3), 3);
    first = cede_go(writer, .letter = 'x', .size = 7); /* its write comes before the close, its flush after that */
    cede_yield();
    task = cede_go(closing, 0);
    cede_yield();
    ck_assert_fails(cede_stream_write(stream, "x", 1), EBADF);
    ck_assert_fails(cede_stream_read(stream, buf, 1), EBADF);
    ck_assert_fails(cede_stream_at_eof(stream), EBADF);
    ck_assert_fails(cede_stream_close(stream), EBADF);
    unjam(jammed);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_fails(cede_await(first), EBADF);
    ck_assert_int_eq(cede_recv(peer, buf, 100, MSG_WAITALL), 10);
    ck_assert_mem_eq(buf, "abcxxxxxxx", 10);
    cede_close(peer);
}

START_TEST(outside_a_task)
{
    open_small(0, 0);
    send_text("line\nrest");
    end_text();
    ck_assert_reads(cede_stream_read_line(stream, buf, sizeof buf), "line\n");
    ck_assert_reads(cede_stream_read_exactly(stream, buf, 4, NULL), "rest");
    ck_assert_int_eq(cede_stream_read(stream, buf, 4), 0);
    ck_assert_int_eq(cede_stream_printf(stream, "%d", 7), 1);
    ck_assert_int_eq(cede_stream_write_eof(stream), 0);
    ck_assert_int_eq(cede_recv(peer, buf, 4, MSG_WAITALL), 1);
    close_both();
}
END_TEST

TASK_TEST(a_descriptor_that_does_not_block)
{
    open_small(0, 0);
    ck_assert_int_eq(cede_fcntl(cede_stream_fd(stream), F_SETFL, O_NONBLOCK), 0);
    ck_assert_fails(cede_stream_read(stream, buf, 1), EAGAIN);
    ck_assert_fails(cede_stream_read_line(stream, buf, 10), EAGAIN);
    send_text("x");
    ck_assert_reads(cede_stream_read(stream, buf, 1), "x");
    jam();
    ck_assert_int_eq(cede_stream_write(stream, "x", 1), 1);
    ck_assert_fails(cede_stream_flush(stream), EAGAIN);
    ck_assert_int_eq(cede_stream_abort(stream), 0);
    cede_close(peer);
}

Suite *suite(void)
{
    Suite *all = suite_create("stream");
    TCase *open = tcase_create("open"), *reads = tcase_create("read"), *writes = tcase_create("write");

    tcase_add_test(open, what_cannot_be_opened);
    tcase_add_test(open, no_stream_and_no_memory);
    tcase_add_test(open, a_stream_may_have_one_direction);
    tcase_add_test(open, buffers_of_the_users);
    tcase_add_test(open, close_flushes_and_abort_does_not);
    tcase_add_test(open, outside_a_task);
    tcase_add_test(open, a_descriptor_that_does_not_block);
    tcase_add_test(reads, read_gives_what_is_there);
    tcase_add_test(reads, read_exactly_is_exact);
    tcase_add_test(reads, an_end_within_a_record_loses_nothing);
    tcase_add_test(reads, delimiters_of_several_bytes);
    tcase_add_test(reads, a_delimiter_that_comes_in_parts);
    tcase_add_test(reads, too_long_is_told_and_nothing_is_lost);
    tcase_add_test(reads, lines_and_the_last_one);
    tcase_add_test(reads, a_generator_of_lines);
    tcase_add_test(reads, peek_and_skip);
    tcase_add_test(reads, a_file_is_a_stream_as_well);
    tcase_add_test(reads, a_failed_read_loses_nothing);
    tcase_add_test(reads, a_deadline_ends_reads_and_nothing_is_lost);
    tcase_add_test(reads, a_cancel_ends_reads_and_nothing_is_lost);
    tcase_add_test(reads, closing_ends_reads);
    tcase_add_test(reads, closing_ends_reads_of_a_descriptor_that_is_kept);
    tcase_add_test(reads, one_reader_at_a_time);
    tcase_add_test(writes, writes_wait_in_the_buffer);
    tcase_add_test(writes, several_pieces);
    tcase_add_test(writes, printf_of_any_length);
    tcase_add_test(writes, half_closed);
    tcase_add_test(writes, a_peer_that_has_gone);
    tcase_add_test(writes, a_deadline_ends_writes);
    tcase_add_test(writes, a_deadline_ends_a_close_but_it_is_closed);
    tcase_add_test(writes, a_cancel_ends_writes);
    tcase_add_test(writes, an_abort_ends_all_writes);
    tcase_add_test(writes, a_part_of_a_large_write_is_told);
    tcase_add_test(writes, writers_take_turns);
    tcase_add_test(writes, appending_does_not_wait_for_a_flush);
    tcase_add_test(writes, what_comes_while_it_is_being_closed);
    tcase_set_timeout(reads, 60);
    tcase_set_timeout(writes, 60);
    suite_add_tcase(all, open);
    suite_add_tcase(all, reads);
    suite_add_tcase(all, writes);
    return all;
}
