/* SPDX-License-Identifier: MIT */
/* An echo server as subject, and the load on it. */
#ifndef CEDE_BENCH_ECHO_H
#define CEDE_BENCH_ECHO_H

#include "server.h"

enum { ECHO_BUFFER_BYTES = 16 << 10 }; /* what each server reads at most at once */

/*
 * A subject is a server (server.h) that accepts `connections` connections, echoes what they send, and returns when all
 * of them have been closed. Its measure() is echo_measure(which, serve), which is itself the load.
 */
void echo_measure(const struct bench_case *which, server_serve *serve);

/* ---- the load (echo_load.c) ---- */

struct load_shape {
    long connections;
    long busy;     /* how many of them have messages; 0: all */
    size_t bytes;  /* of a message */
    int in_flight; /* messages that a connection has under way at a time */
    bool spins;    /* the load looks for answers without sleeping: to be woken takes its CPU as long as the server's */
};

enum { LOAD_FINE = 32, LOAD_BUCKETS = 64 * LOAD_FINE };

struct load {
    uint64_t messages;                /* since the last load_reset() */
    uint64_t histogram[LOAD_BUCKETS]; /* of their latencies; see load_percentile() */
    struct load_shape shape;
    struct load_connection *connections;
    uint64_t under_way; /* messages that have not come back */
    bool rests;         /* sends no more */
    int epoll;
    char *buffer;
};

/* Connects to the port. */
void load_open(struct load *load, const struct load_shape *shape, int port);

/* Sends the first messages, or those after a rest, of all connections. */
void load_begin(struct load *load);

/* Keeps the load up for so long. */
void load_run(struct load *load, int64_t duration_ns);

/* Waits until all that is under way has come back. The server has nothing to do then, until load_begin(). */
void load_rest(struct load *load);

void load_reset(struct load *load);

/* The latency below which this share (0 to 1) of the messages stayed, in nanoseconds, to about 3 %. */
double load_percentile(const struct load *load, double share);

/* Closes the connections. */
void load_close(struct load *load);

#endif
