/* SPDX-License-Identifier: MIT */
/* Reports on tasks, as the runtime needs them. */
#ifndef CEDE_RUNTIME_DUMP_H
#define CEDE_RUNTIME_DUMP_H

#include "report.h"
#include "sched.h"

/* Reads CEDE_DEBUG and prepares what cannot be prepared when it is needed. Called by each cede_run(); works once. */
void cede__dump_start(void);

/* How reports name a task: 'task 17 "fetch"', or 'task 17.2 "fetch"' for the second task of descriptor 17. */
void cede__dump_name(struct cede__report *report, const struct cede__task *task);

/* Whether the task has a stack, and `run` is valid. */
static inline bool cede__dump_has_stack(const struct cede__task *task)
{
    return task->state == CEDE__TASK_READY || task->state == CEDE__TASK_RUNNING || task->state == CEDE__TASK_PARKED;
}

#endif
