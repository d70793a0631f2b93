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
        atomic_init(&task->handle, CEDE__TASK_HANDLE_FREE
                                       | cede__task_next_handle((uint64_t)number * CEDE__TASK_CHUNK_TASKS + i));
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
    return __builtin_expect(worker->free_tasks != NULL, 1) ? cede__task_take(&worker->free_tasks) : new_chunk(worker);
}

void cede__task_free(struct cede__task *task)
{
    if (task->state == CEDE__TASK_DONE && task->done.result < 0 && task->done.message)
        cede__task_forget_message(task);
    cede__task_give(&task->worker->free_tasks, task);
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
