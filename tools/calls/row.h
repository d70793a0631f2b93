/* SPDX-License-Identifier: MIT */
/*
 * The rows of the table of calls: what each makes ready, how it calls, and what ends the call.
 *
 * rows.c is compiled once for each form of calling (as it is, fortified, into a library, statically, with syscall(2));
 * a program runs one cell of the table: see cell.c. A row of a new call is a function here, an entry in its table, and
 * nothing else.
 */
#ifndef CEDE_CALLS_ROW_H
#define CEDE_CALLS_ROW_H

#include <stdbool.h>
#include <sys/types.h>

/* What a cell works on. */
struct state {
    int fd[4];       /* -1: none */
    pid_t child;     /* to be waited for, or 0 */
    char path[64];   /* in the cell's own directory, which is the working directory */
    void *memory;
    long number;
    bool longer;      /* what ends the call comes only after 600 ms, for it shall end early */
};

struct row {
    const char *call; /* "read, pipe" */
    const char *form; /* NULL, or "inside": libc makes the call inside itself; such a row is a cell of that column */
    bool fortified;   /* _FORTIFY_SOURCE makes another function of it */
    bool raw;         /* there is a system call of that name */
    int (*prepare)(struct state *state); /* before the runtime starts: 0, or -1 with errno */
    int (*call_it)(struct state *state); /* in a task: 0, or -1 with errno (whatever the call itself returns); 1: it
                                          * returned something wrong */
    void (*end_it)(struct state *state); /* in another process, 250 ms later; */
    int (*end_in_task)(struct state *state); /* or in another task of the same thread */
};

/* Ends with an empty row. */
extern const struct row rows_direct[], rows_fortified[], rows_static[], rows_raw[];

#endif
