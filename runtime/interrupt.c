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

/* ---- for one task, from handlers ---- */

/* A slot of worker->meant: a task's handle, and how its wait is ended (CEDE_SIGNAL_*). */
static uint64_t slot_of(struct cede_task *handle, int how)
{
    return (uint64_t)(uintptr_t)handle << CEDE__MEANT_BITS | (unsigned)how;
}

static struct cede_task *task_in(uint64_t meant)
{
    return (struct cede_task *)(uintptr_t)(meant >> CEDE__MEANT_BITS);
}

static void deliver_meant(struct cede__remote *remote);

static void post_meant(struct cede__worker *worker)
{
    if (atomic_exchange(&worker->meant_posted, true))
        return;
    worker->meant_post.deliver = deliver_meant;
    cede__sched_post(worker, &worker->meant_post);
}

/* Whether one that waits for this is ended. A jump is made whatever it was interrupted in. */
static bool ends_wait(uint64_t meant, const struct cede__waiter *waiter)
{
    if (meant & CEDE_SIGNAL_NEXT && waiter->interruptible != CEDE__INTERRUPTIBLE_NEVER)
        return true;
    return ended_by(meant & CEDE_SIGNAL_RESTART) & 1U << waiter->interruptible;
}

static void deliver_one(struct cede__worker *worker, _Atomic uint64_t *slot)
{
    uint64_t meant = atomic_load(slot);
    struct cede__task *task;
    bool alive;

    if (!meant)
        return;
    task = cede__task_find(task_in(meant));
    alive = task && task->state != CEDE__TASK_DONE;
    if (alive && task->state != CEDE__TASK_PARKED && meant & CEDE_SIGNAL_NEXT) {
        post_meant(worker); /* it may be on its way to the wait that is meant: see again at the next look */
        return;
    }
    if (alive && task->state == CEDE__TASK_PARKED && meant & CEDE_SIGNAL_NEXT && !ends_wait(meant, task->run.waiter)) {
        worker->meant_again = true; /* it goes on waiting, and what it waits for next may be meant */
        return;
    }
    if (atomic_compare_exchange_strong(slot, &meant, 0) && alive && task->state == CEDE__TASK_PARKED
        && ends_wait(meant, task->run.waiter))
        cede__sched_wake(task->run.waiter, CEDE__WAKE_SIGNAL);
}

static void deliver_meant(struct cede__remote *remote)
{
    struct cede__worker *worker = CEDE__CONTAINER(remote, struct cede__worker, meant_post);
    int i;

    atomic_exchange(&worker->meant_posted, false); /* before the slots are read: see wait_outside() in sched.c */
    for (i = 0; i < CEDE__MEANT; i++)
        deliver_one(worker, &worker->meant[i]);
}

/* Nothing is meant for the task any more. */
static void take_back(struct cede__worker *worker, struct cede_task *handle, int first)
{
    uint64_t meant;
    int i;

    for (i = first; i < CEDE__MEANT; i++) {
        meant = atomic_load(&worker->meant[i]);
        if (task_in(meant) == handle)
            atomic_compare_exchange_strong(&worker->meant[i], &meant, 0);
    }
}

int cede_signal_post(struct cede_task *handle, int how)
{
    struct cede__task *task = cede__task_find(handle);
    struct cede__worker *worker;
    uint64_t meant = slot_of(handle, how & (CEDE_SIGNAL_RESTART | CEDE_SIGNAL_NEXT)), free;
    int i;

    if (!task)
        return -1;
    worker = task->worker;
    if (how == CEDE_SIGNAL_NONE) {
        take_back(worker, handle, 1);
        return 0;
    }
    /* What a task begins to wait for after the handler is not ended by it. */
    if (!(how & CEDE_SIGNAL_NEXT) && worker == cede__worker && worker->current == task
        && task->state == CEDE__TASK_RUNNING)
        return 0;
    for (i = 1; i < CEDE__MEANT; i++) {
        free = 0;
        if (atomic_compare_exchange_strong(&worker->meant[i], &free, meant) || free == meant) {
            post_meant(worker);
            return 0;
        }
    }
    errno = EAGAIN;
    return -1;
}

/* ---- jumps out of handlers: always the first ---- */

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
    atomic_store(&worker->meant[0], handle ? slot_of(handle, CEDE_SIGNAL_NEXT) : 0);
    if (handle)
        post_meant(worker);
    return 0;
}
