/* SPDX-License-Identifier: MIT */
/*
 * Cancel, park and wake; see cede/task.h.
 *
 * cede_cancel() and cede_wake() may come from any thread and from a signal handler that has interrupted the scheduler
 * itself. So they never touch a task: they leave a request in the descriptor's atomic `requests` and post it to the
 * worker's inbox; the worker carries it out at its next scheduling point, and before its next wait in any case.
 */
#include <errno.h>
#include <sched.h>

#include "scope.h"
#include "switch.h"
#include "wait.h"

static void deliver(struct cede__remote *remote)
{
    struct cede__task *task = CEDE__CONTAINER(remote, struct cede__task, remote);
    uint64_t requests = atomic_exchange(&task->requests, 0);

    /* The task that was meant may have ended, and its descriptor serve another. */
    if (requests >> CEDE__REQUEST_BITS != atomic_load_explicit(&task->handle, memory_order_relaxed)
        || task->state == CEDE__TASK_DONE)
        return;
    if (requests & CEDE__REQUEST_CANCEL) {
        task->cancelled = true;
        cede__scope_refresh(task);
    }
    if (requests & CEDE__REQUEST_WAKE) {
        task->woken = true;
        if (task->state == CEDE__TASK_PARKED && task->run.waiter->subject == (intptr_t)&task->woken)
            cede__sched_wake(task->run.waiter, CEDE__WAKE_EVENT);
    }
}

static int request(struct cede_task *handle, unsigned what)
{
    struct cede__task *task = cede__task_find(handle);
    uint64_t value = (uintptr_t)handle, pending, wanted;

    if (!task)
        return -1;
    pending = atomic_load(&task->requests);
    do {
        wanted = value << CEDE__REQUEST_BITS | what;
        if (pending >> CEDE__REQUEST_BITS == value)
            wanted |= pending;
        else if (pending >> CEDE__REQUEST_BITS > value)
            return 0; /* the descriptor has gone on to a later task already: ours has ended */
    } while (!atomic_compare_exchange_weak(&task->requests, &pending, wanted));
    if (pending == 0) { /* else the descriptor is in the inbox already */
        task->remote.deliver = deliver;
        cede__sched_post(task->worker, &task->remote);
    }
    return 0;
}

int cede_cancel(struct cede_task *task)
{
    return request(task, CEDE__REQUEST_CANCEL);
}

int cede_wake(struct cede_task *task)
{
    return request(task, CEDE__REQUEST_WAKE);
}

int cede_park(void)
{
    struct cede__task *self;
    struct cede__waiter waiter = {.what = "park", .external = true};
    enum cede__wake reason;

    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    if (atomic_load_explicit(&cede__worker->inbox, memory_order_relaxed))
        cede__sched_drain(cede__worker);
    self = cede__worker->current;
    if (!self->woken) {
        waiter.subject = (intptr_t)&self->woken;
        reason = cede__wait(&waiter, INT64_MAX);
        if (reason != CEDE__WAKE_EVENT)
            return cede__wait_errno(reason);
    }
    self->woken = false;
    return 0;
}

int cede_check(void)
{
    struct cede__worker *worker = cede__worker;

    if (!worker)
        return 0;
    if (atomic_load_explicit(&worker->inbox, memory_order_relaxed))
        cede__sched_drain(worker);
    if (worker->current->run.scope) /* a deadline may have passed since anybody looked */
        cede__timers_advance(&worker->timers, cede__sched_now(worker));
    return worker->current->interrupt ? cede__wait_errno(cede__wait_interrupt(worker->current->interrupt)) : 0;
}

int cede_yield(void)
{
    struct cede__worker *worker = cede__worker;
    struct cede__task *self;

    if (!worker)
        return sched_yield();
    self = worker->current;
    cede__switch_yield(worker);
    return __builtin_expect(self->interrupt, 0) ? cede__wait_errno(cede__wait_interrupt(self->interrupt)) : 0;
}
