/* SPDX-License-Identifier: MIT */
/* Deadlines and shields for blocks of code; see cede/scope.h. */
#include "scope.h"

#include <cede/scope.h>
#include <cede/time.h>
#include <errno.h>

#include "wait.h"

_Static_assert(sizeof(struct cede__scope) <= sizeof(struct cede_scope), "struct cede_scope is too small");

static struct cede__scope *inside(const struct cede_scope *scope)
{
    return (struct cede__scope *)scope->cede__private;
}

static enum cede__interrupt interrupt_of(const struct cede__task *task)
{
    enum cede__interrupt interrupt = CEDE__INTERRUPT_NONE;
    const struct cede__scope *scope;

    for (scope = task->run.scope; scope; scope = scope->outer) {
        if (scope->interrupt > interrupt)
            interrupt = scope->interrupt;
        if (scope->shield)
            return interrupt;
    }
    return task->cancelled ? CEDE__INTERRUPT_CANCEL : interrupt;
}

void cede__scope_refresh(struct cede__task *task)
{
    switch ((enum cede__task_state)task->state) {
    case CEDE__TASK_NEW:
        task->interrupt = task->cancelled ? CEDE__INTERRUPT_CANCEL : CEDE__INTERRUPT_NONE;
        break;
    case CEDE__TASK_PARKED:
        task->interrupt = interrupt_of(task);
        if (task->interrupt)
            cede__sched_wake(task->run.waiter, cede__wait_interrupt(task->interrupt));
        break;
    case CEDE__TASK_READY:
    case CEDE__TASK_RUNNING:
        task->interrupt = interrupt_of(task);
        break;
    case CEDE__TASK_FREE:
    case CEDE__TASK_DONE:
        break;
    }
}

static void expire(struct cede__timer *timer)
{
    struct cede__scope *scope = CEDE__CONTAINER(timer, struct cede__scope, timer);

    scope->expired = true;
    scope->interrupt = CEDE__INTERRUPT_TIMEOUT;
    cede__scope_refresh(scope->task);
}

struct cede__task *cede__scope_timed(const struct cede__timer *timer)
{
    return timer->fire == expire ? CEDE__CONTAINER(timer, struct cede__scope, timer)->task : NULL;
}

static void leave(struct cede__scope *scope)
{
    cede__scope_close(cede__worker, scope);
}

void cede__scope_open(struct cede__worker *worker, struct cede__scope *scope, int64_t deadline_ns)
{
    struct cede__task *task = worker->current;

    *scope = (struct cede__scope){
        .timer.fire = expire, .outer = task->run.scope, .task = task, .deadline_ns = deadline_ns, .leave = leave};
    task->run.scope = scope;
    if (deadline_ns != INT64_MAX)
        cede__timer_arm(&worker->timers, &scope->timer, deadline_ns);
}

void cede__scope_close(struct cede__worker *worker, struct cede__scope *scope)
{
    struct cede__task *task = scope->task;

    cede__timer_disarm(&worker->timers, &scope->timer);
    task->run.scope = scope->outer;
    if (scope->shield || task->interrupt) /* a shield may have hidden what holds outside */
        cede__scope_refresh(task);
}

int64_t cede__scope_deadline(const struct cede__task *task)
{
    const struct cede__scope *scope;
    int64_t deadline_ns = INT64_MAX;

    for (scope = task->run.scope; scope; scope = scope->outer) {
        if (scope->deadline_ns < deadline_ns)
            deadline_ns = scope->deadline_ns;
        if (scope->shield)
            break;
    }
    return deadline_ns;
}

/* One scope of any kind; a shield has no deadline, an invalid one neither. */
static void enter(struct cede__scope *scope, int64_t duration_ns, bool shield)
{
    struct cede__worker *worker = cede__worker;
    int64_t deadline_ns = INT64_MAX, now_ns;

    if (!worker) {
        scope->task = NULL;
        return;
    }
    if (duration_ns >= 0 && duration_ns != CEDE_FOREVER) {
        now_ns = cede__sched_now(worker);
        if (duration_ns < INT64_MAX - now_ns)
            deadline_ns = now_ns + duration_ns;
    }
    cede__scope_open(worker, scope, deadline_ns);
    scope->shield = shield;
    scope->expired = duration_ns == 0;
    scope->interrupt = duration_ns < 0    ? CEDE__INTERRUPT_INVALID
                       : duration_ns == 0 ? CEDE__INTERRUPT_TIMEOUT
                                          : CEDE__INTERRUPT_NONE;
    if (shield || duration_ns <= 0)
        cede__scope_refresh(scope->task);
}

int cede_scope_timeout(struct cede_scope *scope, int64_t duration_ns)
{
    if (duration_ns < 0) {
        errno = EINVAL;
        return -1;
    }
    enter(inside(scope), duration_ns, false);
    return 0;
}

int cede_scope_shield(struct cede_scope *scope)
{
    enter(inside(scope), CEDE_FOREVER, true);
    return 0;
}

struct cede_scope *cede__scope_enter_timeout(struct cede_scope *scope, int64_t duration_ns)
{
    enter(inside(scope), duration_ns, false);
    return scope;
}

struct cede_scope *cede__scope_enter_shield(struct cede_scope *scope)
{
    enter(inside(scope), CEDE_FOREVER, true);
    return scope;
}

int cede_scope_expired(const struct cede_scope *scope)
{
    const struct cede__scope *self = inside(scope);

    return self->task && (self->expired || self->deadline_ns <= cede_now());
}

void cede_scope_leave(struct cede_scope *scope)
{
    if (inside(scope)->task)
        cede__scope_close(cede__worker, inside(scope));
}

int64_t cede_time_left(void)
{
    int64_t deadline_ns, now_ns;

    if (!cede__in_task())
        return CEDE_FOREVER;
    deadline_ns = cede__scope_deadline(cede__worker->current);
    if (deadline_ns == INT64_MAX)
        return CEDE_FOREVER;
    now_ns = cede_now();
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}
