/* SPDX-License-Identifier: MIT */
/*
 * The task descriptor, and the table that turns handles into descriptors.
 *
 * Descriptors live in chunks that are never unmapped, so that a stale handle can always be looked up safely, from any
 * thread; the table of chunks is one of cede's two process-wide tables. A chunk belongs to one worker for ever.
 */
#ifndef CEDE_RUNTIME_TASK_H
#define CEDE_RUNTIME_TASK_H

#include <cede/task.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "stack.h"

struct cede__worker;
struct cede__waiter;
struct cede__scope;
struct cede__locals;
struct cede__error;
struct cede__task;

enum cede__task_state {
    CEDE__TASK_FREE,    /* the descriptor is in the free list */
    CEDE__TASK_NEW,     /* spawned, in the run queue, has no stack; or just taken from there, about to run on one */
    CEDE__TASK_READY,   /* in the run queue, has a context */
    CEDE__TASK_RUNNING, /* the worker's current task */
    CEDE__TASK_PARKED,  /* `waiter` says on what */
    CEDE__TASK_DONE,    /* ended, waits to be joined */
};

/* Why the current wait, and every further one, has to fail. Ordered: where several hold, the highest is reported. */
enum cede__interrupt {
    CEDE__INTERRUPT_NONE,
    CEDE__INTERRUPT_TIMEOUT, /* a scope's deadline passed */
    CEDE__INTERRUPT_INVALID, /* a scope was given a negative duration */
    CEDE__INTERRUPT_CANCEL,
};

/* Work that another thread, or a signal handler, hands to a worker. Run on the worker's thread, in no task. */
struct cede__remote {
    struct cede__remote *next; /* in the worker's inbox */
    void (*deliver)(struct cede__remote *remote);
};

/* What a parent scope (a group) hears about a child; see `owner`. */
struct cede__owner {
    /* The child has ended, its result stands in `done`, its joiner has been woken; it is still linked. Afterwards, if
     * it is detached, it is freed: it must be in no list of the owner's then. Must not park. */
    void (*child_done)(struct cede__owner *owner, struct cede__task *child);
    struct cede__list children; /* through `sibling` */
};

/* What a task that has not started will run. */
struct cede__task_start {
    cede_task_fn *fn;
    void *arg;            /* the argument, or where a copy of the arguments waits if args_size != 0 */
    int64_t deadline_ns;  /* inherited; INT64_MAX: none */
    uint32_t args_size;
    uint32_t stack_units : 31; /* usable stack, in CEDE__TASK_STACK_UNIT */
    uint32_t ends_batch : 1;   /* see runqueue.h */
};

struct cede__task {
    union {
        struct cede__task_start start; /* NEW */
        struct { /* READY, RUNNING, PARKED */
            void *context;               /* valid while not RUNNING */
            struct cede__stack *stack;
            struct cede__waiter *waiter; /* the wait it is in; set by the task before it parks, valid while PARKED */
            struct cede__scope *scope;   /* innermost; the scopes lie on the task's stack */
        } run;
        struct { /* DONE; written before the state changes, so it lies over what a running task's dump does not need */
            int result;
            int error; /* errno, if result < 0 */
            struct cede__stack *unused;
            struct cede__error *message; /* if result < 0; NULL: none */
            uint32_t turn; /* the worker's `ends` when it ended: tells which of two did first. Written last */
        } done;
        struct cede__task *next_free; /* FREE */
    };
    struct cede__worker *worker; /* whose chunk this is; the only one that may touch the rest, but for `inbox` */
    const char *name;            /* never NULL but in FREE */
    _Atomic uint64_t handle;     /* serial (38 bits) << 24 | index; the serial is advanced when the task is freed;
                                  * task.c marks those of FREE descriptors */
    uint8_t state;               /* enum cede__task_state */
    uint8_t interrupt;           /* enum cede__interrupt: what holds for the innermost scope; kept by scope.c */
    bool cancelled;              /* cede_cancel() was called */
    bool detached : 1;
    bool depth_first : 1;        /* set when it is spawned; see runqueue.h */
    bool woken;                  /* cede_wake() was called and no cede_park() has seen it */
    uint32_t new_next : 24;      /* NEW: index of the next one that has not started; see runqueue.h */

    struct cede__remote remote;     /* in the worker's inbox while `requests` is not 0; see remote.c */
    _Atomic uint64_t requests;      /* from other threads: handle they mean << 2 | CEDE__REQUEST_*; 0: none */
    struct cede__waiter *joiner;    /* the wait of the task that joins this one */
    struct cede__owner *owner;      /* the group that it is a child of, or NULL */
    struct cede__list sibling;
    struct cede__locals *locals;    /* see local.c; NULL: none */
};

#define CEDE__TASK_STACK_UNIT ((size_t)4096)
#define CEDE__TASK_INDEX_BITS 24

enum {
    CEDE__TASK_CHUNK_TASKS = 1024,
    CEDE__TASK_CHUNKS = (1 << CEDE__TASK_INDEX_BITS) / CEDE__TASK_CHUNK_TASKS,
    CEDE__TASK_INDEX_MASK = (1 << CEDE__TASK_INDEX_BITS) - 1,
};

/* Set in `handle` while the descriptor is FREE, so that a handle to come cannot be guessed. */
#define CEDE__TASK_HANDLE_FREE ((uint64_t)1 << 63)

/* Nothing but tasks, so that it fills its pages. */
struct cede__task_chunk {
    struct cede__task tasks[CEDE__TASK_CHUNK_TASKS];
};

/* By index / CHUNK_TASKS. An entry is written once, before any handle into it exists. */
extern _Atomic(struct cede__task_chunk *) cede__task_chunks[CEDE__TASK_CHUNKS] __attribute__((visibility("hidden")));

/* How many chunks there are. A test makes believe that there are all that can be. */
extern atomic_uint cede__task_chunk_count;

enum { CEDE__REQUEST_WAKE = 1, CEDE__REQUEST_CANCEL = 2, CEDE__REQUEST_BITS = 2 };

/* A descriptor of this worker with a fresh handle, all zero but worker, handle, remote and requests, and `start`,
 * `name` and `state`, which the caller fills in; NULL with errno ENOMEM or EAGAIN. */
struct cede__task *cede__task_new(struct cede__worker *worker);

/* The same from its worker's `free_tasks`, where there is one. */
static inline struct cede__task *cede__task_take(struct cede__task **free)
{
    struct cede__task *task = *free;

    *free = task->next_free;
    atomic_store_explicit(&task->handle,
                          atomic_load_explicit(&task->handle, memory_order_relaxed) & ~CEDE__TASK_HANDLE_FREE,
                          memory_order_relaxed);
    task->interrupt = CEDE__INTERRUPT_NONE;
    task->cancelled = task->detached = task->depth_first = task->woken = false;
    task->joiner = NULL;
    task->owner = NULL;
    task->sibling = (struct cede__list){0};
    task->locals = NULL;
    return task;
}

/* The handle becomes stale, the descriptor is used again. */
void cede__task_free(struct cede__task *task);

/* Handles are never NULL: serials start at 1. After 2^38 tasks in one descriptor they start again. */
static inline uint64_t cede__task_next_handle(uint64_t handle)
{
    const uint64_t first = (uint64_t)1 << CEDE__TASK_INDEX_BITS;

    handle += first;
    return __builtin_expect(handle >> (64 - CEDE__REQUEST_BITS) == 0, 1) ? handle
                                                                         : first | (handle & CEDE__TASK_INDEX_MASK);
}

/* The same to its worker's `free_tasks`, for one that holds no message. */
static inline void cede__task_give(struct cede__task **free, struct cede__task *task)
{
    uint64_t handle = atomic_load_explicit(&task->handle, memory_order_relaxed);

    atomic_store_explicit(&task->handle, cede__task_next_handle(handle) | CEDE__TASK_HANDLE_FREE,
                          memory_order_relaxed);
    task->state = CEDE__TASK_FREE;
    task->next_free = *free;
    *free = task;
}

/* In a child of fork(2): the handle becomes stale, and the descriptor is never used again, for the stacks that are left
 * may hold waiters that point to it. */
void cede__task_lose(struct cede__task *task);

/* The task of a handle, or NULL with errno ESRCH. From another thread than the worker's, only its atomic members and
 * `worker` may be read. */
static inline struct cede__task *cede__task_find(struct cede_task *handle)
{
    uint64_t value = (uintptr_t)handle;
    struct cede__task_chunk *chunk;
    struct cede__task *task;

    chunk = atomic_load_explicit(&cede__task_chunks[(value & CEDE__TASK_INDEX_MASK) / CEDE__TASK_CHUNK_TASKS],
                                 memory_order_acquire);
    if (__builtin_expect(chunk != NULL, 1)) {
        task = &chunk->tasks[value % CEDE__TASK_CHUNK_TASKS];
        if (__builtin_expect(atomic_load_explicit(&task->handle, memory_order_relaxed) == value
                                 && !(value & CEDE__TASK_HANDLE_FREE), 1))
            return task;
    }
    errno = ESRCH;
    return NULL;
}

static inline struct cede_task *cede__task_handle(struct cede__task *task)
{
    return (struct cede_task *)(uintptr_t)atomic_load_explicit(&task->handle, memory_order_relaxed);
}

/* Links the next task that has not started to one such; both are of the same worker. */
static inline void cede__task_link_new(struct cede__task *task, struct cede__task *next)
{
    task->new_next = (uint32_t)atomic_load_explicit(&next->handle, memory_order_relaxed) & CEDE__TASK_INDEX_MASK;
}

static inline struct cede__task *cede__task_linked_new(const struct cede__task *task)
{
    uint32_t index = task->new_next;

    return &atomic_load_explicit(&cede__task_chunks[index / CEDE__TASK_CHUNK_TASKS], memory_order_relaxed)
                ->tasks[index % CEDE__TASK_CHUNK_TASKS];
}

/* To be called before the task's stack is given up, where its name may lie. */
static inline void cede__task_restore_name(struct cede__task *task)
{
    if (task->name == task->run.stack->name)
        task->name = task->run.stack->given_name;
}

/* What error.c must define: gives back the message of a task that is DONE. */
void cede__task_forget_message(struct cede__task *task);

/* Calls visit for every descriptor of the worker that is not FREE. visit may free the one it is given. */
void cede__task_each(struct cede__worker *worker, void (*visit)(struct cede__task *task, void *arg), void *arg);

#endif
