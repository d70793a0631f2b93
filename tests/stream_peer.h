/* SPDX-License-Identifier: MIT */
/* A stream with small buffers, and the other end of its socket, for suites of streams. */
#ifndef CEDE_TESTS_STREAM_PEER_H
#define CEDE_TESTS_STREAM_PEER_H

#include <string.h>

#include "harness.h"

/* A stream, and the other end of its socket, raw. */
static struct cede_stream *stream;
static int peer;
static char buf[4096];

static inline void open_small(size_t read_size, size_t write_size)
{
    const struct cede_stream_attr attr = {.read_size = read_size, .write_size = write_size};
    int fds[2];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    stream = cede_stream_open(fds[0], &attr);
    ck_assert_ptr_nonnull(stream);
    peer = fds[1];
}

static inline void close_both(void)
{
    ck_assert_int_eq(cede_stream_close(stream), 0);
    ck_assert_int_eq(cede_close(peer), 0);
}

static inline void send_text(const char *text)
{
    ck_assert_int_eq(cede_write(peer, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void end_text(void)
{
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
}

/* Asserts that a reading call returns this text. */
#define ck_assert_reads(expression, text)                          \
    do {                                                           \
        ck_assert_int_eq((expression), (ssize_t)(sizeof(text) - 1)); \
        ck_assert_mem_eq(buf, (text), sizeof(text) - 1);           \
    } while (0)

/* Asserts that the peer gets this text, and nothing more is there. */
static inline void expect(const char *text)
{
    size_t size = strlen(text);

    if (size > 0)
        ck_assert_int_eq(cede_recv(peer, buf, size, MSG_WAITALL), (ssize_t)size);
    ck_assert_mem_eq(buf, text, size);
    ck_assert_fails(cede_recv(peer, buf, 1, MSG_DONTWAIT), EAGAIN);
}

/* Fills the socket, so that whatever the stream writes has to wait. */
static inline size_t jam(void)
{
    static char filler[1 << 16];
    size_t total = 0;
    ssize_t n;

    while ((n = send(cede_stream_fd(stream), filler, sizeof filler, MSG_DONTWAIT)) > 0)
        total += (size_t)n;
    while (send(cede_stream_fd(stream), filler, 1, MSG_DONTWAIT) > 0)
        total++;
    return total;
}

static inline void unjam(size_t total)
{
    static char filler[1 << 16];

    while (total > 0) {
        ssize_t n = cede_read(peer, filler, total < sizeof filler ? total : sizeof filler);

        ck_assert_int_gt(n, 0);
        total -= (size_t)n;
    }
}

#endif
