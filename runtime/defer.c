/* SPDX-License-Identifier: MIT */
/* Deferred calls, and the end of a task from any depth; see cede/defer.h. */
#include <cede/defer.h>
#include <errno.h>
#include <stdlib.h>

#include "gen.h"
#include "report.h"
#include "scope.h"
#include "sys.h"

struct cede__defer {
    struct cede__scope scope; /* scope.task is NULL outside a task: then only the block's end runs it */
    void (*fn)(void *arg);
    void *arg;
};

_Static_assert(sizeof(struct cede__defer) <= sizeof(struct cede_defer), "struct cede_defer is too small");

static struct cede__defer *inside(struct cede_defer *defer)
{
    return (struct cede__defer *)defer->cede__private;
}

/* Takes it out first: fn may call cede_exit(). */
static void finish(struct cede__defer *self, bool run)
{
    int saved = errno;

    if (self->scope.task)
        cede__scope_pop(&self->scope);
    if (run)
        self->fn(self->arg);
    errno = saved;
}

static void leave(struct cede__scope *scope)
{
    finish(CEDE__CONTAINER(scope, struct cede__defer, scope), true);
}

void cede_defer_push(struct cede_defer *defer, void (*fn)(void *arg), void *arg)
{
    struct cede__defer *self = inside(defer);

    self->fn = fn;
    self->arg = arg;
    self->scope.task = NULL;
    if (cede__in_task())
        cede__scope_push(cede__worker->current, &self->scope, leave);
}

void cede_defer_pop(struct cede_defer *defer, int run)
{
    finish(inside(defer), run);
}

void cede__defer_leave(struct cede_defer *defer)
{
    finish(inside(defer), true);
}

static __attribute__((noreturn)) void die(void)
{
    struct cede__report report;

    cede__report_begin(&report, STDERR_FILENO);
    cede__report_text(&report, "cede: cede_exit: called outside a task\n");
    cede__report_end(&report);
    abort();
}

void cede_exit(int result)
{
    struct cede__worker *worker = cede__worker;
    int error = result < 0 ? errno : 0;
    struct cede__scope *last;
    struct cede__task *self;
    struct cede__gen *gen;

    if (!cede__in_task())
        die();
    self = worker->current;
    /* What was opened on this stack is left on this stack; what lies below a generator's body, on its consumer's. */
    gen = self->run.stack->gen;
    last = gen ? cede__gen_base(gen) : NULL;
    while (self->run.scope != last)
        self->run.scope->leave(self->run.scope);
    if (gen)
        cede__gen_exit(gen, result, error);
    cede__task_restore_name(self);
    cede__sched_exit(worker, result, error);
}
