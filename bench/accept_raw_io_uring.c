/* SPDX-License-Identifier: MIT */
/* The loop that one would write by hand for io_uring: one multishot accept, and a request for everything else. */
#include <limits.h>
#include <stdlib.h>

#include "accept.h"
#include "raw_ring.h"

static long messages;

struct connection {
    int fd;
    enum { RECEIVING, SENDING, CLOSING } state; /* its request under way */
    char bytes[ACCEPT_BYTES];
};

static void request(struct connection *connection)
{
    struct io_uring_sqe *entry = raw_ring_entry();

    switch (connection->state) {
    case RECEIVING:
        io_uring_prep_recv(entry, connection->fd, connection->bytes, ACCEPT_BYTES, MSG_WAITALL);
        break;
    case SENDING:
        io_uring_prep_send(entry, connection->fd, connection->bytes, ACCEPT_BYTES, MSG_NOSIGNAL);
        break;
    case CLOSING:
        io_uring_prep_close(entry, connection->fd);
    }
    io_uring_sqe_set_data(entry, connection);
}

static void accepted(int fd)
{
    struct connection *connection = malloc(sizeof *connection);

    if (!connection)
        bench_fail("malloc");
    connection->fd = fd;
    connection->state = messages ? RECEIVING : CLOSING;
    request(connection);
}

static int handle(int listener, const struct io_uring_cqe *completion)
{
    struct connection *connection = io_uring_cqe_get_data(completion);

    if (!connection) {
        accepted(raw_ring_accepted(listener, completion));
        return 0;
    }
    if (connection->state == CLOSING) {
        free(connection);
        return 1;
    }
    connection->state = connection->state == RECEIVING && completion->res == ACCEPT_BYTES ? SENDING : CLOSING;
    request(connection);
    return 0;
}

static void serve(long count)
{
    messages = count;
    raw_ring_open();
    raw_ring_serve(LONG_MAX, 0, handle);
}

static void measure(const struct bench_case *which)
{
    if (raw_ring_possible())
        accept_measure(which, serve);
}

BENCH_SUBJECT("raw-io_uring", measure, LONG_MAX)
