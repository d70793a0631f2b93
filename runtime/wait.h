/* SPDX-License-Identifier: MIT */
/*
 * The one place where "until event, deadline or cancel" is implemented.
 *
 * A wait is a struct cede__waiter on the stack of the task that waits:
 *
 *     struct cede__waiter waiter = {.what = "join", .subject = ...};
 *     cede__list_append(&object->waiters, &waiter.link);      (where whoever brings the event will look)
 *     switch (cede__wait(&waiter, deadline_ns)) ...
 *
 * Whoever brings the event takes the link out of its list, finishes the operation, and calls cede__sched_wake().
 * Whoever interrupts the wait takes the link out too, so after cede__wait() it is in no list in either case. (A task
 * that puts several waiters into several lists, like poll, takes the others out itself.)
 */
#ifndef CEDE_RUNTIME_WAIT_H
#define CEDE_RUNTIME_WAIT_H

#include <stdint.h>

#include "sched.h"

/*
 * Parks the current task until cede__sched_wake() or an interrupt, or until deadline_ns (INT64_MAX: none; absolute).
 * Fails at once when the task is already interrupted. An infinite wait touches no timer; none allocates.
 */
enum cede__wake cede__wait(struct cede__waiter *waiter, int64_t deadline_ns);

/* 0 for EVENT; else sets errno (DEADLINE and TIMEOUT: ETIMEDOUT; CANCEL: ECANCELED; CLOSED: EBADF; INVALID: EINVAL;
 * SIGNAL: EINTR; DEADLOCK: EDEADLK) and returns -1. */
int cede__wait_errno(enum cede__wake reason);

/* The reason that stands for a task's interrupt, which is not NONE. */
enum cede__wake cede__wait_interrupt(enum cede__interrupt interrupt);

#endif
