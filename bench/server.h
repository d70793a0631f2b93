/* SPDX-License-Identifier: MIT */
/* A server as subject: what bench_echo and bench_http share. It runs on bench_cpu(); the load comes from the other. */
#ifndef CEDE_BENCH_SERVER_H
#define CEDE_BENCH_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness.h"

/* Listens on a free port of 127.0.0.1, calls server_ready(port) and serves so many connections. */
typedef void server_serve(long connections);

/* For serve(): tells the port to whoever puts the load on it. */
void server_ready(int port);

/* For serve(): a listening socket on a free port of 127.0.0.1, with TCP_NODELAY for what it accepts. */
int server_listen(int *port);

/* A serve() for subjects that are programs (harness.h): n is the number of connections, and it prints its port. */
void server_by_program(long connections);

enum { SERVER_COUNTERS = 64 };

/* A server that runs, and what it has used when the measurement began. */
struct server {
    pid_t process;
    int port;
    int counters[SERVER_COUNTERS]; /* of system calls: one for each thread that there is at the start */
    int counter_count;             /* 0: they are not counted */
    clockid_t clock;
    int64_t used_ns, start_ns;
    uint64_t calls;
};

/* Runs serve() in a process of its own, which dies with this one; then moves this one to bench_other_cpu(). */
void server_start(struct server *server, server_serve *serve, long connections);

/* From here on until server_report() is measured. */
void server_mark(struct server *server);

/* Reports what `requests` requests since the mark cost: per second, CPU, system calls, and the server's memory. */
void server_report(struct server *server, double requests);

/* Waits for the server's end; kill: brings it. Ends the measurement if it ended badly by itself. */
void server_end(struct server *server, bool kill);

#endif
