/* SPDX-License-Identifier: MIT */
/* The buffers of streams exist only while there is something in them, belong to nobody else meanwhile, and go with the
 * stream wherever it goes. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "stream.h"

enum { LARGE = 3 * CEDE_BUFFER_SIZE };

static struct cede_stream *stream;
static int peer;
static char buf[LARGE];

static struct cede_stream *open_one(int *other, const struct cede_stream_attr *attr)
{
    struct cede_stream *opened;
    int fds[2];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    opened = cede_stream_open(fds[0], attr);
    ck_assert_ptr_nonnull(opened);
    *other = fds[1];
    return opened;
}

static void open_both(void)
{
    stream = open_one(&peer, NULL);
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

static void expect_line(const char *text)
{
    ck_assert_int_eq(cede_stream_read_line(stream, buf, sizeof buf), (ssize_t)strlen(text));
    ck_assert_str_eq(buf, text);
}

static void fill_buf(unsigned seed)
{
    size_t i;

    for (i = 0; i < sizeof buf; i++)
        buf[i] = (char)('a' + harness_random(&seed) % 26);
}

/* ---- when they exist ---- */

struct reads_a_line { int unused; };
static int reads_a_line(struct reads_a_line *a)
{
    (void)a;
    expect_line("line\n");
    return 0;
}

TASK_TEST(who_waits_has_none)
{
    struct cede_task *reader;

    open_both();
    ck_assert_ptr_null(stream->in.bytes);
    ck_assert_ptr_null(stream->out.bytes);
    reader = cede_go(reads_a_line, .unused = 0);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert(stream->reading);
    ck_assert_ptr_null(stream->in.bytes);
    send_text("li");
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_ptr_nonnull(stream->in.bytes); /* a part of the line is there */
    send_text("ne\n");
    ck_assert_int_eq(cede_await(reader), 0);
    ck_assert_ptr_null(stream->in.bytes);
    send_text("one\ntwo\n");
    expect_line("one\n");
    ck_assert_ptr_nonnull(stream->in.bytes);
    expect_line("two\n");
    ck_assert_ptr_null(stream->in.bytes);
    close_both();
}

TASK_TEST(what_is_written_out_leaves_none)
{
    open_both();
    ck_assert_int_eq(cede_stream_printf(stream, "%d", 1), 1);
    ck_assert_ptr_nonnull(stream->out.bytes);
    ck_assert_int_eq(cede_stream_flush(stream), 0);
    ck_assert_ptr_null(stream->out.bytes);
    ck_assert_int_eq(cede_stream_write(stream, NULL, 0), 0);
    ck_assert_int_eq(cede_stream_write_all(stream, "2", 1, NULL), 0);
    ck_assert_ptr_null(stream->out.bytes);
    ck_assert_int_eq(cede_read(peer, buf, 3), 2);
    ck_assert_int_eq(cede_stream_write(stream, "dropped", 7), 7);
    ck_assert_int_eq(cede_stream_abort(stream), 0);
    cede_close(peer);
}

TASK_TEST(streams_share_them)
{
    struct cede_stream *streams[10];
    const void *data, *first = NULL;
    int peers[10], i;

    for (i = 0; i < 10; i++)
        streams[i] = open_one(&peers[i], NULL);
    for (i = 0; i < 10; i++) {
        ck_assert_int_eq(cede_write(peers[i], "message", 7), 7);
        ck_assert_int_eq(cede_stream_peek(streams[i], 7, &data), 7);
        first = first ? first : data;
        ck_assert_ptr_eq(data, first);
        ck_assert_int_eq(cede_stream_read(streams[i], buf, 7), 7);
    }
    for (i = 0; i < 10; i++) {
        ck_assert_int_eq(cede_stream_close(streams[i]), 0);
        cede_close(peers[i]);
    }
}

TASK_TEST(what_was_shown_stays_until_the_next_call)
{
    const void *data;
    int lines = 0;

    open_both();
    send_text("shown");
    ck_assert_int_eq(cede_stream_peek(stream, 5, &data), 5);
    ck_assert_int_eq(cede_stream_skip(stream, 5), 5);
    ck_assert_mem_eq(data, "shown", 5);
    ck_assert_ptr_nonnull(stream->in.bytes);
    ck_assert_int_eq(cede_stream_peek(stream, 0, &data), 0);
    ck_assert_ptr_null(data);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_read(stream, buf, sizeof buf), ETIMEDOUT);
    ck_assert_ptr_null(stream->in.bytes);
    send_text("a\nb");
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    cede_for (char *, line, cede_stream_lines, .stream = stream) {
        ck_assert_str_eq(line, lines++ ? "b" : "a");
        memset(line, 'x', 1); /* it may be written to */
    }
    ck_assert_int_eq(lines, 2);
    close_both();
}

/* ---- of more than the usual size ---- */

TASK_TEST(a_line_that_is_longer_than_a_shared_one)
{
    const struct cede_stream_attr attr = {.read_size = LARGE, .write_size = LARGE};
    static char sent[LARGE];
    int round;

    stream = open_one(&peer, &attr);
    for (round = 1; round <= 3; round++) {
        fill_buf((unsigned)round);
        buf[LARGE - 2] = '\n';
        memcpy(sent, buf, LARGE - 1);
        ck_assert_int_eq(cede_write(peer, sent, 10), 10);
        ck_assert_int_eq(cede_stream_peek(stream, 10, &(const void *){NULL}), 10);
        ck_assert_int_eq(cede_write(peer, sent + 10, LARGE - 11), LARGE - 11);
        ck_assert_int_eq(cede_stream_read_line(stream, buf, sizeof buf), LARGE - 1);
        ck_assert_mem_eq(buf, sent, LARGE - 1);
        ck_assert_ptr_nonnull(stream->in.bytes); /* who needs it once is spared asking again */
        ck_assert_int_eq(cede_stream_write(stream, sent, LARGE - 1), LARGE - 1);
        ck_assert_uint_eq(cede_stream_pending(stream), LARGE - 1);
        ck_assert_int_eq(cede_stream_flush(stream), 0);
        ck_assert_int_eq(cede_recv(peer, buf, LARGE - 1, MSG_WAITALL), LARGE - 1);
        ck_assert_mem_eq(buf, sent, LARGE - 1);
    }
    close_both();
}

TASK_TEST(a_small_one_reads_no_further_than_it_may)
{
    const struct cede_stream_attr attr = {.read_size = 10, .write_size = 10};

    stream = open_one(&peer, &attr);
    send_text("0123456789abc");
    ck_assert_int_eq(cede_stream_read(stream, buf, 1), 1);
    ck_assert_int_eq(cede_recv(cede_stream_fd(stream), buf, sizeof buf, MSG_DONTWAIT), 3);
    ck_assert_int_eq(cede_stream_read(stream, buf, 9), 9);
    ck_assert_int_eq(cede_stream_write(stream, "0123456789", 10), 10);
    ck_assert_int_eq(cede_stream_write(stream, "a", 1), 1);
    ck_assert_uint_eq(cede_stream_pending(stream), 1);
    close_both();
}

/* ---- over what is no socket ---- */

TASK_TEST(pipes_and_files)
{
    enum { LINES = 20000 };
    FILE *file = tmpfile();
    char line[32], expected[32];
    int fds[2], i;

    ck_assert_ptr_nonnull(file);
    stream = cede_stream_open(fileno(file), &(struct cede_stream_attr){.keep_open = 1});
    for (i = 0; i < LINES; i++)
        ck_assert_int_gt(cede_stream_printf(stream, "%d\n", i), 0);
    ck_assert_int_eq(cede_stream_flush(stream), 0);
    rewind(file);
    for (i = 0; i < LINES; i++) {
        snprintf(expected, sizeof expected, "%d\n", i);
        ck_assert_int_eq(cede_stream_read_line(stream, line, sizeof line), (ssize_t)strlen(expected));
        ck_assert_str_eq(line, expected);
    }
    ck_assert_int_eq(cede_stream_read_line(stream, line, sizeof line), 0);
    ck_assert_int_eq(cede_stream_at_eof(stream), 1);
    ck_assert_int_eq(cede_stream_close(stream), 0);
    fclose(file);
    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    stream = cede_stream_open_pair(fds[0], -1, NULL);
    peer = fds[1];
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_stream_read(stream, buf, 1), ETIMEDOUT);
    ck_assert_ptr_null(stream->in.bytes);
    send_text("through a pipe\n");
    expect_line("through a pipe\n");
    close_both();
}

/* ---- without memory ---- */

TASK_TEST(no_memory_for_a_buffer)
{
    struct fault_memory memory;
    enum { CALLS = 7 };
    size_t got;
    ssize_t results[CALLS];
    int errors[CALLS], i;

    open_both();
    send_text("line\n");
    if (!fault_memory_begin(&memory)) {
        close_both();
        return;
    }
    for (i = 0; i < CALLS; i++) {
        errno = 0;
        results[i] = i == 0   ? cede_stream_read(stream, buf, 1)
                     : i == 1 ? cede_stream_read_exactly(stream, buf, 1, &got)
                     : i == 2 ? cede_stream_read_until(stream, buf, 8, "\n", 1)
                     : i == 3 ? cede_stream_read_line(stream, buf, 8)
                     : i == 4 ? cede_stream_peek(stream, 1, &(const void *){NULL})
                     : i == 5 ? cede_stream_write(stream, "x", 1)
                              : cede_stream_writev(stream, &(struct iovec){"x", 1}, 1);
        errors[i] = errno;
    }
    fault_memory_end(&memory);
    for (i = 0; i < CALLS; i++) {
        ck_assert_int_eq(results[i], -1);
        ck_assert_int_eq(errors[i], ENOMEM);
    }
    expect_line("line\n");
    close_both();
}

/* ---- where the stream goes ---- */

/* Leaves a part of what has come, and of what is to be sent, in the stream. */
static int leaves_a_part(void *unused)
{
    (void)unused;
    open_both();
    send_text("one\ntwo\nthree\n");
    expect_line("one\n");
    ck_assert_int_eq(cede_stream_write(stream, "a", 1), 1);
    return 0;
}

static int takes_the_rest(void *unused)
{
    (void)unused;
    expect_line("three\n");
    ck_assert_int_eq(cede_stream_write(stream, "c", 1), 1);
    ck_assert_int_eq(cede_stream_flush(stream), 0);
    ck_assert_int_eq(cede_recv(peer, buf, 3, MSG_WAITALL), 3);
    ck_assert_mem_eq(buf, "abc", 3);
    close_both();
    return 0;
}

/* The worker that lent them is gone. */
START_TEST(from_runtime_to_runtime)
{
    ck_assert_int_eq(cede_run(leaves_a_part, NULL), 0);
    expect_line("two\n"); /* outside a task */
    ck_assert_int_eq(cede_stream_write(stream, "b", 1), 1);
    ck_assert_int_eq(cede_run(takes_the_rest, NULL), 0);
}
END_TEST

/* Threads, each with a runtime of its own, that share streams: one at a time uses one of them. */
enum { THREADS = 3, STREAMS = 4, ROUNDS = 2000 };

static struct shared {
    pthread_mutex_t lock;
    struct cede_stream *stream;
    int peer;
    unsigned sent, received;
    unsigned echoed, checked;
} shared[STREAMS];

static char byte_at(unsigned position)
{
    return (char)(position * 31 + position / 251);
}

static void use(struct shared *s, unsigned *seed)
{
    unsigned char bytes[300];
    unsigned count = 1 + harness_random(seed) % sizeof bytes, i;
    ssize_t n;

    for (i = 0; i < count; i++)
        bytes[i] = (unsigned char)byte_at(s->sent + i);
    n = send(s->peer, bytes, count, MSG_DONTWAIT);
    s->sent += n > 0 ? (unsigned)n : 0;
    count = 1 + harness_random(seed) % sizeof bytes;
    n = s->received < s->sent ? cede_stream_read(s->stream, bytes, count) : 0;
    for (i = 0; n > 0 && i < (unsigned)n; i++)
        ck_assert_int_eq((char)bytes[i], byte_at(s->received + i));
    s->received += (unsigned)n;
    ck_assert_int_eq(cede_stream_write(s->stream, bytes, (size_t)n), n);
    s->echoed += (unsigned)n;
    if (harness_random(seed) % 4 == 0) {
        ck_assert_int_eq(cede_stream_flush(s->stream), 0);
        while ((n = recv(s->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
            for (i = 0; i < (unsigned)n; i++)
                ck_assert_int_eq((char)bytes[i], byte_at(s->checked++));
    }
}

static int visits(void *seed)
{
    struct shared *s;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        s = &shared[harness_random(seed) % STREAMS];
        if (pthread_mutex_trylock(&s->lock) != 0) {
            cede_yield();
            continue;
        }
        use(s, seed);
        pthread_mutex_unlock(&s->lock);
    }
    return 0;
}

static void *in_a_runtime(void *seed)
{
    ck_assert_int_eq(cede_run(visits, seed), 0);
    return NULL;
}

START_TEST(from_thread_to_thread)
{
    unsigned seeds[THREADS];
    pthread_t threads[THREADS];
    int fds[2], i;

    for (i = 0; i < STREAMS; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        pthread_mutex_init(&shared[i].lock, NULL);
        shared[i].peer = fds[1];
        shared[i].stream = cede_stream_open(fds[0], NULL);
        ck_assert_ptr_nonnull(shared[i].stream);
    }
    for (i = 0; i < THREADS; i++) {
        seeds[i] = (unsigned)(i + 1 + 10 * _i);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, in_a_runtime, &seeds[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < STREAMS; i++) {
        ck_assert_uint_gt(shared[i].received, 0);
        cede_stream_abort(shared[i].stream); /* some with something in them */
        close(shared[i].peer);
    }
}
END_TEST

/* ---- what they cost ---- */

#ifndef HARNESS_SANITIZED
static long resident_kib(void)
{
    long pages = 0;
    FILE *in = fopen("/proc/self/statm", "r");

    ck_assert_ptr_nonnull(in);
    ck_assert_int_eq(fscanf(in, "%*d %ld", &pages), 1);
    fclose(in);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Each has had a large message, in both directions, and is silent now. */
TASK_TEST(a_silent_stream_costs_less_than_a_page)
{
    enum { SILENT = 400, MESSAGE = 16000 };
    struct cede_stream *streams[SILENT];
    int peers[SILENT], i;
    long before = 0;

    if (harness_valgrind())
        return;
    for (i = 0; i < SILENT; i++) {
        if (i == 8) /* the first ones are for what all share */
            before = resident_kib();
        streams[i] = open_one(&peers[i], NULL);
        ck_assert_int_eq(cede_write(peers[i], buf, MESSAGE), MESSAGE);
        ck_assert_int_eq(cede_stream_read_exactly(streams[i], buf, MESSAGE, NULL), MESSAGE);
        ck_assert_int_eq(cede_stream_write(streams[i], buf, MESSAGE), MESSAGE);
        ck_assert_int_eq(cede_stream_flush(streams[i]), 0);
        ck_assert_int_eq(cede_recv(peers[i], buf, MESSAGE, MSG_WAITALL), MESSAGE);
    }
    ck_assert_int_lt(resident_kib() - before, (SILENT - 8) * 4);
    for (i = 0; i < SILENT; i++) {
        ck_assert_int_eq(cede_stream_close(streams[i]), 0);
        cede_close(peers[i]);
    }
}
#endif

Suite *suite(void)
{
    Suite *all = suite_create("stream_buffers");
    TCase *cases = tcase_create("buffers");

    tcase_set_timeout(cases, 100);
    tcase_add_test(cases, who_waits_has_none);
    tcase_add_test(cases, what_is_written_out_leaves_none);
    tcase_add_test(cases, streams_share_them);
    tcase_add_test(cases, what_was_shown_stays_until_the_next_call);
    tcase_add_test(cases, a_line_that_is_longer_than_a_shared_one);
    tcase_add_test(cases, a_small_one_reads_no_further_than_it_may);
    tcase_add_test(cases, pipes_and_files);
    tcase_add_test(cases, no_memory_for_a_buffer);
    tcase_add_test(cases, from_runtime_to_runtime);
    tcase_add_loop_test(cases, from_thread_to_thread, 0, 3);
#ifndef HARNESS_SANITIZED
    tcase_add_test(cases, a_silent_stream_costs_less_than_a_page);
#endif
    suite_add_tcase(all, cases);
    return all;
}
