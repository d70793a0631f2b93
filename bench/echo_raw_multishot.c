/* SPDX-License-Identifier: MIT */
/*
 * The other loop that one would write by hand for io_uring: one multishot receive for the life of a connection, into
 * buffers that the kernel takes from a ring of buffers as data come, and a send for each message out of the very buffer
 * that it came in, all submitted by the one system call that also waits.
 */
#include <limits.h>
#include <stdlib.h>

#include "echo.h"
#include "raw_ring.h"

enum { BUFFERS = 1024, GROUP = 0 };

/* What a completion is of; in the lowest bits of user_data, beside a pointer or a buffer's number. */
enum { ACCEPT, RECEIVE, SEND };

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

static struct io_uring_buf_ring *pool;
static char (*buffers)[ECHO_BUFFER_BYTES];
static struct sending sending[BUFFERS];

static uint64_t data_of(int kind, uintptr_t what)
{
    return what << 2 | (unsigned)kind;
}

static void receive(struct connection *connection)
{
    struct io_uring_sqe *entry = raw_ring_entry();

    io_uring_prep_recv_multishot(entry, connection->fd, NULL, 0, 0);
    io_uring_sqe_set_data64(entry, data_of(RECEIVE, (uintptr_t)connection));
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
    struct io_uring_sqe *entry = raw_ring_entry();

    io_uring_prep_send(entry, s->connection->fd, buffers[number] + s->at, s->size - s->at, MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data64(entry, data_of(SEND, number));
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

static void accepted(int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (!connection)
        bench_fail("calloc");
    connection->fd = fd;
    receive(connection);
}

static int handle(int listener, const struct io_uring_cqe *completion)
{
    uintptr_t what = completion->user_data >> 2;

    switch (completion->user_data & 3) {
    case ACCEPT:
        accepted(raw_ring_accepted(listener, completion));
        return 0;
    case RECEIVE:
        return received((struct connection *)what, completion);
    default:
        return sent((unsigned)what, completion->res);
    }
}

static void open_pool(void)
{
    struct io_uring_buf_reg registration = {.ring_entries = BUFFERS, .bgid = GROUP};
    unsigned number;

    buffers = aligned_alloc(4096, (size_t)BUFFERS * ECHO_BUFFER_BYTES);
    pool = aligned_alloc(4096, BUFFERS * sizeof(struct io_uring_buf));
    if (!buffers || !pool)
        bench_fail("aligned_alloc");
    registration.ring_addr = (uintptr_t)pool;
    if (io_uring_register_buf_ring(&raw_ring, &registration, 0) != 0)
        bench_fail("io_uring_register_buf_ring");
    io_uring_buf_ring_init(pool);
    for (number = 0; number < BUFFERS; number++)
        give_back(number);
}

static void serve(long connections)
{
    raw_ring_open();
    open_pool();
    raw_ring_serve(connections, data_of(ACCEPT, 0), handle);
}

static void measure(const struct bench_case *which)
{
    if (raw_ring_possible())
        echo_measure(which, serve);
}

BENCH_SUBJECT("raw-multishot", measure, LONG_MAX)
