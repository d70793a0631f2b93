/* SPDX-License-Identifier: MIT */
/* The table of task descriptors; see task.h. */
#include "task.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "sched.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct cede__task) == 128, "the documented size of a descriptor");

_Atomic(struct cede__task_chunk *) cede__task_chunks[CEDE__TASK_CHUNKS];
atomic_uint cede__task_chunk_count;

/* Handles are never NULL: serials start at 1. After 2^38 tasks in one descriptor they start again. */
static inline uint64_t advance(uint64_t handle)
{
    const uint64_t first = (uint64_t)1 << CEDE__TASK_INDEX_BITS, end = (uint64_t)1 << (64 - CEDE__REQUEST_BITS);

    handle += first;
    return __builtin_expect(handle < end, 1) ? handle : first | (handle & CEDE__TASK_INDEX_MASK);
}

static int add_chunk(struct cede__worker *worker)
{
    unsigned number = atomic_load(&cede__task_chunk_count), i;
    struct cede__task_chunk *chunk;

    /* Mapped, not allocated: it stays for the life of the process, and untouched pages cost nothing. */
    chunk = mmap(NULL, sizeof *chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) {
        errno = ENOMEM;
        return -1;
    }
    do {
        if (number == CEDE__TASK_CHUNKS) {
            munmap(chunk, sizeof *chunk);
            errno = EAGAIN;
            return -1;
        }
    } while (!atomic_compare_exchange_weak(&cede__task_chunk_count, &number, number + 1));
    for (i = CEDE__TASK_CHUNK_TASKS; i-- > 0;) {
        struct cede__task *task = &chunk->tasks[i];

        task->worker = worker;
        atomic_init(&task->handle, advance((uint64_t)number * CEDE__TASK_CHUNK_TASKS + i) | CEDE__TASK_HANDLE_FREE);
        task->next_free = worker->free_tasks;
        worker->free_tasks = task;
    }
    atomic_store_explicit(&cede__task_chunks[number], chunk, memory_order_release);
    return 0;
}

/* cede__task_new() where none is free. Not inline: the usual case saves no registers. */
static __attribute__((noinline)) struct cede__task *new_chunk(struct cede__worker *worker)
{
    return add_chunk(worker) == 0 ? cede__task_new(worker) : NULL;
}

struct cede__task *cede__task_new(struct cede__worker *worker)
{
    struct cede__task *task = worker->free_tasks;

    if (__builtin_expect(!task, 0))
        return new_chunk(worker);
    worker->free_tasks = task->next_free;
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

void cede__task_free(struct cede__task *task)
{
    uint64_t handle = atomic_load_explicit(&task->handle, memory_order_relaxed);

    if (task->state == CEDE__TASK_DONE && task->done.result < 0 && task->done.message)
        cede__task_forget_message(task);
    atomic_store_explicit(&task->handle, advance(handle) | CEDE__TASK_HANDLE_FREE, memory_order_relaxed);
    task->state = CEDE__TASK_FREE;
    task->next_free = task->worker->free_tasks;
    task->worker->free_tasks = task;
}

void cede__task_lose(struct cede__task *task)
{
    atomic_fetch_or_explicit(&task->handle, CEDE__TASK_HANDLE_FREE, memory_order_relaxed);
    task->state = CEDE__TASK_FREE;
}

void cede__task_each(struct cede__worker *worker, void (*visit)(struct cede__task *task, void *arg), void *arg)
{
    unsigned count = atomic_load(&cede__task_chunk_count), number, i;
    struct cede__task_chunk *chunk;

    for (number = 0; number < count; number++) {
        chunk = atomic_load_explicit(&cede__task_chunks[number], memory_order_acquire);
        if (!chunk || chunk->tasks[0].worker != worker) /* NULL: another worker is about to add it */
            continue;
        for (i = 0; i < CEDE__TASK_CHUNK_TASKS; i++)
            if (chunk->tasks[i].state != CEDE__TASK_FREE)
                visit(&chunk->tasks[i], arg);
    }
}
