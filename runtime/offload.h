/* SPDX-License-Identifier: MIT */
/*
 * Jobs for helper threads: what blocks its thread and cannot be made to park.
 *
 *     struct lookup { struct cede__job job; char *name; int answer; };         (from malloc)
 *     struct lookup *lookup = ...;
 *
 *     lookup->job = (struct cede__job){.what = "getaddrinfo", .run = ask, .release = lookup_free};
 *     if (cede__offload(&lookup->job) != 0)
 *         return -1;                   (ended early: lookup is no longer ours)
 *     ... use lookup->answer ...
 *     lookup_free(&lookup->job);
 *
 * The helpers are few, are started when they are needed, end when they have been idle for some seconds, and receive no
 * signals. They belong to no runtime and know nothing of tasks: in them every call of cede is a plain blocking one.
 *
 * A job that its task no longer waits for is an orphan: taken out of the queue if no helper has begun it, else left to
 * its helper. It then holds on to nothing but itself, so the runtime may end meanwhile.
 *
 * In a child of fork(2) there are no helpers and no jobs; those that were under way are not done there. A job that
 * forks goes on in the child, and if it returns there, its helper is the first of the child's; nobody awaits the job.
 */
#ifndef CEDE_RUNTIME_OFFLOAD_H
#define CEDE_RUNTIME_OFFLOAD_H

#include "sched.h"

enum cede__job_state { CEDE__JOB_AWAITED, CEDE__JOB_DONE, CEDE__JOB_ORPHAN };

struct cede__job {
    const char *what;                       /* for reports; static */
    void (*run)(struct cede__job *job);     /* on a helper thread, which it may block for as long as it likes */
    void (*release)(struct cede__job *job); /* frees an orphan: on a helper thread or on the worker's */

    /* Private to offload.c. */
    struct cede__remote remote;   /* in the worker's inbox, once it is done */
    struct cede__list link;       /* in the queue, until a helper begins it; guarded by the pool's lock */
    struct cede__worker *worker;
    struct cede__waiter *waiter;  /* the task that waits; NULL: it has what it waited for, or has given up.
                                     Touched by the worker's thread only */
    atomic_int state;             /* enum cede__job_state: where being done and giving up meet */
};

/*
 * Runs job->run(job) on a helper thread and parks the current task until it has returned. Outside a task: runs it in
 * place.
 *
 * Returns 0: it has run, and is the caller's again. -1 with errno ECANCELED, ETIMEDOUT or EINVAL as every wait, EAGAIN
 * (no helper thread could be started): it is not the caller's any more, and released as soon as nobody uses it.
 */
int cede__offload(struct cede__job *job);

#endif
