/* SPDX-License-Identifier: MIT */
/* The list of workers, which only grows: one of cede's two process-wide tables. */
#ifndef CEDE_RUNTIME_RUN_H
#define CEDE_RUNTIME_RUN_H

#include "sched.h"

/* The newest worker; follow `next`. Workers are never freed, but used again, so the list may be walked at any time,
 * also in a signal handler; `in_use` says whether some thread runs one now. */
struct cede__worker *cede__run_workers(void);

/* Returns when every cede_spawn_on() that may have found a handle before it became stale has posted. See runtime.c. */
void cede__runtime_await_posts(void);

/* In a child of fork(2). */
void cede__runtime_forked(void);

/* Around fork(2), so that the child finds the list in order. */
void cede__run_lock(void);
void cede__run_unlock(void);

/* In the child, between the two: the list has no workers of threads that the child lacks. own: the calling thread's, or
 * NULL. */
void cede__run_forked(struct cede__worker *own);

#endif
