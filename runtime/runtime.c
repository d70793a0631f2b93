/* SPDX-License-Identifier: MIT */
/*
 * Tasks that come from other threads, and from signal handlers; see cede/runtime.h.
 *
 * The handle of a runtime is that of its first task, which nobody can join: its descriptor is freed when the runtime
 * has no tasks left, and takes no more posts but those it already has. Who ends the runtime then waits until nobody is
 * posting. So whatever is posted after the handle has been found good is delivered: as a task, or as a refusal.
 *
 * A signal handler may have interrupted anything, malloc(3) or this very code: so there is no lock here, and memory
 * comes from slabs in which a bit is set for each arrival that is in use.
 */
#include <cede/runtime.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "run.h"
#include "sys.h"

enum { SLAB_ARRIVALS = 64 };

/* A task from its cede_spawn_on() to its end. Belongs to the thread of the worker as soon as it is posted. */
struct arrival {
    struct slab *slab;
    struct cede__remote remote;
    struct cede__owner owner; /* hears of the end, in whatever way it comes; has no list of children */
    cede_task_fn *fn;
    void *arg;
    struct cede_future *future;
};

struct slab {
    struct slab *older;
    _Atomic uint64_t used; /* a bit for each arrival */
    struct arrival arrivals[SLAB_ARRIVALS];
};

static _Atomic(struct slab *) newest; /* slabs stay for ever */
static _Atomic(struct slab *) roomy;  /* where something was given back, or NULL */
static atomic_int posting;            /* how many are in the midst of cede_spawn_on() */

static struct arrival *take_from(struct slab *slab)
{
    uint64_t used = atomic_load_explicit(&slab->used, memory_order_relaxed);
    int bit = 0;

    while (~used) {
        bit = __builtin_ctzll(~used);
        if (atomic_compare_exchange_weak_explicit(&slab->used, &used, used | (uint64_t)1 << bit, memory_order_acquire,
                                                  memory_order_relaxed))
            break;
    }
    if (!~used)
        return NULL;
    slab->arrivals[bit].slab = slab;
    return &slab->arrivals[bit];
}

/* A new slab, whose first arrival is the caller's. NULL with errno ENOMEM. */
static struct arrival *take_from_new(void)
{
    /* By number, for an interceptor of ThreadSanitizer's would run pending handlers here. */
    long address = syscall(SYS_mmap, NULL, sizeof(struct slab), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                           -1L, 0L);
    struct slab *slab = (struct slab *)address;

    if (address == -1) {
        errno = ENOMEM;
        return NULL;
    }
    atomic_init(&slab->used, 1);
    slab->older = atomic_load_explicit(&newest, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&newest, &slab->older, slab, memory_order_release,
                                                  memory_order_relaxed))
        ;
    slab->arrivals[0].slab = slab;
    atomic_store(&roomy, slab);
    return &slab->arrivals[0];
}

static struct arrival *take(void)
{
    struct slab *slab = atomic_load(&roomy);
    struct arrival *arrival = slab ? take_from(slab) : NULL;

    for (slab = atomic_load(&newest); slab && !arrival; slab = slab->older)
        arrival = take_from(slab);
    return arrival ? arrival : take_from_new();
}

static void give_back(struct arrival *arrival)
{
    struct slab *slab = arrival->slab;

    atomic_fetch_and_explicit(&slab->used, ~((uint64_t)1 << (arrival - slab->arrivals)), memory_order_release);
    atomic_store(&roomy, slab);
}

void cede__runtime_await_posts(void)
{
    /* An exchange, as theirs: of two, the later one sees what came before the other. */
    while (atomic_fetch_add(&posting, 0))
        sched_yield();
}

void cede__runtime_forked(void)
{
    atomic_store(&posting, 0); /* the others are gone */
}

/* The last of an arrival. error: 0, or why there is no result. */
static void finish(struct arrival *arrival, int result, int error)
{
    struct cede_future *future = arrival->future;

    give_back(arrival);
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
        give_back(arrival); /* lost in a child of fork(2), where the thread that has the future may be lost as well */
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
    int saved = errno;

    if (!fn) {
        errno = EINVAL;
        return -1;
    }
    arrival = take();
    if (!arrival)
        return -1;
    arrival->remote.deliver = deliver;
    arrival->owner = (struct cede__owner){.child_done = ended};
    arrival->fn = fn;
    arrival->arg = arg;
    arrival->future = future;
    atomic_fetch_add(&posting, 1);
    first = cede__task_find((struct cede_task *)runtime);
    if (first)
        cede__sched_post(first->worker, &arrival->remote);
    atomic_fetch_sub(&posting, 1);
    errno = saved;
    if (first)
        return 0;
    give_back(arrival);
    errno = ESRCH;
    return -1;
}
