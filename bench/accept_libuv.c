/* SPDX-License-Identifier: MIT */
/* libuv: callbacks. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "accept.h"

struct connection {
    uv_tcp_t tcp;
    uv_write_t written;
    size_t size;
    char bytes[ACCEPT_BYTES];
};

static long messages;

static void on_close(uv_handle_t *handle)
{
    free(handle);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    uv_close((uv_handle_t *)request->handle, on_close);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *into)
{
    struct connection *connection = (struct connection *)handle;

    (void)suggested;
    *into = uv_buf_init(connection->bytes + connection->size, (unsigned)(ACCEPT_BYTES - connection->size));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct connection *connection = (struct connection *)stream;
    uv_buf_t out = uv_buf_init(connection->bytes, ACCEPT_BYTES);

    (void)buffer;
    if (got < 0) {
        uv_close((uv_handle_t *)stream, on_close);
        return;
    }
    connection->size += (size_t)got;
    if (connection->size < ACCEPT_BYTES)
        return;
    uv_read_stop(stream);
    if (uv_write(&connection->written, stream, &out, 1, on_written) != 0)
        uv_close((uv_handle_t *)stream, on_close);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct connection *connection = malloc(sizeof *connection);

    if (status != 0 || !connection || uv_tcp_init(listener->loop, &connection->tcp) != 0
        || uv_accept(listener, (uv_stream_t *)&connection->tcp) != 0)
        bench_fail("uv_accept");
    connection->size = 0;
    if (!messages || uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read) != 0)
        uv_close((uv_handle_t *)&connection->tcp, on_close);
}

static void serve(long count)
{
    uv_tcp_t listener;
    uv_loop_t loop;
    int port, fd = server_listen(&port);

    messages = count;
    if (uv_loop_init(&loop) != 0 || uv_tcp_init(&loop, &listener) != 0 || uv_tcp_open(&listener, fd) != 0
        || uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0)
        bench_fail("uv_listen");
    server_ready(port);
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_fail("uv_run");
}

static void measure(const struct bench_case *which)
{
    accept_measure(which, serve);
}

BENCH_SUBJECT("libuv", measure, LONG_MAX)
