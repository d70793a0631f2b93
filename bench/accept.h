/* SPDX-License-Identifier: MIT */
/* A server as subject that is asked for many short connections. */
#ifndef CEDE_BENCH_ACCEPT_H
#define CEDE_BENCH_ACCEPT_H

#include "server.h"

enum { ACCEPT_BYTES = 64 };

/*
 * A subject is a server (server.h) that accepts connections until it is killed. The number that its serve() gets is
 * that of the messages of each connection, 0 or 1: a message of ACCEPT_BYTES is received and sent back; then the
 * connection is closed. Its measure() is accept_measure(which, serve), which is itself the load.
 */
void accept_measure(const struct bench_case *which, server_serve *serve);

#endif
