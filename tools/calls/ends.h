/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that rows wait for, and what happens at their other ends. All as members of struct row: see row.h; those
 * that make something return 0, or -1 with errno. Compiled once, since the form of calling does not matter here.
 */
#ifndef CEDE_CALLS_ENDS_H
#define CEDE_CALLS_ENDS_H

#include "row.h"

/* What there is nothing to read from: fd[0]. What is put into fd[1] ends the wait. */
int make_pipe(struct state *s);
int make_socketpair(struct state *s);
int make_datagrams(struct state *s);
int make_tcp(struct state *s);
int make_unix(struct state *s);
int make_fifo(struct state *s);
int make_tty(struct state *s);
int make_eventfd(struct state *s);
void put_eight(struct state *s);

/* The same, with fd[0] alone. */
int make_timerfd(struct state *s);
int set_timer(struct state *s); /* by the row itself, when it begins to wait */
int make_signalfd(struct state *s);
void put_signal(struct state *s); /* SIGUSR1 */
int make_inotify(struct state *s);
void put_file(struct state *s);

/* What accepts connections: fd[2]. */
int make_listener(struct state *s);
int make_unix_listener(struct state *s, int backlog); /* by the name of "socket" */
int connect_to(int listener, int fd);

/* What there is no room to write in: fd[1]. Reading from fd[0] ends the wait. */
int make_full_pipe(struct state *s);
int make_full_socket(struct state *s);
int make_full_tcp(struct state *s);
int make_full_unix(struct state *s);
int make_full_fifo(struct state *s);
int make_full_tty(struct state *s);
int make_full_eventfd(struct state *s);
void empty_eventfd(struct state *s);
void drain(struct state *s);

#endif
