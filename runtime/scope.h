/* SPDX-License-Identifier: MIT */
/* Deadline and shield scopes, as the runtime sees them. */
#ifndef CEDE_RUNTIME_SCOPE_H
#define CEDE_RUNTIME_SCOPE_H

#include "sched.h"

/* What lies in a struct cede_scope. */
struct cede__scope {
    struct cede__timer timer;   /* armed while a deadline is to come */
    struct cede__scope *outer;  /* of the same task */
    struct cede__task *task;    /* NULL: entered outside a task, has no effect */
    int64_t deadline_ns;        /* absolute; INT64_MAX: none */
    bool shield;
    bool expired;               /* the deadline has passed */
    bool invalid;               /* the duration was negative */
};

/* Opens a scope of the current task with an absolute deadline. Leave it with cede_scope_leave(). */
void cede__scope_open(struct cede__worker *worker, struct cede__scope *scope, int64_t deadline_ns);
void cede__scope_close(struct cede__worker *worker, struct cede__scope *scope);

/* The nearest deadline that applies to the task, which has started; INT64_MAX: none. */
int64_t cede__scope_deadline(const struct cede__task *task);

/* Works out the task's `interrupt` again after its scopes or `cancelled` changed, and ends its wait if it now must. */
void cede__scope_refresh(struct cede__task *task);

#endif
