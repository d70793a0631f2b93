/* SPDX-License-Identifier: MIT */
/* The pool of helper threads; see offload.h. One for the process, as its threads serve the jobs of every runtime. */
#include "offload.h"

#include <cede/task.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "wait.h"

enum {
    /* Helpers wait for name servers and disks rather than compute, so their number has nothing to do with that of the
     * CPUs: few enough to cost nothing, and more than the two or three lookups of a dead name server that would hold
     * up all others for many seconds. */
    MAX_HELPERS = 16,
    IDLE_SECONDS = 5,
    /* Address space, hardly touched. The resolver's buffers need some 100 KiB, the modules of nsswitch.conf more. */
    STACK_BYTES = 512 << 10,
};

static struct {
    pthread_mutex_t lock; /* guards everything here, and link and state of every job */
    pthread_cond_t more;  /* a job has been queued */
    struct cede__list queue;
    unsigned queued;      /* jobs in it */
    unsigned helpers, idle;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

/* ---- the helper's side ---- */

static void deliver(struct cede__remote *remote)
{
    struct cede__job *job = CEDE__CONTAINER(remote, struct cede__job, remote);

    if (!job->waiter) {
        job->release(job);
        return;
    }
    cede__sched_wake(job->waiter, CEDE__WAKE_EVENT);
    job->waiter = NULL;
}

/* The oldest job; NULL if none has come for a while. Called, and returns, with the lock held. */
static struct cede__job *next_job(void)
{
    struct timespec until;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &until); /* the only clock that a static condition has; being set, it ends us early */
    until.tv_sec += IDLE_SECONDS;
    while (cede__list_empty(&pool.queue) && error == 0) {
        pool.idle++;
        error = pthread_cond_timedwait(&pool.more, &pool.lock, &until);
        pool.idle--;
    }
    if (cede__list_empty(&pool.queue))
        return NULL;
    pool.queued--;
    return CEDE__CONTAINER(cede__list_take(&pool.queue), struct cede__job, link);
}

static void *helper(void *unused)
{
    struct cede__job *job;
    bool orphan;

    (void)unused;
    pthread_mutex_lock(&pool.lock);
    while ((job = next_job())) {
        pthread_mutex_unlock(&pool.lock);
        job->run(job);
        pthread_mutex_lock(&pool.lock);
        orphan = job->state == CEDE__JOB_ORPHAN;
        job->state = CEDE__JOB_DONE;
        pthread_mutex_unlock(&pool.lock);
        /* Workers are never freed: this holds even if the runtime ends just now. */
        if (orphan)
            job->release(job);
        else
            cede__sched_post(job->worker, &job->remote);
        pthread_mutex_lock(&pool.lock);
    }
    pool.helpers--;
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* Starts one more, with the lock held. 0 or an error number. */
static int start_helper(void)
{
    sigset_t all, saved;
    pthread_attr_t attr;
    pthread_t thread;
    int error;

    error = pthread_attr_init(&attr);
    if (error)
        return error;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    /* A signal handler of the user's must not run on a thread that the user does not know of. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    error = pthread_create(&thread, &attr, helper, NULL);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    pthread_attr_destroy(&attr);
    pool.helpers += error == 0;
    return error;
}

/* ---- fork ---- */

static void before_fork(void)
{
    pthread_mutex_lock(&pool.lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&pool.lock);
}

/* The helpers exist in the parent only, and would be waited for in vain. */
static void after_fork_in_child(void)
{
    while (cede__list_take(&pool.queue))
        ;
    pool.queued = pool.helpers = pool.idle = 0;
    pool.more = (pthread_cond_t)PTHREAD_COND_INITIALIZER; /* the old one counts helpers that wait on it */
    pthread_mutex_unlock(&pool.lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* ---- the worker's side ---- */

static void dequeue(struct cede__job *job)
{
    cede__list_remove(&job->link);
    pool.queued--;
}

/* Queues the job and sees to it that a helper will come to it. 0 or an error number. */
static int submit(struct cede__job *job)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int error = 0;

    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&pool.lock);
    cede__list_append(&pool.queue, &job->link);
    pool.queued++;
    /* An idle helper may have been sent for already, but not have come yet: hence not just `idle == 0`. */
    if (pool.queued > pool.idle && pool.helpers < MAX_HELPERS)
        error = start_helper();
    if (pool.helpers > 0)
        error = 0; /* those there are will come to it */
    if (error)
        dequeue(job);
    else
        pthread_cond_signal(&pool.more);
    pthread_mutex_unlock(&pool.lock);
    return error;
}

/* The task does not wait any longer. */
static void abandon(struct cede__job *job)
{
    bool queued;

    job->waiter = NULL;
    pthread_mutex_lock(&pool.lock);
    queued = cede__list_linked(&job->link);
    if (queued)
        dequeue(job);
    else if (job->state == CEDE__JOB_AWAITED)
        job->state = CEDE__JOB_ORPHAN;
    pthread_mutex_unlock(&pool.lock);
    if (queued)
        job->release(job);
}

int cede__offload(struct cede__job *job)
{
    struct cede__waiter waiter = {.what = job->what, .subject = -1};
    struct cede__worker *worker = cede__worker;
    enum cede__wake reason;
    int error;

    if (!cede__in_task()) {
        job->run(job);
        return 0;
    }
    job->remote.deliver = deliver;
    job->link = (struct cede__list){0};
    job->worker = worker;
    job->waiter = &waiter;
    job->state = CEDE__JOB_AWAITED;
    error = cede_check() == 0 ? submit(job) : errno; /* not begun in vain */
    if (error) {
        job->release(job);
        errno = error;
        return -1;
    }
    worker->jobs++;
    reason = cede__wait(&waiter, INT64_MAX);
    worker->jobs--;
    if (!job->waiter) /* also if a cancel came a moment earlier: what is done keeps its result */
        return 0;
    abandon(job);
    return cede__wait_errno(reason);
}
