/* SPDX-License-Identifier: MIT */
/* Child processes, as far as their calls share it. */
#ifndef CEDE_RUNTIME_PROCESS_H
#define CEDE_RUNTIME_PROCESS_H

#include <cede/process.h>
#include <stdbool.h>

/* A process's cede__state. */
enum cede__process_state {
    CEDE__PROCESS_NONE,
    CEDE__PROCESS_RUNNING, /* as far as we know: it has not been waited for */
    CEDE__PROCESS_REAPED,
    CEDE__PROCESS_LOST,    /* its status went to somebody else */
};

/* Its streams, by their numbers. */
enum { CEDE__PROCESS_IN, CEDE__PROCESS_OUT, CEDE__PROCESS_ERR, CEDE__PROCESS_STREAMS };

/* Waits until it has ended, and takes its status. 0, or -1 with errno as cede_process_wait(); nothing is stopped. */
int cede__process_wait(struct cede_process *process);

/* Nobody wants it any more: ends it, whatever becomes of the caller. Keeps errno. */
void cede__process_stop(struct cede_process *process);

/* Closes one of its pipes, if it is open, and sets it to -1. */
void cede__process_close_pipe(int *fd);

#endif
