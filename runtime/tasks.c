/* SPDX-License-Identifier: MIT */
/*
 * Waiting for several tasks; see cede/tasks.h. One waiter is the joiner of all of them at the same time: the first end
 * wakes it, further ones find it awake.
 */
#include <cede/tasks.h>
#include <errno.h>

#include "error.h"
#include "wait.h"

/* What a look at all tasks has found. */
struct look {
    size_t handles;         /* that are not NULL */
    size_t ended;
    ssize_t first;          /* index of the task that ended first; -1: none */
    ssize_t first_failed;   /* the same of those that failed */
};

/* The task of a handle, if the caller may wait for it; NULL with errno. */
static struct cede__task *find(struct cede_task *handle)
{
    struct cede__task *task = cede__task_find(handle);
    int error = 0;

    if (!task)
        return NULL;
    if (task->worker != cede__worker)
        error = EPERM;
    else if (task == cede__worker->current)
        error = EDEADLK;
    else if (task->detached || task->joiner)
        error = EINVAL;
    if (!error)
        return task;
    errno = error;
    return NULL;
}

/* Of a task that has been found before and cannot have gone. */
static struct cede__task *known(struct cede_task *handle)
{
    return handle ? cede__task_find(handle) : NULL;
}

static void withdraw(struct cede_task *const *tasks, size_t count)
{
    struct cede__task *task;
    size_t i;

    for (i = 0; i < count; i++)
        if ((task = known(tasks[i])))
            task->joiner = NULL;
}

/* Makes the waiter the joiner of all, which nobody else can join then. 0, or -1 with errno and nothing done. */
static int enlist(struct cede_task *const *tasks, size_t count, struct cede__waiter *waiter)
{
    struct cede__task *task;
    size_t i;

    for (i = 0; i < count; i++) {
        if (!tasks[i])
            continue;
        if (!(task = find(tasks[i]))) {
            int error = errno;

            withdraw(tasks, i);
            errno = error;
            return -1;
        }
        task->joiner = waiter;
    }
    return 0;
}

/* Whether a ended before b, or b is none; both have. */
static bool ended_before(const struct cede__task *a, const struct cede__task *b)
{
    return !b || (int32_t)(a->done.turn - b->done.turn) < 0;
}

static struct look look_at(struct cede_task *const *tasks, size_t count)
{
    struct look look = {.first = -1, .first_failed = -1};
    const struct cede__task *task, *first = NULL, *failed = NULL;
    size_t i;

    for (i = 0; i < count; i++) {
        if (!(task = known(tasks[i])))
            continue;
        look.handles++;
        if (task->state != CEDE__TASK_DONE)
            continue;
        look.ended++;
        if (ended_before(task, first)) {
            first = task;
            look.first = (ssize_t)i;
        }
        if (task->done.result < 0 && ended_before(task, failed)) {
            failed = task;
            look.first_failed = (ssize_t)i;
        }
    }
    return look;
}

static bool enough(const struct look *look, enum cede_tasks_when when)
{
    return look->ended == look->handles || (when == CEDE_TASKS_FIRST_COMPLETED && look->ended > 0)
           || (when == CEDE_TASKS_FIRST_EXCEPTION && look->first_failed >= 0);
}

/* Parks until all have ended: in O(count), for it does not look again at those which have. */
static enum cede__wake wait_for_all(struct cede_task *const *tasks, size_t count, struct cede__waiter *waiter)
{
    enum cede__wake reason = CEDE__WAKE_EVENT;
    struct cede__task *task;
    size_t i;

    for (i = 0; i < count && reason == CEDE__WAKE_EVENT; i++)
        while ((task = known(tasks[i])) && task->state != CEDE__TASK_DONE && reason == CEDE__WAKE_EVENT)
            reason = cede__wait(waiter, INT64_MAX);
    return reason;
}

/* Waits, and tells how things are then. 0, or -1 with errno. */
static int wait_for(struct cede_task *const *tasks, size_t count, enum cede_tasks_when when, struct look *look)
{
    struct cede__waiter waiter = {.what = "join of several", .subject = (intptr_t)tasks};
    enum cede__wake reason = CEDE__WAKE_EVENT;

    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    if (enlist(tasks, count, &waiter) != 0)
        return -1;
    if (when == CEDE_TASKS_ALL_COMPLETED)
        reason = wait_for_all(tasks, count, &waiter);
    *look = look_at(tasks, count);
    while (reason == CEDE__WAKE_EVENT && !enough(look, when)) {
        reason = cede__wait(&waiter, INT64_MAX);
        *look = look_at(tasks, count);
    }
    withdraw(tasks, count);
    return cede__wait_errno(reason);
}

static int no_children(void)
{
    errno = ECHILD;
    return -1;
}

ssize_t cede_tasks_wait(struct cede_task *const *tasks, size_t count, enum cede_tasks_when when)
{
    struct look look;

    if (when < CEDE_TASKS_FIRST_COMPLETED || when > CEDE_TASKS_ALL_COMPLETED) {
        errno = EINVAL;
        return -1;
    }
    if (wait_for(tasks, count, when, &look) != 0)
        return -1;
    return look.handles ? (ssize_t)look.ended : no_children();
}

ssize_t cede_tasks_next(struct cede_task *const *tasks, size_t count)
{
    struct look look;

    if (wait_for(tasks, count, CEDE_TASKS_FIRST_COMPLETED, &look) != 0)
        return -1;
    return look.handles ? look.first : no_children();
}

int cede_tasks_gather(struct cede_task *const *tasks, size_t count, int *results)
{
    const struct cede__task *failed;
    struct look look;
    size_t i;

    for (i = 0; i < count; i++)
        if (!tasks[i]) {
            errno = cede__in_task() ? ESRCH : EPERM;
            return -1;
        }
    if (wait_for(tasks, count, CEDE_TASKS_FIRST_EXCEPTION, &look) != 0)
        return -1;
    if (look.first_failed >= 0) {
        failed = known(tasks[look.first_failed]);
        cede__error_hear(cede__worker, cede__error_copy(cede__worker, failed->done.message));
        errno = failed->done.error;
        return -1;
    }
    for (i = 0; i < count; i++)
        cede_tryjoin(tasks[i], results ? &results[i] : NULL);
    return 0;
}
