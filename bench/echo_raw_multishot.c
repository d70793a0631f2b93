/* SPDX-License-Identifier: MIT */
/*
 * The other loop that one would write by hand for io_uring: one multishot receive for the life of a connection, into
 * buffers that the kernel takes from a ring of buffers as data come, and a send for each message out of the very buffer
 * that it came in, all submitted by the one system call that also waits.
 */
#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

enum { ENTRIES = 4096, BUFFERS = 1024, GROUP = 0 };

/* What a completion is of; in the lowest bits of user_data, beside a pointer or a buffer's number. */
enum { ACCEPT, RECEIVE, SEND, KINDS };

struct connection {
    int fd;
    unsigned sends; /* under way */
    bool ended;
};

/* What is being sent: one for each buffer. */
struct sending {
    struct connection *connection;
    unsigned at, size;
};

static struct io_uring ring;
static struct io_uring_buf_ring *pool;
static char (*buffers)[ECHO_BUFFER_BYTES];
static struct sending sending[BUFFERS];

static struct io_uring_sqe *next_entry(int kind, uintptr_t what)
{
    struct io_uring_sqe *entry;

    while (!(entry = io_uring_get_sqe(&ring)))
        io_uring_submit(&ring); /* what the kernel does not take for now, it takes later */
    entry->user_data = what << 2 | (unsigned)kind;
    return entry;
}

static void accept_more(int listener)
{
    struct io_uring_sqe *entry = next_entry(ACCEPT, 0);
    uint64_t data = entry->user_data;

    io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
    entry->user_data = data;
}

static void receive(struct connection *connection)
{
    struct io_uring_sqe *entry = next_entry(RECEIVE, (uintptr_t)connection);
    uint64_t data = entry->user_data;

    io_uring_prep_recv_multishot(entry, connection->fd, NULL, 0, 0);
    entry->user_data = data;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
    entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

static void give_back(unsigned number)
{
    io_uring_buf_ring_add(pool, buffers[number], ECHO_BUFFER_BYTES, (unsigned short)number,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(pool, 1);
}

static void send_rest(unsigned number)
{
    struct sending *s = &sending[number];
    struct io_uring_sqe *entry = next_entry(SEND, number);
    uint64_t data = entry->user_data;

    io_uring_prep_send(entry, s->connection->fd, buffers[number] + s->at, s->size - s->at, MSG_NOSIGNAL | MSG_WAITALL);
    entry->user_data = data;
}

/* 1 if that was the last of it. */
static int end_of(struct connection *connection)
{
    if (!connection->ended || connection->sends)
        return 0;
    close(connection->fd);
    free(connection);
    return 1;
}

static int received(struct connection *connection, const struct io_uring_cqe *completion)
{
    unsigned number = completion->flags >> IORING_CQE_BUFFER_SHIFT;

    if (completion->res > 0) {
        sending[number] = (struct sending){connection, 0, (unsigned)completion->res};
        connection->sends++;
        send_rest(number);
    } else if (completion->res != -ENOBUFS) {
        connection->ended = true;
        return end_of(connection);
    }
    if (!(completion->flags & IORING_CQE_F_MORE))
        receive(connection);
    return 0;
}

static int sent(unsigned number, int result)
{
    struct sending *s = &sending[number];

    s->at += result > 0 ? (unsigned)result : s->size;
    if (s->at < s->size) {
        send_rest(number);
        return 0;
    }
    give_back(number);
    s->connection->sends--;
    return end_of(s->connection);
}

static void accepted(int listener, const struct io_uring_cqe *completion)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (completion->res < 0 || !connection)
        bench_fail("accept");
    connection->fd = completion->res;
    receive(connection);
    if (!(completion->flags & IORING_CQE_F_MORE))
        accept_more(listener);
}

static int handle(int listener, const struct io_uring_cqe *completion)
{
    uintptr_t what = completion->user_data >> 2;

    switch (completion->user_data & 3) {
    case ACCEPT:
        accepted(listener, completion);
        return 0;
    case RECEIVE:
        return received((struct connection *)what, completion);
    default:
        return sent((unsigned)what, completion->res);
    }
}

static void open_ring(void)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 8 * ENTRIES,
    };
    struct io_uring_buf_reg registration = {.ring_entries = BUFFERS, .bgid = GROUP};
    unsigned number;

    if (io_uring_queue_init_params(ENTRIES, &ring, &params) != 0)
        bench_fail("io_uring_queue_init_params");
    buffers = aligned_alloc(4096, (size_t)BUFFERS * ECHO_BUFFER_BYTES);
    pool = aligned_alloc(4096, BUFFERS * sizeof(struct io_uring_buf));
    if (!buffers || !pool)
        bench_fail("aligned_alloc");
    registration.ring_addr = (uintptr_t)pool;
    if (io_uring_register_buf_ring(&ring, &registration, 0) != 0)
        bench_fail("io_uring_register_buf_ring");
    io_uring_buf_ring_init(pool);
    for (number = 0; number < BUFFERS; number++)
        give_back(number);
}

static void serve(long connections)
{
    struct io_uring_cqe *completion;
    int port, listener = server_listen(&port), error;
    long left = connections;
    unsigned head, seen;

    open_ring();
    accept_more(listener);
    server_ready(port);
    while (left > 0) {
        error = -io_uring_submit_and_wait(&ring, 1);
        if (error > 0 && error != EINTR && error != EAGAIN && error != EBUSY) {
            errno = error;
            bench_fail("io_uring_submit_and_wait");
        }
        seen = 0;
        io_uring_for_each_cqe (&ring, head, completion) {
            seen++;
            left -= handle(listener, completion);
        }
        io_uring_cq_advance(&ring, seen);
    }
    io_uring_queue_exit(&ring);
    close(listener);
}

static void measure(const struct bench_case *which)
{
    struct io_uring probe;

    if (io_uring_queue_init(8, &probe, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) != 0)
        return; /* forbidden, or a kernel before 6.1 */
    io_uring_queue_exit(&probe);
    echo_measure(which, serve);
}

BENCH_SUBJECT("raw-multishot", measure, LONG_MAX)
