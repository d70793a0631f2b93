/* SPDX-License-Identifier: MIT */
/*
 * Calls that end with EINTR because a signal handler has run; see cede_signal_handled() in cede/signal.h.
 *
 * The handler cannot touch waits, for it may have come in the midst of anything: it posts to the runtime of its thread.
 */
#include <cede/signal.h>
#include <errno.h>

#include "sched.h"

struct search {
    struct cede__worker *worker;
    unsigned ends;            /* as worker->handled */
    struct cede__task *beside;
    struct cede__task *found; /* NULL: none yet */
};

static void consider(struct cede__task *task, void *arg)
{
    struct search *search = arg;

    if (task->state != CEDE__TASK_PARKED || task == search->beside
        || !(search->ends & 1U << task->run.waiter->interruptible))
        return;
    if (!search->found || task == search->worker->root
        || (search->found != search->worker->root
            && task->run.waiter->since_ns < search->found->run.waiter->since_ns))
        search->found = task;
}

static void deliver(struct cede__remote *remote)
{
    struct cede__worker *worker = CEDE__CONTAINER(remote, struct cede__worker, handled_post);
    struct search search = {.worker = worker};

    search.beside = atomic_load(&worker->handled_beside);
    search.ends = atomic_exchange(&worker->handled, 0); /* from here on the next handler posts again */
    cede__task_each(worker, consider, &search);
    if (search.found)
        cede__sched_wake(search.found->run.waiter, CEDE__WAKE_SIGNAL);
}

/* Which waits a handler ends, as a set of enum cede__interruptible. */
static unsigned ended_by(int restart)
{
    return 1U << CEDE__INTERRUPTIBLE | (restart ? 0 : 1U << CEDE__INTERRUPTIBLE_UNLESS_RESTARTED);
}

void cede_signal_handled(int restart)
{
    struct cede__worker *worker = cede__worker;
    unsigned ends = ended_by(restart);
    struct cede__task *current;

    if (!worker || !worker->root)
        return;
    current = worker->current;
    /* What a task begins to wait for after the handler is not ended by it. (The current task may be parked: it is the
     * one on whose stack the worker looks for events.) */
    atomic_store(&worker->handled_beside, current && current->state == CEDE__TASK_RUNNING ? current : NULL);
    if (atomic_fetch_or(&worker->handled, ends) == 0) {
        worker->handled_post.deliver = deliver;
        cede__sched_post(worker, &worker->handled_post);
    }
}

int cede_signal_interrupt(struct cede_task *handle, int restart)
{
    struct cede__task *task = cede__task_find(handle);

    if (!task)
        return -1;
    if (!cede__in_task() || task->worker != cede__worker) {
        errno = EPERM;
        return -1;
    }
    if (task->state == CEDE__TASK_PARKED && ended_by(restart) & 1U << task->run.waiter->interruptible)
        cede__sched_wake(task->run.waiter, CEDE__WAKE_SIGNAL);
    return 0;
}

/* ---- jumps out of handlers ---- */

static void deliver_jump(struct cede__remote *remote);

static void post_jump(struct cede__worker *worker)
{
    if (atomic_exchange(&worker->jump_posted, true))
        return;
    worker->jump_post.deliver = deliver_jump;
    cede__sched_post(worker, &worker->jump_post);
}

static void deliver_jump(struct cede__remote *remote)
{
    struct cede__worker *worker = CEDE__CONTAINER(remote, struct cede__worker, jump_post);
    struct cede_task *handle = atomic_load(&worker->jumped);
    struct cede__task *task = handle ? cede__task_find(handle) : NULL;

    atomic_store(&worker->jump_posted, false);
    if (!task || task->state == CEDE__TASK_DONE)
        return;
    if (task->state != CEDE__TASK_PARKED)
        post_jump(worker); /* it may be on its way to the wait that is meant: see again at the next look */
    else if (task->run.waiter->interruptible != CEDE__INTERRUPTIBLE_NEVER
             && atomic_compare_exchange_strong(&worker->jumped, &handle, NULL))
        cede__sched_wake(task->run.waiter, CEDE__WAKE_SIGNAL);
}

int cede_signal_jumped(struct cede_task *handle)
{
    struct cede__worker *worker = cede__worker;
    struct cede__task *task;

    if (!worker) {
        errno = EPERM;
        return -1;
    }
    if (handle) {
        task = cede__task_find(handle);
        if (!task || task->worker != worker) {
            errno = ESRCH;
            return -1;
        }
    }
    atomic_store(&worker->jumped, handle);
    if (handle)
        post_jump(worker);
    return 0;
}
