/* SPDX-License-Identifier: MIT */
/* Streams: how they are opened and closed, and where they may be used. */
#include <fcntl.h>
#include <limits.h>

#include "stream_peer.h"

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
    Suite *self = suite_create("stream");
    TCase *cases = tcase_create("stream");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_cannot_be_opened);
    tcase_add_test(cases, no_stream_and_no_memory);
    tcase_add_test(cases, a_stream_may_have_one_direction);
    tcase_add_test(cases, buffers_of_the_users);
    tcase_add_test(cases, close_flushes_and_abort_does_not);
    tcase_add_test(cases, outside_a_task);
    tcase_add_test(cases, a_descriptor_that_does_not_block);
    suite_add_tcase(self, cases);
    return self;
}
