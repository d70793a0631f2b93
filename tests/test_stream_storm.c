/* SPDX-License-Identifier: MIT */
/*
 * Random traffic through streams: pieces of random sizes by random calls under random deadlines, tasks that are
 * cancelled and replaced, streams that are closed at any moment. Every byte says where it belongs, so none can be lost,
 * doubled or misplaced unseen. Seeds are fixed.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

enum { LARGEST = 600, FLOWS = 12 };

/* What goes one way. */
struct flow {
    struct cede_stream *from, *to;
    size_t sent, received, total;
    unsigned seed;
    bool end_sent, end_seen;  /* no more to do for the sender, the receiver */
    bool *from_gone, *to_gone; /* the stream may not be used any more; NULL: nobody closes it */
};

static char byte_at(size_t position)
{
    return position % 37 == 36 ? '\n' : (char)('a' + (position * 7 + position / 26) % 26);
}

static unsigned below(struct flow *flow, unsigned limit)
{
    return harness_random(&flow->seed) % limit;
}

static void check(struct flow *flow, const char *bytes, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        ck_assert_int_eq(bytes[i], byte_at(flow->received + i));
    flow->received += count;
}

/* A wait that ended early, or a stream that somebody closes. */
static void check_failure(const struct flow *flow, int error)
{
    bool closable = flow->from_gone;

    ck_assert_msg(error == ECANCELED || error == ETIMEDOUT
                      || (closable && (error == EBADF || error == EPIPE || error == ECONNRESET)),
                  "errno %d", error);
}

/* ---- one piece ---- */

static void send_piece(struct flow *flow)
{
    char bytes[LARGEST + 1];
    size_t size = 1 + below(flow, LARGEST), done = 0, i, a, b;
    ssize_t n = -1;

    if (size > flow->total - flow->sent)
        size = flow->total - flow->sent;
    for (i = 0; i < size; i++)
        bytes[i] = byte_at(flow->sent + i);
    bytes[size] = '\0';
    switch (below(flow, 5)) {
    case 0:
        n = cede_stream_write(flow->from, bytes, size);
        break;
    case 1:
        a = below(flow, (unsigned)size + 1);
        b = a + below(flow, (unsigned)(size - a) + 1);
        n = cede_stream_writev(flow->from, (struct iovec[]){{bytes, a}, {bytes + a, b - a}, {bytes + b, size - b}}, 3);
        break;
    case 2:
        n = cede_stream_printf(flow->from, "%s", bytes);
        break;
    case 3:
        n = cede_stream_write_all(flow->from, bytes, size, &done);
        flow->sent += done;
        break;
    case 4:
        n = cede_stream_flush(flow->from);
        break;
    }
    if (n >= 0)
        flow->sent += (size_t)n;
    else if (errno != EBADF || !flow->from_gone)
        check_failure(flow, errno);
    else
        flow->sent += size; /* or less: a stream that is closed does not tell */
}

/* There is no line, or no record: something has been read, of which this takes a part, or a large record all. */
static void take_as_it_is(struct flow *flow)
{
    char bytes[8];
    ssize_t n = cede_stream_read(flow->to, bytes, sizeof bytes);

    if (n >= 0)
        check(flow, bytes, (size_t)n);
    else
        check_failure(flow, errno);
}

static void receive_piece(struct flow *flow)
{
    char bytes[LARGEST + 1];
    size_t size = 2 + below(flow, LARGEST - 1), got = 0;
    const void *data;
    ssize_t n = -1;
    int error;

    switch (below(flow, 5)) {
    case 0:
        n = cede_stream_read(flow->to, bytes, size);
        break;
    case 1:
        n = cede_stream_read_exactly(flow->to, bytes, size, &got);
        error = errno;
        check(flow, bytes, got);
        errno = error;
        if (n > 0)
            return;
        break;
    case 2:
        n = cede_stream_read_line(flow->to, bytes, size);
        break;
    case 3:
        n = cede_stream_read_until(flow->to, bytes, size, "\n", 1);
        break;
    case 4:
        n = cede_stream_peek(flow->to, 1 + size % 100, &data);
        if (n > 0) {
            memcpy(bytes, data, (size_t)n);
            n = cede_stream_skip(flow->to, 1 + size % 128);
        }
        break;
    }
    if (n > 0)
        check(flow, bytes, (size_t)n);
    else if (n == 0)
        flow->end_seen = true;
    else if (errno == EMSGSIZE || errno == ENODATA)
        take_as_it_is(flow);
    else
        check_failure(flow, errno);
}

static bool gone(const bool *flag)
{
    return flag && *flag;
}

struct sender { struct flow *flow; };
static int sender(struct sender *a)
{
    struct flow *flow = a->flow;

    while (flow->sent < flow->total && !gone(flow->from_gone) && cede_check() == 0) {
        if (below(flow, 2))
            send_piece(flow);
        else
            cede_timeout (below(flow, 300) * CEDE_MICROSECOND)
                send_piece(flow);
        if (below(flow, 8) == 0)
            cede_yield(); /* while it is being closed, no call waits */
    }
    if (flow->sent == flow->total && !gone(flow->from_gone))
        flow->end_sent = cede_stream_write_eof(flow->from) == 0 || (errno != ECANCELED && errno != ETIMEDOUT);
    else
        flow->end_sent = gone(flow->from_gone);
    return 0;
}

struct receiver { struct flow *flow; };
static int receiver(struct receiver *a)
{
    struct flow *flow = a->flow;

    while (!flow->end_seen && !gone(flow->to_gone) && cede_check() == 0) {
        if (below(flow, 2))
            receive_piece(flow);
        else
            cede_timeout (below(flow, 300) * CEDE_MICROSECOND)
                receive_piece(flow);
        if (below(flow, 8) == 0)
            cede_yield();
    }
    flow->end_seen |= gone(flow->to_gone);
    return 0;
}

/* Each end is served by one task after another: what one was in the middle of, the next goes on with. */
struct restless_sender { struct flow *flow; };
static int restless_sender(struct restless_sender *a)
{
    struct cede_task *task;

    while (!a->flow->end_sent) {
        task = cede_go(sender, .flow = a->flow);
        cede_sleep(harness_random(&a->flow->seed) % 2000 * CEDE_MICROSECOND);
        cede_cancel(task);
        ck_assert_int_eq(cede_await(task), 0);
    }
    return 0;
}

struct restless_receiver { struct flow *flow; };
static int restless_receiver(struct restless_receiver *a)
{
    struct cede_task *task;

    while (!a->flow->end_seen) {
        task = cede_go(receiver, .flow = a->flow);
        cede_sleep(harness_random(&a->flow->seed) % 2000 * CEDE_MICROSECOND);
        cede_cancel(task);
        ck_assert_int_eq(cede_await(task), 0);
    }
    return 0;
}

/* ---- storms ---- */

/* Odd ones over a socket, even ones over two pipes; both ends are streams with small buffers of random sizes. */
static void open_ends(struct cede_stream *ends[2], unsigned *seed, bool sockets)
{
    const int small = 1;
    struct cede_stream_attr attr[2];
    int fds[2], back[2], i;

    for (i = 0; i < 2; i++)
        attr[i] = (struct cede_stream_attr){.read_size = 128 + harness_random(seed) % 300,
                                            .write_size = 16 + harness_random(seed) % 400};
    if (sockets) {
        ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        for (i = 0; i < 2; i++) {
            ck_assert_int_eq(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
            ends[i] = cede_stream_open(fds[i], &attr[i]);
        }
    } else {
        ck_assert_int_eq(cede_pipe2(fds, 0), 0);
        ck_assert_int_eq(cede_pipe2(back, 0), 0);
        ends[0] = cede_stream_open_pair(back[0], fds[1], &attr[0]);
        ends[1] = cede_stream_open_pair(fds[0], back[1], &attr[1]);
    }
    ck_assert_ptr_nonnull(ends[0]);
    ck_assert_ptr_nonnull(ends[1]);
}

TASK_TEST(nothing_is_lost)
{
    static struct flow flows[FLOWS];
    struct cede_task *tasks[2 * FLOWS];
    struct cede_stream *ends[2];
    unsigned seed = 7;
    int i;

    for (i = 0; i < FLOWS; i++) {
        if (i % 2 == 0)
            open_ends(ends, &seed, i % 4 == 0);
        flows[i] = (struct flow){.from = ends[i % 2], .to = ends[1 - i % 2], .seed = (unsigned)i + 1,
                                 .total = (size_t)HARNESS_SCALE(400000)};
        tasks[2 * i] = cede_go(restless_sender, .flow = &flows[i]);
        tasks[2 * i + 1] = cede_go(restless_receiver, .flow = &flows[i]);
    }
    for (i = 0; i < 2 * FLOWS; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    for (i = 0; i < FLOWS; i++) {
        ck_assert_uint_eq(flows[i].received, flows[i].total);
        ck_assert_int_eq(cede_stream_close(flows[i].from), 0);
    }
}

/* Ends a stream at a random moment, in one way or the other. */
struct closer { struct cede_stream *stream; bool *gone; unsigned seed; };
static int closer(struct closer *a)
{
    cede_sleep(harness_random(&a->seed) % 3000 * CEDE_MICROSECOND);
    if (harness_random(&a->seed) % 2)
        cede_stream_abort(a->stream);
    else
        cede_timeout (harness_random(&a->seed) % 1000 * CEDE_MICROSECOND)
            cede_stream_close(a->stream);
    *a->gone = true;
    return 0;
}

TASK_TEST(closed_at_any_moment)
{
    int round, i, rounds = 700;
    unsigned seed = 11;

    signal(SIGPIPE, SIG_IGN); /* pipes */
    for (round = 0; round < rounds; round++) {
        bool gone_flags[2] = {false, false};
        struct cede_stream *ends[2];
        struct cede_task *tasks[6];
        struct flow flows[2];

        open_ends(ends, &seed, round % 2);
        for (i = 0; i < 2; i++) {
            flows[i] = (struct flow){.from = ends[i], .to = ends[1 - i], .total = 1 << 20,
                                     .seed = (unsigned)(2 * round + i) + 1, .from_gone = &gone_flags[i],
                                     .to_gone = &gone_flags[1 - i]};
            tasks[3 * i] = cede_go(restless_sender, .flow = &flows[i]);
            tasks[3 * i + 1] = cede_go(restless_receiver, .flow = &flows[i]);
            tasks[3 * i + 2] = cede_go(closer, .stream = ends[i], .gone = &gone_flags[i],
                                       .seed = (unsigned)(2 * round + i) + 1);
        }
        for (i = 0; i < 6; i++)
            ck_assert_int_eq(cede_await(tasks[i]), 0);
        for (i = 0; i < 2; i++)
            ck_assert_uint_le(flows[i].received, flows[i].sent);
    }
}

Suite *suite(void)
{
    Suite *storm = suite_create("stream_storm");
    TCase *cases = tcase_create("storm");

    tcase_set_timeout(cases, 200);
    tcase_add_test(cases, nothing_is_lost);
    tcase_add_test(cases, closed_at_any_moment);
    suite_add_tcase(storm, cases);
    return storm;
}
