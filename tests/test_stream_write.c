/* SPDX-License-Identifier: MIT */
/* Streams: what is written waits in the buffer, writers take turns. */
#include <string.h>
#include <wchar.h>

#include "stream_peer.h"

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

Suite *suite(void)
{
    Suite *self = suite_create("stream_write");
    TCase *cases = tcase_create("stream_write");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, writes_wait_in_the_buffer);
    tcase_add_test(cases, several_pieces);
    tcase_add_test(cases, printf_of_any_length);
    tcase_add_test(cases, half_closed);
    tcase_add_test(cases, a_peer_that_has_gone);
    tcase_add_test(cases, writers_take_turns);
    tcase_add_test(cases, appending_does_not_wait_for_a_flush);
    tcase_add_test(cases, what_comes_while_it_is_being_closed);
    suite_add_tcase(self, cases);
    return self;
}
