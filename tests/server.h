/* SPDX-License-Identifier: MIT */
/*
 * A real server for the tests of real clients: a program that a Debian package brings, on a port of loopback, in a
 * directory of its own.
 *
 * It is started in an unchecked fixture, by the process that runs the suite, and all tests share it. It ends with the
 * fixture's teardown; if the suite's process dies before, the kernel kills it.
 */
#ifndef CEDE_TESTS_SERVER_H
#define CEDE_TESTS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server {
    char directory[32]; /* for its data; on disk, absolute, removed by server_stop() */
    int port;
    pid_t pid;          /* also of its process group; 0: does not run */
    const char *user;   /* whom it runs as if the tests are root's; NULL: root */
};

/* The absolute path of a program: in PATH, /usr/sbin, or PostgreSQL's own place. NULL: not installed. Valid until the
 * next call. */
const char *server_program(const char *name);

/* Makes the directory and chooses a port. Clear, but for `user`, before. */
void server_prepare(struct server *server);

/* Writes a file into the directory. Its text is a printf format. */
void server_file(const struct server *server, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs a program to its end, or starts it as the server and waits until its port accepts. Arguments are strings up to
 * NULL. What it prints goes to the file `log` in the directory, which is shown when it fails; that ends the process. */
void server_run(const struct server *server, const char *program, ...) __attribute__((sentinel));
void server_start(struct server *server, const char *program, ...) __attribute__((sentinel));

/* SIGKILL to it and its children; any process may do that. */
void server_kill(const struct server *server);

/* Ends it and removes its directory. By the process that started it. */
void server_stop(struct server *server);

#endif
