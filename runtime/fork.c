/* SPDX-License-Identifier: MIT */
/* What becomes of the runtimes in the child of fork(2); see fork.h. */
#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lot.h"
#include "report.h"
#include "run.h"
#include "scope.h"
#include "signal.h"
#include "sys.h"

static atomic_int process_id; /* of the process in which the handlers ran last */

bool cede__fork_unnoticed(void)
{
    return atomic_load_explicit(&process_id, memory_order_relaxed) != (int)syscall(SYS_getpid);
}

/* Without a poller no task could go on. */
static __attribute__((noreturn)) void die(int error)
{
    struct cede__report report;

    cede__report_begin(&report, STDERR_FILENO);
    cede__report_text(&report, "cede: fork: no poller for the child: errno ");
    cede__report_decimal(&report, error);
    cede__report_text(&report, "\n");
    cede__report_end(&report);
    abort();
}

/* A task that is not in the child. */
static void forget(struct cede__task *task, void *survivor)
{
    if (task == survivor)
        return;
    atomic_store(&task->requests, 0);
    task->joiner = NULL;
    if (task->state == CEDE__TASK_DONE)
        return;
    if (task->state == CEDE__TASK_NEW)
        cede__sched_unstarted(task->worker, &task->start);
    if (task->owner) { /* whose group, if it is the survivor's, must not wait for it */
        task->done.result = task->done.error = 0;
        task->owner->child_done(task->owner, task);
        cede__list_remove(&task->sibling);
    }
    cede__task_lose(task);
}

/* Timers of the others lie on their stacks. */
static void disarm_others(struct cede__timer *timer, void *survivor)
{
    if (cede__scope_timed(timer) != survivor)
        cede__timer_disarm(&cede__worker->timers, timer);
}

/* The current task becomes the first, and the only one. */
static void keep_current(struct cede__worker *worker)
{
    struct cede__task *self = worker->current;

    /* What was posted before the fork still holds: a cancel of this task, the end of one that it may join. */
    cede__sched_drain(worker);
    cede__task_each(worker, forget, self);
    cede__timers_each(&worker->timers, disarm_others, self);
    cede__runqueue_clear(&worker->queue);
    worker->live = 1;
    worker->external = worker->shared = worker->jobs = 0;
    worker->ending = worker->reachable = false;
    worker->root = self;
    worker->thread_id = (int)syscall(SYS_gettid);
    worker->thread.state = CEDE__TASK_PARKED; /* in cede_run(), where it may have been about to wake */
    atomic_store(&worker->asleep, false);
    atomic_store(&worker->signal_posted, false);
    atomic_store(&worker->handled, 0);
    atomic_store(&worker->meant_posted, false);
    worker->meant_again = false;
    memset(worker->meant, 0, sizeof worker->meant);
    if (atomic_load(&worker->shutdown_task))
        atomic_store(&worker->shutdown_task, cede__task_handle(self));
    atomic_store(&self->requests, 0); /* one that another thread was about to post will not come */
    self->joiner = worker->thread.run.waiter;
    self->detached = false;
    self->owner = NULL;
    self->sibling = (struct cede__list){0};
    if (cede__poller_forked(&worker->poller) != 0)
        die(errno);
}

static void before(void)
{
    cede__run_lock();
    cede__signal_lock();
}

static void after_in_parent(void)
{
    cede__signal_unlock();
    cede__run_unlock();
}

static void after_in_child(void)
{
    struct cede__worker *own = cede__worker;
    int saved = errno;

    atomic_store(&process_id, (int)syscall(SYS_getpid));
    cede__signal_forked(own);
    cede__lot_forked();
    cede__signal_unlock();
    cede__run_forked(own);
    cede__runtime_forked();
    cede__run_unlock();
    if (own && own->current && own->current->state == CEDE__TASK_RUNNING)
        keep_current(own);
    else
        cede__worker = NULL; /* a signal handler forked in the midst of the scheduler: there is no task to go on */
    errno = saved;
}

static void start(void)
{
    atomic_store(&process_id, (int)syscall(SYS_getpid));
    pthread_atfork(before, after_in_parent, after_in_child);
}

void cede__fork_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start);
}
