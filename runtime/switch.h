/* SPDX-License-Identifier: MIT */
/*
 * From one task to the next: what happens at every park and every yield, inline in whatever waits, so that a call that
 * parks is one frame and few instructions. All that is rare (nothing can run, a task has to start, it is time to look
 * outside) is in sched.c.
 */
#ifndef CEDE_RUNTIME_SWITCH_H
#define CEDE_RUNTIME_SWITCH_H

#include "context.h"
#include "sched.h"

/* After some dozens of switches: what came from outside by now? Sets the budget for the next ones. */
void cede__sched_look(struct cede__worker *worker);

/* The current task `self` has parked, or stands in the run queue: goes on with the next one, whatever has to be done
 * for that. */
void cede__sched_switch(struct cede__worker *worker, struct cede__task *self);

/* Goes on with `next`, another task than `self`, that has a context and stands in the run queue no more. */
static inline __attribute__((always_inline)) void cede__switch_to(struct cede__worker *worker, struct cede__task *self,
                                                                  struct cede__task *next)
{
    next->state = CEDE__TASK_RUNNING;
    worker->current = next;
    cede__context_switch(&self->run.context, &self->run.stack->sanitizer, next->run.context,
                         &next->run.stack->sanitizer);
}

/* As cede__sched_switch(), where as a rule the next task has only to be resumed. */
static inline __attribute__((always_inline)) void cede__switch_away(struct cede__worker *worker,
                                                                    struct cede__task *self)
{
    struct cede__task *next = cede__runqueue_pop_ready(&worker->queue);

    if (__builtin_expect(!next, 0)) {
        cede__sched_switch(worker, self);
        return;
    }
    if (__builtin_expect(next == self, 0))
        self->state = CEDE__TASK_RUNNING;
    else
        cede__switch_to(worker, self, next);
}

/* Suspends the current task `self` until cede__sched_wake(waiter, ...); waiter->reason then says why. */
static inline __attribute__((always_inline)) void cede__switch_park(struct cede__worker *worker,
                                                                    struct cede__task *self,
                                                                    struct cede__waiter *waiter)
{
    self->run.waiter = waiter;
    self->state = CEDE__TASK_PARKED;
    if (cede__sched_spent(worker))
        cede__sched_look(worker);
    cede__switch_away(worker, self);
}

/* Lets the others run; the current task goes to the end of the run queue. */
static inline __attribute__((always_inline)) void cede__switch_yield(struct cede__worker *worker)
{
    struct cede__task *self = worker->current, *next;

    if (cede__sched_spent(worker))
        cede__sched_look(worker);
    else if (atomic_load_explicit(&worker->inbox, memory_order_relaxed)) /* a wake or cancel is on its way */
        cede__sched_drain(worker);
    next = cede__runqueue_pop_ready(&worker->queue);
    if (__builtin_expect(!next, 0)) {
        if (cede__runqueue_empty(&worker->queue))
            return;
        self->state = CEDE__TASK_READY;
        cede__runqueue_push(&worker->queue, self);
        cede__sched_switch(worker, self);
        return;
    }
    self->state = CEDE__TASK_READY;
    cede__runqueue_push(&worker->queue, self);
    cede__switch_to(worker, self, next);
}

#endif
