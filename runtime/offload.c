/* SPDX-License-Identifier: MIT */
/*
 * The pool of helper threads; see offload.h. One for the process, as its threads serve the jobs of every runtime.
 *
 * While jobs wait and a helper could be had, one is on its way to them: called, or being started. One and no more, for
 * if the jobs are short, who is there already has done them all before the next one comes; and if they are not, whoever
 * takes a job and leaves others behind sends for the next before it begins. So no job waits for another to end unless
 * all helpers are busy, and a hundred jobs that take no time cost a wake or two.
 */
#include "offload.h"

#include <cede/task.h>
#include <cede/time.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "sys.h"
#include "wait.h"

enum {
    /* Helpers wait for name servers and disks rather than compute, so their number has nothing to do with that of the
     * CPUs: few enough to cost nothing, and more than the two or three lookups of a dead name server that would hold
     * up all others for many seconds. */
    MAX_HELPERS = 16,
    /* Address space, hardly touched. The resolver's buffers need some 100 KiB, the modules of nsswitch.conf more. */
    STACK_BYTES = 512 << 10,
};

#define IDLE_NS (5 * CEDE_SECOND)

/* A helper, on its own stack. */
struct helper {
    struct cede__list link; /* among those that are idle; guarded by the pool's lock */
    uint32_t called;        /* a futex: not 0 once somebody has taken it from there; set under the lock */
};

static struct {
    pthread_mutex_t lock;     /* guards everything here, and the link of every job */
    struct cede__list queue;  /* jobs that nobody has begun */
    struct cede__list idle;   /* helpers that sleep, the last to do so first: its stack is warm, and who is never
                               * needed comes to its end */
    unsigned helpers;
    bool coming;              /* one has been called or started, and has not looked into the queue since */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool helping; /* the calling thread is a helper */

/* ---- sending for helpers ---- */

static void *help(void *unused);

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
    error = pthread_create(&thread, &attr, help, NULL);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    pthread_attr_destroy(&attr);
    pool.helpers += error == 0;
    return error;
}

/* Sees to it that a helper will come to the jobs that wait, with the lock held: *asleep is to be woken once it has been
 * let go; NULL: nobody is. 0 or an error number. */
static int send_for_helper(struct helper **asleep)
{
    struct cede__list *link;
    int error;

    *asleep = NULL;
    if (pool.coming || cede__list_empty(&pool.queue))
        return 0;
    link = cede__list_take(&pool.idle);
    if (link) {
        *asleep = CEDE__CONTAINER(link, struct helper, link);
        (*asleep)->called = 1;
    } else if (pool.helpers < MAX_HELPERS) {
        error = start_helper();
        if (error)
            return pool.helpers > 0 ? 0 : error; /* those there are will come to them */
    } else {
        return 0;
    }
    pool.coming = true;
    return 0;
}

/* It may have come by itself meanwhile, and be gone: everybody who sleeps on a futex has to cope with such a wake. */
static void wake(struct helper *asleep)
{
    if (asleep)
        cede__sys_futex_wake(&asleep->called);
}

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

static void do_job(struct cede__job *job)
{
    job->run(job);
    /* Workers are never freed: this holds even if the runtime ends just now. */
    if (atomic_exchange(&job->state, CEDE__JOB_DONE) == CEDE__JOB_ORPHAN)
        job->release(job);
    else
        cede__sched_post(job->worker, &job->remote);
}

/* Sleeps until it is called; false: nobody has for a while. Called, and returns, with the lock held. */
static bool sleep_until_called(struct helper *self)
{
    self->called = 0;
    cede__list_prepend(&pool.idle, &self->link);
    pthread_mutex_unlock(&pool.lock);
    cede__sys_futex_wait(&self->called, 0, IDLE_NS); /* a wake for nothing merely ends it early */
    pthread_mutex_lock(&pool.lock);
    if (!self->called) {
        cede__list_unlink(&self->link);
        return false;
    }
    pool.coming = false;
    return true;
}

static void *help(void *unused)
{
    struct helper self = {0}, *asleep;
    struct cede__list *link;

    (void)unused;
    helping = true;
    pthread_mutex_lock(&pool.lock);
    pool.coming = false;
    do {
        while ((link = cede__list_take(&pool.queue))) {
            send_for_helper(&asleep);
            pthread_mutex_unlock(&pool.lock);
            wake(asleep);
            do_job(CEDE__CONTAINER(link, struct cede__job, link));
            pthread_mutex_lock(&pool.lock);
        }
    } while (sleep_until_called(&self));
    pool.helpers--;
    pthread_mutex_unlock(&pool.lock);
    return NULL;
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

/* The helpers exist in the parent only, and would be waited for in vain. But for one whose job has forked: if that
 * returns, the helper looks for the next job, and in the end counts itself out. */
static void after_fork_in_child(void)
{
    while (cede__list_take(&pool.queue))
        ;
    pool.idle = (struct cede__list){0};
    pool.helpers = helping;
    pool.coming = false;
    pthread_mutex_unlock(&pool.lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* ---- the worker's side ---- */

/* Queues the job and sees to it that a helper will come to it. 0 or an error number. */
static int submit(struct cede__job *job)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct helper *asleep;
    int error;

    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&pool.lock);
    cede__list_append(&pool.queue, &job->link);
    error = send_for_helper(&asleep);
    if (error)
        cede__list_unlink(&job->link);
    pthread_mutex_unlock(&pool.lock);
    wake(asleep);
    return error;
}

/* The task does not wait any longer. */
static void abandon(struct cede__job *job)
{
    int awaited = CEDE__JOB_AWAITED;
    bool queued;

    job->waiter = NULL;
    pthread_mutex_lock(&pool.lock);
    queued = cede__list_linked(&job->link);
    cede__list_remove(&job->link);
    pthread_mutex_unlock(&pool.lock);
    if (queued)
        job->release(job);
    else
        atomic_compare_exchange_strong(&job->state, &awaited, CEDE__JOB_ORPHAN); /* else deliver() frees it */
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
    atomic_store_explicit(&job->state, CEDE__JOB_AWAITED, memory_order_relaxed);
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
