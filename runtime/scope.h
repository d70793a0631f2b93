/* SPDX-License-Identifier: MIT */
/*
 * Scopes, as the runtime sees them: the chain of everything that has to end before the task does. Deadlines and shields
 * lie here, groups (group.c), clean-up (defer.c), bindings (local.c) and generators (gen.c) each begin with one.
 */
#ifndef CEDE_RUNTIME_SCOPE_H
#define CEDE_RUNTIME_SCOPE_H

#include "sched.h"

/* What lies in a struct cede_scope. */
struct cede__scope {
    struct cede__timer timer;   /* armed while a deadline is to come */
    struct cede__scope *outer;  /* of the same task */
    struct cede__task *task;    /* NULL: entered outside a task, has no effect */
    int64_t deadline_ns;        /* absolute; INT64_MAX: none */
    /* Ends the scope for a task that exits inside it: closes it, after waiting for what belongs to it. */
    void (*leave)(struct cede__scope *scope);
    bool shield;                /* outer scopes and the task's cancellation do not reach inside */
    bool expired;               /* the deadline has passed */
    uint8_t interrupt;          /* enum cede__interrupt: what this scope brings upon the waits inside */
};

/* Opens a scope of the current task with an absolute deadline. Leave it with cede_scope_leave(). */
void cede__scope_open(struct cede__worker *worker, struct cede__scope *scope, int64_t deadline_ns);
void cede__scope_close(struct cede__worker *worker, struct cede__scope *scope);

/* Opens one with neither deadline nor shield, for what only has to end in its turn: `leave` must take it out again,
 * with cede__scope_pop(). The timer of such a scope is never looked at. */
static inline void cede__scope_push(struct cede__task *task, struct cede__scope *scope,
                                    void (*leave)(struct cede__scope *scope))
{
    scope->outer = task->run.scope;
    scope->task = task;
    scope->deadline_ns = INT64_MAX;
    scope->leave = leave;
    scope->shield = scope->expired = false;
    scope->interrupt = CEDE__INTERRUPT_NONE;
    task->run.scope = scope;
}

static inline void cede__scope_pop(struct cede__scope *scope)
{
    scope->task->run.scope = scope->outer;
}

/* The task of the scope whose timer this is; NULL if it is no scope's. */
struct cede__task *cede__scope_timed(const struct cede__timer *timer);

/* The nearest deadline that applies to the task, which has started; INT64_MAX: none. */
int64_t cede__scope_deadline(const struct cede__task *task);

/* Works out the task's `interrupt` again after its scopes or `cancelled` changed, and ends its wait if it now must. */
void cede__scope_refresh(struct cede__task *task);

#endif
