/* SPDX-License-Identifier: MIT */
/*
 * Generators, as the rest of the runtime sees them. A generator's body is part of the task that consumes it: it has a
 * stack of its own, but no descriptor. While it runs, the task's run.stack is the generator's, so that whatever parks,
 * parks the task as a whole, and that stack's `gen` is set.
 */
#ifndef CEDE_RUNTIME_GEN_H
#define CEDE_RUNTIME_GEN_H

#include "task.h"

/* The scope around all that the body, which runs, has opened. */
struct cede__scope *cede__gen_base(struct cede__gen *gen);

/* Ends the body, which runs, from any depth, and lets its consumer call cede_exit(). The body's scopes must be
 * closed. */
__attribute__((noreturn)) void cede__gen_exit(struct cede__gen *gen, int result, int error);

/* Who called the generator that runs on `stack`: the stack and the context at which the consumer is suspended. */
const struct cede__stack *cede__gen_caller(const struct cede__stack *stack, void **context);

/* The stack on which the task began, whatever generator it is in. */
struct cede__stack *cede__gen_task_stack(struct cede__task *task);

#endif
