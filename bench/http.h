/* SPDX-License-Identifier: MIT */
/* An HTTP server as subject: the request that it gets, the answer that it gives. */
#ifndef CEDE_BENCH_HTTP_H
#define CEDE_BENCH_HTTP_H

#include <string.h>

#include "server.h"

#define HTTP_BODY   "Hello, world!"
#define HTTP_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n" HTTP_BODY

enum { HTTP_BUFFER_BYTES = 4096 };

/*
 * A subject is a server (server.h) that answers every GET with HTTP_BODY, keeps connections open, and runs until it is
 * killed. http_measure(which, serve) has wrk put the load on it.
 */
void http_measure(const struct bench_case *which, server_serve *serve);

/* For servers that are programs of others: a port that is free now, and a directory that is removed in the end. */
int http_free_port(void);
const char *http_directory(void);

/* Writes a file in that directory; returns its path. */
const char *http_write_file(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes of the first request in the buffer, 0 if it is not complete. A GET has no body. */
static inline size_t http_request_bytes(const char *buffer, size_t size)
{
    const char *end = memmem(buffer, size, "\r\n\r\n", 4);

    return end ? (size_t)(end - buffer) + 4 : 0;
}

#endif
