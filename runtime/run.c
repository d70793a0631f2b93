/* SPDX-License-Identifier: MIT */
/* From cede_run() to its return: a worker for this thread, its first task, and the end of all others. */
#include "run.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "audit.h"
#include "dump.h"
#include "environment.h"
#include "error.h"
#include "file.h"
#include "fork.h"
#include "overflow.h"
#include "poller_choose.h"
#include "report.h"
#include "sys.h"
#include "wait.h"

static pthread_once_t complained = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards in_use of all workers, and additions to the list */
static _Atomic(struct cede__worker *) workers;

struct cede__worker *cede__run_workers(void)
{
    return atomic_load(&workers);
}

void cede__run_lock(void)
{
    pthread_mutex_lock(&lock);
}

void cede__run_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void cede__run_forked(struct cede__worker *own)
{
    static struct cede__worker *lost; /* those of threads that are gone, in whatever state; only leak checkers look */
    struct cede__worker *worker, *next, *left = NULL;

    for (worker = atomic_load(&workers); worker; worker = next) {
        next = worker->next;
        if (worker == own || (!worker->in_use && cede__poller_forked(&worker->poller) == 0)) {
            worker->next = left;
            left = worker;
        } else {
            atomic_store(&worker->asleep, false); /* a post must not wake the parent */
            cede__poller_lost(&worker->poller);
            worker->next = lost;
            lost = worker;
        }
    }
    atomic_store(&workers, left);
}

/* A worker that no thread uses. Descriptors, and the posts of threads that were too late, stay with it: see
 * remote.c. */
static struct cede__worker *claim_worker(void)
{
    struct cede__worker *worker;

    pthread_mutex_lock(&lock);
    for (worker = atomic_load(&workers); worker; worker = worker->next)
        if (!worker->in_use)
            break;
    if (!worker) {
        worker = calloc(1, sizeof *worker);
        if (worker && cede__poller_init(&worker->poller) != 0) {
            free(worker);
            worker = NULL;
        }
        if (worker) {
            worker->next = atomic_load(&workers);
            atomic_store(&workers, worker);
        }
    }
    if (worker)
        worker->in_use = true;
    pthread_mutex_unlock(&lock);
    return worker;
}

static void release_worker(struct cede__worker *worker)
{
    pthread_mutex_lock(&lock);
    worker->in_use = false;
    pthread_mutex_unlock(&lock);
}

static int open_worker(struct cede__worker *worker, const struct cede_run_attr *attr, size_t stack_size)
{
    cede__runqueue_clear(&worker->queue);
    worker->budget = 0;
    worker->live = worker->external = worker->shared = worker->jobs = worker->choices = 0;
    worker->stack_size = stack_size;
    cede__control_get(&worker->control);
    worker->stacks = (struct cede__stacks){0};
    worker->root = NULL;
    worker->ending = worker->reachable = false;
    worker->thread_id = (int)syscall(SYS_gettid);
    atomic_store(&worker->dump_requested, false);
    worker->thread = (struct cede__task){
        .worker = worker, .name = "thread", .state = CEDE__TASK_RUNNING, .run.stack = &worker->thread_stack};
    cede__sanitizer_thread_stack(&worker->thread_stack.sanitizer);
    cede__timers_start(&worker->timers, cede__sched_now(worker));
    worker->polled_ns = worker->now_ns;
    worker->current = &worker->thread;
    if (cede__spin_choose(&worker->spin, attr ? attr->spin_ns : 0) != 0)
        return -1;
    if (cede__file_choose(worker, attr ? attr->files : NULL) != 0)
        return -1;
    return cede__poller_choose(&worker->poller, attr ? attr->poller : NULL);
}

static void close_worker(struct cede__worker *worker)
{
    cede__sched_drain(worker);
    cede__poller_close(&worker->poller);
    cede__stacks_free(&worker->stacks);
    cede__runqueue_free(&worker->queue);
}

static void cancel(struct cede__task *task, void *unused)
{
    (void)unused;
    if (task->state != CEDE__TASK_DONE)
        cede_cancel(cede__task_handle(task));
}

static void forget(struct cede__task *task, void *unused)
{
    (void)unused;
    cede__task_free(task);
}

/* The OS thread waits, as if it were a task, for the first task to end, and then for all. */
static void run_all(struct cede__worker *worker)
{
    struct cede__waiter waiter = {.what = "end", .subject = -1, .task = &worker->thread};

    worker->root->joiner = &waiter; /* so that nobody else can join it or detach it */
    while (!worker->ending || worker->live > 0) { /* a child of fork(2) may start anew, with another first task */
        if (worker->ending || worker->root->state != CEDE__TASK_DONE) {
            cede__sched_park(worker, &waiter);
        } else {
            worker->ending = true;
            cede__task_each(worker, cancel, NULL);
        }
    }
}

/* What is asked for in words that mean nothing would else be missed without a trace. */
static void complain(void)
{
    struct cede__report report;
    char problem[160];
    size_t index = 0;

    while (cede__environment_problem(&index, problem, sizeof problem)) {
        cede__report_begin(&report, STDERR_FILENO);
        cede__report_text(&report, "cede: ");
        cede__report_text(&report, problem);
        cede__report_text(&report, "\n");
        cede__report_end(&report);
    }
}

int cede_run_attr(const struct cede_run_attr *attr, cede_task_fn *fn, void *arg)
{
    size_t stack_size = cede__stack_round(attr && attr->stack_size ? attr->stack_size : CEDE_STACK_DEFAULT);
    const struct cede_task_attr root = {.name = attr && attr->name ? attr->name : "main"};
    struct cede__worker *worker;
    struct cede__overflow overflow;
    struct cede_task *handle;
    struct cede__error *message = NULL;
    int result = -1, error;

    if (!fn || !stack_size) {
        errno = EINVAL;
        return -1;
    }
    if (cede__worker) {
        errno = EBUSY;
        return -1;
    }
    pthread_once(&complained, complain);
    cede__dump_start();
    cede__audit_start();
    cede__fork_start();
    if (cede__overflow_enter(&overflow) != 0)
        return -1;
    worker = claim_worker();
    if (!worker) {
        error = errno;
        cede__overflow_leave(&overflow);
        errno = error;
        return -1;
    }
    if (open_worker(worker, attr, stack_size) == 0) {
        cede__worker = worker;
        handle = cede_spawn_attr(&root, fn, arg);
        if (handle) {
            worker->root = cede__task_find(handle);
            run_all(worker);
            result = worker->root->done.result;
            if (result < 0) {
                errno = worker->root->done.error;
                message = worker->root->done.message;
            }
        }
        error = errno;
        cede__task_each(worker, forget, NULL); /* the first task's handle becomes stale, and with it the runtime's */
        cede__runtime_await_posts();
        cede__error_end(worker, message);
        cede__worker = NULL;
    } else {
        error = errno;
    }
    close_worker(worker);
    release_worker(worker);
    cede__overflow_leave(&overflow);
    errno = error;
    return result;
}

int cede_run(cede_task_fn *fn, void *arg)
{
    return cede_run_attr(NULL, fn, arg);
}
