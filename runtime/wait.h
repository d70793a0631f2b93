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

#include "switch.h"

/*
 * Parks the current task until cede__sched_wake() or an interrupt, or until deadline_ns (INT64_MAX: none; absolute).
 * Fails at once when the task is already interrupted. An infinite wait touches no timer; none allocates.
 */
enum cede__wake cede__wait(struct cede__waiter *waiter, int64_t deadline_ns);

/* The wait fails at once: the task is interrupted. */
enum cede__wake cede__wait_interrupted(struct cede__worker *worker, struct cede__waiter *waiter);

/* Fills in who waits, and since when. Whether it may: false: cede__wait_interrupted(). */
static inline bool cede__wait_begin(struct cede__worker *worker, struct cede__waiter *waiter)
{
    struct cede__task *self = worker->current;

    /* What has been posted (a cancel by this very task, the closing of the descriptor it waits on) holds from now on.
     * It is delivered once the task is parked: now, whoever ended this wait would find nobody to wake. */
    if (atomic_load_explicit(&worker->inbox, memory_order_relaxed))
        worker->budget = 0;
    waiter->task = self;
    waiter->since_ns = worker->now_ns;
    return __builtin_expect(!self->interrupt, 1);
}

/* cede__wait() for the waits where every instruction counts, inline: without a deadline. The caller knows, at best when
 * it is compiled, what the waiter says of being external and shared. */
static inline __attribute__((always_inline)) enum cede__wake cede__wait_endless(struct cede__waiter *waiter,
                                                                                bool external, bool shared)
{
    struct cede__worker *worker = cede__worker;

    if (!cede__wait_begin(worker, waiter))
        return cede__wait_interrupted(worker, waiter);
    worker->external += external;
    worker->shared += shared;
    cede__switch_park(worker, waiter->task, waiter);
    worker->external -= external;
    worker->shared -= shared;
    return waiter->reason;
}

/* The same, neither external nor shared. */
static inline __attribute__((always_inline)) enum cede__wake cede__wait_inside(struct cede__waiter *waiter)
{
    return cede__wait_endless(waiter, false, false);
}

/* 0 for EVENT; else sets errno (DEADLINE and TIMEOUT: ETIMEDOUT; CANCEL: ECANCELED; CLOSED: EBADF; INVALID: EINVAL;
 * SIGNAL: EINTR; DEADLOCK: EDEADLK) and returns -1. */
int cede__wait_errno(enum cede__wake reason);

/* The reason that stands for a task's interrupt, which is not NONE. */
enum cede__wake cede__wait_interrupt(enum cede__interrupt interrupt);

#endif
