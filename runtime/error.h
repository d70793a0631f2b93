/* SPDX-License-Identifier: MIT */
/*
 * Messages of failures, as the rest of the runtime sees them; see cede/error.h.
 *
 * A running task's message hangs on its stack, and says whose it is: so neither a task that starts nor one that ends
 * well has anything to do with it, and one that is left behind there serves the next failure on that stack. A failed
 * task takes it along in its descriptor (`done.message`). There are no more than stacks, ended tasks and groups.
 */
#ifndef CEDE_RUNTIME_ERROR_H
#define CEDE_RUNTIME_ERROR_H

#include <cede/error.h>

#include "sched.h"

struct cede__error {
    struct cede__error *next;     /* in the worker's list of those that are free */
    struct cede__error *next_made; /* in its list of all, which only grows */
    struct cede_task *task;       /* whose it is, while it hangs on a stack */
    int error;                    /* the errno that it came with */
    char text[CEDE_ERROR_BYTES];
};

/* A copy, to be given back; NULL if there is no memory, or nothing to copy. */
struct cede__error *cede__error_copy(struct cede__worker *worker, const struct cede__error *message);

/* Gives one back; NULL: nothing. */
void cede__error_drop(struct cede__worker *worker, struct cede__error *message);

/* The current task has heard of a failure: the message becomes its own. NULL: it has none any more. */
void cede__error_hear(struct cede__worker *worker, struct cede__error *message);

/* The run is over: the calling OS thread has this message (NULL: none), and all messages are freed. */
void cede__error_end(struct cede__worker *worker, const struct cede__error *message);

/* A plain OS thread's message, if it came with this errno: copied into text, of CEDE_ERROR_BYTES, and forgotten. Else
 * text is empty. */
void cede__error_take_plain(int error, char *text);

#endif
