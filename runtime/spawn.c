/* SPDX-License-Identifier: MIT */
/* Tasks from spawn to join; see cede/task.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "gen.h"
#include "local.h"
#include "scope.h"
#include "wait.h"

/* Arguments of cede_go() up to this size wait for their task in a recycled block; larger ones are allocated. */
enum { ARGS_BLOCK_BYTES = 64 };

struct cede__args_block {
    struct cede__args_block *next;
    _Alignas(16) char bytes[ARGS_BLOCK_BYTES];
};

static void *args_copy(struct cede__worker *worker, const void *args, size_t size)
{
    struct cede__args_block *block = worker->free_args;
    void *copy;

    if (size > ARGS_BLOCK_BYTES) {
        copy = malloc(size);
        return copy ? memcpy(copy, args, size) : NULL;
    }
    if (block)
        worker->free_args = block->next;
    else if (!(block = aligned_alloc(_Alignof(struct cede__args_block), sizeof *block)))
        return NULL;
    return memcpy(block->bytes, args, size);
}

static void args_free(struct cede__worker *worker, void *copy, size_t size)
{
    struct cede__args_block *block;

    if (size > ARGS_BLOCK_BYTES) {
        free(copy);
        return;
    }
    block = CEDE__CONTAINER(copy, struct cede__args_block, bytes);
    block->next = worker->free_args;
    worker->free_args = block;
}

/* ---- the task runs ---- */

/* The frame in which the arguments lie, left when the task ends: the next one on this stack starts from the top
 * again. */
static __attribute__((noinline)) int call_with_args(struct cede__worker *worker, cede_task_fn *fn, void *copy,
                                                    uint32_t size)
{
    void *args = __builtin_alloca_with_align(size, 128 /* bits */);

    memcpy(args, copy, size);
    args_free(worker, copy, size);
    return fn(args);
}

static inline int call(struct cede__worker *worker, cede_task_fn *fn, void *arg, uint32_t args_size)
{
    return args_size ? call_with_args(worker, fn, arg, args_size) : fn(arg);
}

/* The scope that holds an inherited deadline lies here, around the whole task. */
static __attribute__((noinline)) int call_until(struct cede__worker *worker, int64_t deadline_ns, cede_task_fn *fn,
                                                void *arg, uint32_t args_size)
{
    struct cede__scope inherited;
    int result;

    cede__scope_open(worker, &inherited, deadline_ns);
    result = call(worker, fn, arg, args_size);
    cede__scope_close(worker, &inherited);
    return result;
}

int cede__sched_body(struct cede__worker *worker, struct cede__task *task, struct cede__stack *stack)
{
    const struct cede__task_start start = task->start; /* which lies where `run` does */

    task->run.context = NULL;
    task->run.stack = stack;
    task->run.waiter = NULL;
    task->run.scope = NULL;
    atomic_signal_fence(memory_order_release); /* a dump from a signal handler must not see half of it */
    task->state = CEDE__TASK_RUNNING;
    /* Passed one by one: as long as nobody has the address of `start`, it is four registers. */
    return start.deadline_ns == INT64_MAX ? call(worker, start.fn, start.arg, start.args_size)
                                          : call_until(worker, start.deadline_ns, start.fn, start.arg, start.args_size);
}

void cede__sched_unstarted(struct cede__worker *worker, const struct cede__task_start *start)
{
    if (start->args_size)
        args_free(worker, start->arg, start->args_size);
}

/* ---- spawn ---- */

/* The descriptor is a task from now on: into the run queue. */
static inline struct cede_task *launch(struct cede__worker *worker, struct cede__task *task, const char *name,
                                       bool depth_first)
{
    task->name = name;
    task->state = CEDE__TASK_NEW;
    /* At the end of a run every task is cancelled once. What a cancelled one still spawns must not escape that, or the
     * end might never come; what a shielded clean-up spawns is that clean-up's affair. */
    if (__builtin_expect(worker->ending, 0) && worker->current->interrupt == CEDE__INTERRUPT_CANCEL) {
        task->cancelled = true;
        task->interrupt = CEDE__INTERRUPT_CANCEL;
    }
    worker->live++;
    if (depth_first)
        cede__runqueue_push_nested(&worker->queue, task);
    else
        cede__runqueue_push_new(&worker->queue, task);
    return cede__task_handle(task);
}

/* Inline, so that what the caller does not have is not asked for. */
static inline __attribute__((always_inline)) struct cede_task *spawn(const struct cede_task_attr *attr,
                                                                     const char *name, cede_task_fn *fn,
                                                                     const void *args, size_t args_size)
{
    struct cede__worker *worker = cede__worker;
    bool depth_first = attr && attr->depth_first;
    size_t stack_size;
    struct cede__task *task;
    void *arg = (void *)args;

    if (!worker || !worker->current) {
        errno = EPERM;
        return NULL;
    }
    stack_size = attr && attr->stack_size ? cede__stack_round(attr->stack_size) : worker->stack_size;
    if (!fn || !stack_size || args_size > stack_size / 2) {
        errno = EINVAL;
        return NULL;
    }
    if (cede__sched_reserve(worker) != 0
        || (depth_first && cede__runqueue_reserve_nested(&worker->queue) != 0)
        || !(task = cede__task_new(worker)))
        return NULL;
    if (args_size && !(arg = args_copy(worker, args, args_size))) {
        cede__task_free(task);
        return NULL;
    }
    if (worker->current->locals && cede__local_inherit(worker->current, &task->locals) != 0) {
        if (args_size)
            args_free(worker, arg, args_size);
        cede__task_free(task);
        return NULL;
    }
    task->start = (struct cede__task_start){
        .fn = fn,
        .arg = arg,
        .deadline_ns = worker->current->run.scope ? cede__scope_deadline(worker->current) : INT64_MAX,
        .args_size = (uint32_t)args_size,
        .stack_units = (uint32_t)(stack_size / CEDE__TASK_STACK_UNIT),
    };
    task->detached = attr && attr->detached;
    task->depth_first = depth_first;
    return launch(worker, task, attr && attr->name ? attr->name : name, depth_first);
}

struct cede_task *cede_spawn_attr(const struct cede_task_attr *attr, cede_task_fn *fn, void *arg)
{
    return spawn(attr, "task", fn, arg, 0);
}

struct cede_task *cede_spawn(cede_task_fn *fn, void *arg)
{
    struct cede__worker *worker = cede__worker;
    struct cede__task *task;

    /* As a rule there is room for it and nothing to inherit: then nothing is called, so no register has to be saved. */
    if (__builtin_expect(!cede__in_task() || !worker->current || !fn || !cede__sched_has_room(worker)
                             || worker->current->locals || worker->current->run.scope, 0))
        return cede_spawn_attr(NULL, fn, arg);
    task = cede__task_take(&worker->free_tasks);
    task->start = (struct cede__task_start){
        .fn = fn, .arg = arg, .deadline_ns = INT64_MAX,
        .stack_units = (uint32_t)(worker->stack_size / CEDE__TASK_STACK_UNIT),
    };
    return launch(worker, task, "task", false);
}

struct cede_task *cede__task_go(const char *name, cede_task_fn *fn, const void *args, size_t args_size,
                                const struct cede_task_attr *attr)
{
    return spawn(attr, name, fn, args, args_size);
}

/* ---- join ---- */

/* The task of a handle, if it is one of the caller's own runtime; else NULL with errno. Inline, as reap() is: a call is
 * dear beside the rest of a join. */
static inline __attribute__((always_inline)) struct cede__task *find_own(struct cede_task *handle)
{
    struct cede__task *task = cede__task_find(handle);

    if (!task)
        return NULL;
    if (!cede__in_task() || task->worker != cede__worker) {
        errno = EPERM;
        return NULL;
    }
    __asm__("" : "+r"(task)); /* an address, no longer a chunk and an index of which it is computed again and again */
    return task;
}

static const char joining[] = "join"; /* the `what` of a join; its subject is the joined task */

/* Whether `task` is, or waits through a chain of joins for, the current task. */
static bool waits_for_current(const struct cede__task *task)
{
    const struct cede__task *self = cede__worker->current;
    const struct cede__waiter *waiter;

    while (task != self) {
        if (task->state != CEDE__TASK_PARKED)
            return false;
        waiter = task->run.waiter;
        if (waiter->what != joining)
            return false;
        task = (struct cede__task *)waiter->subject;
    }
    return true;
}

/* Takes the result of a task that has ended. */
static inline __attribute__((always_inline)) int reap(struct cede__task *task, int *result)
{
    int value = task->done.result, error = task->done.error;

    if (value < 0)
        cede__error_hear(task->worker, task->done.message);
    cede__list_remove(&task->sibling); /* of a group's child */
    cede__task_give(&task->worker->free_tasks, task);
    if (result)
        *result = value;
    if (value < 0)
        errno = error;
    return 0;
}

/* Why `task` cannot be joined: always -1, with errno. */
static __attribute__((noinline)) int refuse_join(struct cede__task *task)
{
    /* First: it is the graver mistake, also where another joins the task already. */
    errno = waits_for_current(task) ? EDEADLK : EINVAL;
    return -1;
}

int cede_join(struct cede_task *handle, int *result)
{
    struct cede__task *task = find_own(handle);
    struct cede__waiter waiter;
    enum cede__wake reason;

    if (!task)
        return -1;
    if (__builtin_expect(task->detached || task->joiner || waits_for_current(task), 0))
        return refuse_join(task);
    if (task->state != CEDE__TASK_DONE) {
        waiter = (struct cede__waiter){.what = joining, .subject = (intptr_t)task};
        task->joiner = &waiter;
        reason = cede__wait_inside(&waiter);
        task->joiner = NULL;
        if (reason != CEDE__WAKE_EVENT)
            return cede__wait_errno(reason);
    }
    return reap(task, result);
}

int cede_tryjoin(struct cede_task *handle, int *result)
{
    struct cede__task *task = find_own(handle);

    if (!task)
        return -1;
    if (!task->detached && !task->joiner && task->state == CEDE__TASK_DONE)
        return reap(task, result);
    errno = task == cede__worker->current ? EDEADLK : task->detached || task->joiner ? EINVAL : EBUSY;
    return -1;
}

int cede_await(struct cede_task *handle)
{
    int result;

    return cede_join(handle, &result) == 0 ? result : -1;
}

int cede_detach(struct cede_task *handle)
{
    struct cede__task *task = find_own(handle);

    if (!task)
        return -1;
    if (task->detached || task->joiner) {
        errno = EINVAL;
        return -1;
    }
    if (task->state == CEDE__TASK_DONE) {
        cede__list_remove(&task->sibling); /* of a group's child */
        cede__task_free(task);
    } else {
        task->detached = true;
    }
    return 0;
}

/* ---- about oneself ---- */

/* NULL where the scheduler has nobody running: in what it calls back, and in a signal handler that comes then. */
static struct cede__task *running_task(void)
{
    struct cede__task *current = cede__in_task() ? cede__worker->current : NULL;

    return current && current->state == CEDE__TASK_RUNNING ? current : NULL;
}

struct cede_task *cede_self(void)
{
    struct cede__task *running = running_task();

    return running ? cede__task_handle(running) : NULL;
}

const char *cede_name(void)
{
    const struct cede__task *running = running_task();

    return running ? running->name : NULL;
}

int cede_name_set(const char *name)
{
    struct cede__stack *stack;

    if (!name) {
        errno = EINVAL;
        return -1;
    }
    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    stack = cede__gen_task_stack(cede__worker->current);
    if (cede__worker->current->name != stack->name)
        stack->given_name = cede__worker->current->name;
    strncpy(stack->name, name, sizeof stack->name - 1);
    stack->name[sizeof stack->name - 1] = '\0';
    cede__worker->current->name = stack->name;
    return 0;
}
