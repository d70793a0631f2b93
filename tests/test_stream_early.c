/* SPDX-License-Identifier: MIT */
/* Streams: what each kind of call does when its wait ends early, where test_stream_*_ended.c does not
 * tell. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "early.h"

static struct cede_stream *stream;
static int peer;

static void open_stream(void)
{
    const struct cede_stream_attr attr = {.write_size = 64};
    int fds[2];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    stream = cede_stream_open(fds[0], &attr);
    ck_assert_ptr_nonnull(stream);
    peer = fds[1];
}

/* ---- lines, which a generator of one's own may hand out too ---- */

struct lines { struct cede_stream *stream; };
static int lines(struct lines *a, char **line)
{
    return cede_stream_lines(&(struct cede_stream_lines){a->stream}, line);
}

/* How many lines there are; -1 with errno if they end in another way. */
static int count_lines(void *of)
{
    int count = 0;

    cede_for (char *, line, lines, .stream = of)
        count += *line != '\0';
    return errno ? -1 : count;
}

TASK_TEST(lines_end_early)
{
    open_stream();
    early_assert_ends(count_lines, stream);
    ck_assert_fails(count_lines(NULL), EINVAL);
    ck_assert_int_eq(cede_write(peer, "one\ntwo\n", 8), 8);
    cede_close(peer);
    ck_assert_int_eq(count_lines(stream), 2);
    ck_assert_int_eq(cede_stream_close(stream), 0);
    stream = cede_stream_open_pair(-1, cede_open("/dev/null", O_RDWR), NULL);
    ck_assert_fails(count_lines(stream), EBADF);
    ck_assert_int_eq(cede_stream_close(stream), 0);
}

/* ---- text ---- */

static int print(struct cede_stream *to, const char *format, ...)
{
    va_list arguments;
    int result;

    va_start(arguments, format);
    result = cede_stream_vprintf(to, format, arguments);
    va_end(arguments);
    return result;
}

static int printfs(void *unused)
{
    (void)unused;
    return cede_stream_printf(stream, "%064d", 0);
}

static int vprintfs(void *unused)
{
    (void)unused;
    return print(stream, "%064d", 0);
}

TASK_TEST(text_ends_early)
{
    char many[1 << 16] = {0};
    struct cede_stream *reads;

    open_stream();
    while (send(cede_stream_fd(stream), many, sizeof many, MSG_DONTWAIT) > 0)
        ;
    while (send(cede_stream_fd(stream), many, 1, MSG_DONTWAIT) > 0)
        ;
    ck_assert_int_eq(printfs(NULL), 64); /* the buffer is full */
    early_assert_ends(printfs, NULL);
    early_assert_ends(vprintfs, NULL);
    ck_assert_uint_eq(cede_stream_pending(stream), 64);
    ck_assert_int_eq(cede_stream_abort(stream), 0);
    cede_close(peer);
    ck_assert_fails(print(NULL, "x"), EINVAL);
    reads = cede_stream_open_pair(cede_open("/dev/null", O_RDWR), -1, NULL);
    ck_assert_fails(print(reads, "x"), EBADF);
    ck_assert_int_eq(cede_stream_close(reads), 0);
}

TASK_TEST(text_by_a_list_of_arguments)
{
    char text[8];

    open_stream();
    ck_assert_int_eq(print(stream, "%d %s", 12, "ab"), 5);
    ck_assert_int_eq(cede_stream_flush(stream), 0);
    ck_assert_int_eq(cede_read(peer, text, sizeof text), 5);
    ck_assert_mem_eq(text, "12 ab", 5);
    ck_assert_int_eq(cede_stream_close(stream), 0);
    cede_close(peer);
}

/* ---- the end of writing ---- */

TASK_TEST(a_socket_without_a_peer)
{
    stream = cede_stream_open(cede_socket(AF_INET, SOCK_STREAM, 0), NULL);
    ck_assert_ptr_nonnull(stream);
    ck_assert_fails(cede_stream_write_eof(stream), ENOTCONN);
    ck_assert_int_eq(cede_stream_close(stream), 0);
}

Suite *suite(void)
{
    Suite *self = suite_create("stream_early");
    TCase *cases = tcase_create("stream_early");

    tcase_add_test(cases, lines_end_early);
    tcase_add_test(cases, text_ends_early);
    tcase_add_test(cases, text_by_a_list_of_arguments);
    tcase_add_test(cases, a_socket_without_a_peer);
    suite_add_tcase(self, cases);
    return self;
}
