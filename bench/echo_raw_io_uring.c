/* SPDX-License-Identifier: MIT */
/*
 * The loop that one would write by hand for io_uring: a receive and a send for each message, submitted together with
 * everything else by the one system call that also waits (SINGLE_ISSUER and DEFER_TASKRUN).
 */
#include <limits.h>
#include <stdlib.h>

#include "echo.h"
#include "raw_ring.h"

struct connection {
    int fd;
    int sending;       /* else receiving */
    unsigned at, size; /* what is to be sent, in bytes */
    char bytes[ECHO_BUFFER_BYTES];
};

static void receive(struct connection *connection)
{
    struct io_uring_sqe *entry = raw_ring_entry();

    connection->sending = 0;
    io_uring_prep_recv(entry, connection->fd, connection->bytes, sizeof connection->bytes, 0);
    io_uring_sqe_set_data(entry, connection);
}

static void send_rest(struct connection *connection)
{
    struct io_uring_sqe *entry = raw_ring_entry();

    connection->sending = 1;
    io_uring_prep_send(entry, connection->fd, connection->bytes + connection->at, connection->size - connection->at,
                       MSG_NOSIGNAL);
    io_uring_sqe_set_data(entry, connection);
}

/* Returns 1 when the connection has ended, else 0. */
static int go_on(struct connection *connection, int result)
{
    if (result <= 0) {
        close(connection->fd);
        free(connection);
        return 1;
    }
    if (connection->sending) {
        connection->at += (unsigned)result;
    } else {
        connection->at = 0;
        connection->size = (unsigned)result;
    }
    if (connection->sending && connection->at == connection->size)
        receive(connection);
    else
        send_rest(connection);
    return 0;
}

static void accepted(int fd)
{
    struct connection *connection = malloc(sizeof *connection);

    if (!connection)
        bench_fail("malloc");
    connection->fd = fd;
    receive(connection);
}

static int handle(int listener, const struct io_uring_cqe *completion)
{
    struct connection *connection = io_uring_cqe_get_data(completion);

    if (connection)
        return go_on(connection, completion->res);
    accepted(raw_ring_accepted(listener, completion));
    return 0;
}

static void serve(long connections)
{
    raw_ring_open();
    raw_ring_serve(connections, 0, handle);
}

static void measure(const struct bench_case *which)
{
    if (raw_ring_possible())
        echo_measure(which, serve);
}

BENCH_SUBJECT("raw-io_uring", measure, LONG_MAX)
