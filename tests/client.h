/* SPDX-License-Identifier: MIT */
/*
 * A real client library, unmodified and blocking, in many tasks on one OS thread, against a real server. Each file
 * tests/test_client_<library>.c describes its library; client.c puts the same questions to all of them:
 *
 *     do 100, 1,000 and 5,000 requests of 100 ms each finish together, and 100 in less than three times one?
 *     what does the library make of a deadline and of a cancellation, and what of the connection afterwards?
 *     does every task learn of it when the server is killed in the midst of its request?
 *
 * What the library says is compared with its rows in runtime/posix/CLIENTS.md: a stale document fails the test.
 */
#ifndef CEDE_TESTS_CLIENT_H
#define CEDE_TESTS_CLIENT_H

#include <stdbool.h>

#include "server.h"

struct client {
    const char *name;                   /* as in CLIENTS.md */
    const char *program;                /* the server's; without it the suite is skipped */
    struct server *server;
    void (*start)(void);                /* prepares and starts the server; in the suite's process */
    void *(*connect)(void);             /* NULL: it failed, client_said() was called */
    /* 0; -1: it failed, client_said() was called. What comes as the answer must be that to this very request, and not
     * one that belongs to an earlier one. */
    int (*request)(void *connection, int delay_ms);
    void (*disconnect)(void *connection);
    int most;                           /* connections that the server allows */
    bool reconnects;                    /* the library makes a new connection by itself after a failure */
};

/* The one of this suite. */
extern const struct client client;

/* What the library says of the failure that has just happened: a number or name of its own, and its text. */
void client_said(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A number that no other request has. */
unsigned client_token(void);

/* Libraries' start and end for the whole process are the suites' own business: in `start`, which runs before any
 * fork. */

#endif
