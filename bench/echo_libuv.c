/* SPDX-License-Identifier: MIT */
/* libuv: callbacks. One buffer for all reads; what cannot be sent at once is copied and queued, and reading waits. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "echo.h"

struct rest {
    uv_write_t request;
    char bytes[];
};

static long left; /* connections that have not been accepted and closed */
static long to_accept;

static void on_close(uv_handle_t *handle)
{
    free(handle);
    left--;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *into)
{
    static char buffer[ECHO_BUFFER_BYTES];

    (void)handle;
    (void)suggested;
    *into = uv_buf_init(buffer, sizeof buffer);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer);

static void on_written(uv_write_t *request, int status)
{
    if (status == 0)
        uv_read_start(request->handle, on_alloc, on_read);
    free(request);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    uv_buf_t out = uv_buf_init(buffer->base, got > 0 ? (unsigned)got : 0);
    struct rest *rest;
    int sent;

    if (got < 0) {
        uv_close((uv_handle_t *)stream, on_close);
        return;
    }
    if (got == 0)
        return;
    sent = uv_try_write(stream, &out, 1);
    if (sent == got)
        return;
    if (sent < 0)
        sent = 0;
    rest = malloc(sizeof *rest + (size_t)(got - sent));
    if (!rest)
        bench_fail("malloc");
    memcpy(rest->bytes, buffer->base + sent, (size_t)(got - sent));
    out = uv_buf_init(rest->bytes, (unsigned)(got - sent));
    uv_read_stop(stream);
    if (uv_write(&rest->request, stream, &out, 1, on_written) != 0)
        bench_fail("uv_write");
}

static void on_connection(uv_stream_t *listener, int status)
{
    uv_tcp_t *connection = malloc(sizeof *connection);

    if (status != 0 || !connection || uv_tcp_init(listener->loop, connection) != 0
        || uv_accept(listener, (uv_stream_t *)connection) != 0
        || uv_read_start((uv_stream_t *)connection, on_alloc, on_read) != 0)
        bench_fail("uv_accept");
    if (--to_accept == 0)
        uv_close((uv_handle_t *)listener, NULL);
}

static void serve(long connections)
{
    uv_tcp_t listener;
    uv_loop_t loop;
    int port, fd = server_listen(&port);

    left = to_accept = connections;
    if (uv_loop_init(&loop) != 0 || uv_tcp_init(&loop, &listener) != 0 || uv_tcp_open(&listener, fd) != 0
        || uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0)
        bench_fail("uv_listen");
    server_ready(port);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (left)
        bench_fail("uv_run");
}

static void measure(const struct bench_case *which)
{
    echo_measure(which, serve);
}

BENCH_SUBJECT("libuv", measure, LONG_MAX)
