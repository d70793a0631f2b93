/* SPDX-License-Identifier: MIT */
/*
 * The loop that one would write by hand for io_uring: a receive and a send for each message, submitted together with
 * everything else by the one system call that also waits (SINGLE_ISSUER and DEFER_TASKRUN).
 */
#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

enum { ENTRIES = 4096 };

struct connection {
    int fd;
    int sending;       /* else receiving */
    unsigned at, size; /* what is to be sent, in bytes */
    char bytes[ECHO_BUFFER_BYTES];
};

static struct io_uring ring;

static struct io_uring_sqe *next_entry(void)
{
    struct io_uring_sqe *entry;

    while (!(entry = io_uring_get_sqe(&ring)))
        io_uring_submit(&ring); /* what the kernel does not take for now, it takes later */
    return entry;
}

static void accept_more(int listener)
{
    struct io_uring_sqe *entry = next_entry();

    io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(entry, NULL);
}

static void receive(struct connection *connection)
{
    struct io_uring_sqe *entry = next_entry();

    connection->sending = 0;
    io_uring_prep_recv(entry, connection->fd, connection->bytes, sizeof connection->bytes, 0);
    io_uring_sqe_set_data(entry, connection);
}

static void send_rest(struct connection *connection)
{
    struct io_uring_sqe *entry = next_entry();

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

static void accepted(int listener, const struct io_uring_cqe *completion)
{
    struct connection *connection = malloc(sizeof *connection);

    if (completion->res < 0 || !connection)
        bench_fail("accept");
    connection->fd = completion->res;
    receive(connection);
    if (!(completion->flags & IORING_CQE_F_MORE))
        accept_more(listener);
}

static void serve(long connections)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 8 * ENTRIES,
    };
    struct io_uring_cqe *completion;
    int port, listener = server_listen(&port), error;
    long left = connections;
    unsigned head, seen;

    if (io_uring_queue_init_params(ENTRIES, &ring, &params) != 0)
        bench_fail("io_uring_queue_init_params");
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
            struct connection *connection = io_uring_cqe_get_data(completion);

            seen++;
            if (connection)
                left -= go_on(connection, completion->res);
            else
                accepted(listener, completion);
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

BENCH_SUBJECT("raw-io_uring", measure, LONG_MAX)
