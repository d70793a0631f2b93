/* SPDX-License-Identifier: MIT */
/*
 * Tasks that come from other threads; see cede/runtime.h.
 *
 * The handle of a runtime is that of its first task, which nobody can join: its descriptor is freed, under the lock of
 * the list of workers, when the runtime has no tasks left and takes no more posts but those it already has. So whatever
 * is posted under that lock, after the handle has been found good, is delivered: as a task, or as a refusal.
 */
#include <cede/runtime.h>
#include <errno.h>
#include <stdlib.h>

#include "run.h"

/* A task from its cede_spawn_on() to its end. Belongs to the thread of the worker as soon as it is posted. */
struct arrival {
    struct cede__remote remote;
    struct cede__owner owner; /* hears of the end, in whatever way it comes; has no list of children */
    cede_task_fn *fn;
    void *arg;
    struct cede_future *future;
};

/* The last of an arrival. error: 0, or why there is no result. */
static void finish(struct arrival *arrival, int result, int error)
{
    struct cede_future *future = arrival->future;

    free(arrival);
    if (!future)
        return;
    if (error > 0)
        cede_future_fail(future, error);
    else
        cede_future_set(future, result);
}

static void ended(struct cede__owner *owner, struct cede__task *task)
{
    struct arrival *arrival = CEDE__CONTAINER(owner, struct arrival, owner);

    if (task->state == CEDE__TASK_DONE)
        finish(arrival, task->done.result, task->done.result < 0 ? task->done.error : 0);
    else
        free(arrival); /* lost in a child of fork(2), where the thread that has the future may be lost as well */
}

static void deliver(struct cede__remote *remote)
{
    static const struct cede_task_attr attr = {.name = "spawned on", .detached = 1};
    struct arrival *arrival = CEDE__CONTAINER(remote, struct arrival, remote);
    struct cede__worker *worker = cede__worker;
    struct cede__task *current;
    struct cede_task *handle;

    if (!worker || worker->ending) {
        finish(arrival, 0, ECANCELED);
        return;
    }
    current = worker->current;
    worker->current = &worker->thread; /* whoever runs here by chance is no parent, and has nothing to pass on */
    handle = cede_spawn_attr(&attr, arrival->fn, arrival->arg);
    worker->current = current;
    if (handle)
        cede__task_find(handle)->owner = &arrival->owner;
    else
        finish(arrival, 0, errno);
}

struct cede_runtime *cede_runtime(void)
{
    struct cede__worker *worker = cede__worker;

    if (!worker)
        return NULL;
    worker->reachable = true;
    return (struct cede_runtime *)cede__task_handle(worker->root);
}

const char *cede_runtime_poller(void)
{
    return cede__in_task() ? cede__worker->poller.backend->name : "plain";
}

const char *cede_runtime_poller_why(void)
{
    return cede__in_task() ? cede__worker->poller.why : "no runtime";
}

int cede_spawn_on(struct cede_runtime *runtime, cede_task_fn *fn, void *arg, struct cede_future *future)
{
    struct cede__task *first;
    struct arrival *arrival;

    if (!fn) {
        errno = EINVAL;
        return -1;
    }
    arrival = malloc(sizeof *arrival);
    if (!arrival)
        return -1;
    *arrival = (struct arrival){.remote.deliver = deliver, .owner.child_done = ended, .fn = fn, .arg = arg,
                                .future = future};
    cede__run_lock();
    first = cede__task_find((struct cede_task *)runtime);
    if (first)
        cede__sched_post(first->worker, &arrival->remote);
    cede__run_unlock();
    if (first)
        return 0;
    free(arrival);
    errno = ESRCH;
    return -1;
}
