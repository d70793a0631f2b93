/* SPDX-License-Identifier: MIT */
/*
 * The rows of the table of calls: what each makes ready, how it calls, and what ends the call.
 *
 * rows_<family>.c are compiled once for each form of calling (as they are, fortified, into a library, statically, with
 * syscall(2)); a program runs one cell of the table: see cell.c. A row of a new call is a function there, an entry in
 * its table, and nothing else.
 */
#ifndef CEDE_CALLS_ROW_H
#define CEDE_CALLS_ROW_H

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

enum {
    DELAY_MS = 250,
    BUFFER = 160, /* to read into */
};

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
    bool raw;         /* there is a system call of that name */
    const char *why;  /* NULL, or why it cannot be measured: there is nothing else to say then */
    int (*prepare)(struct state *state); /* before the runtime starts: 0, or -1 with errno */
    int (*call_it)(struct state *state); /* in a task: 0, or -1 with errno (whatever the call itself returns); 1: it
                                          * returned something wrong */
    void (*end_it)(struct state *state); /* in another process, 250 ms later; */
    int (*end_in_task)(struct state *state); /* or in another task of the same thread */
};

/* Its members, in short. */
#define RAW_TOO .raw = true
#define INSIDE  .form = "inside"

/* The name of a table of rows, which ends with an empty one, in the form that is being compiled (FORM). */
#define ROWS(group)              ROWS_IN_(FORM, group)
#define ROWS_IN_(form, group)    ROWS_NAMED_(form, group)
#define ROWS_NAMED_(form, group) rows_##form##_##group

/* All tables of a form; NULL after the last. */
extern const struct row *const rows_direct_all[], *const rows_fortified_all[], *const rows_static_all[],
    *const rows_raw_all[];

/* How long what ends by itself takes. */
static inline const struct timespec *delay(const struct state *s)
{
    static struct timespec time;

    time.tv_nsec = (s->longer ? 600 : DELAY_MS) * 1000000L;
    return &time;
}

/* What a call returned is what it should be. */
static inline int expect(long result, long expected)
{
    return result < 0 ? -1 : result == expected ? 0 : 1;
}

/* The same for calls that return an error number. */
static inline int expect_no_error(int error)
{
    errno = error;
    return error ? -1 : 0;
}

#endif
