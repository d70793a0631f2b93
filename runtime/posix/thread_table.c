/* SPDX-License-Identifier: MIT */
/* The table of threads that are tasks, and their IDs; see thread.h. */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <stdlib.h>
#include <string.h>

enum {
    INDEX_BITS = 24,
    CHUNK_THREADS = 256,
    CHUNKS = (1 << INDEX_BITS) / CHUNK_THREADS,
};

bool cede__posix_threads;
struct cede__posix_thread cede__posix_thread_main = {.holders = 2};

/* Changed under the gate, and looked at without. */
static struct {
    struct cede__posix_thread *chunks[CHUNKS]; /* an entry is written once, before any thread in it is counted */
    struct cede__posix_thread *free;
    atomic_uint count;                         /* in the chunks */
    unsigned alive;                            /* threads that have not ended */
} table = {.alive = 1 /* main */};

static struct cede__posix_gate *gate(void)
{
    return cede__posix_gate(&table);
}

/* An ID: odd, then the index, then a serial number. */
static inline pthread_t first_id(unsigned index)
{
    return (pthread_t)1 << (INDEX_BITS + 1) | (pthread_t)index << 1 | 1;
}

static inline pthread_t next_id(pthread_t id)
{
    pthread_t next = id + ((pthread_t)1 << (INDEX_BITS + 1));

    return next >> (INDEX_BITS + 1) ? next : first_id((unsigned)(id >> 1) & ((1 << INDEX_BITS) - 1));
}

pthread_t cede__posix_main_id(void)
{
    return cede__posix_thread_main.id;
}

bool cede__posix_thread_is(pthread_t id)
{
    return cede__posix_threads && (id & 1 || id == cede__posix_thread_main.id);
}

void cede__posix_thread_enter_any(void)
{
    cede__posix_gate_enter(gate());
}

void cede__posix_thread_leave(void)
{
    cede__posix_gate_leave(gate());
}

/* A thread of any kind, or none, lies there; NULL: nothing does. */
static struct cede__posix_thread *place(unsigned index)
{
    return index < atomic_load(&table.count) ? &table.chunks[index / CHUNK_THREADS][index % CHUNK_THREADS] : NULL;
}

struct cede__posix_thread *cede__posix_thread_find(pthread_t id)
{
    struct cede__posix_thread *thread = NULL;

    if (id == cede__posix_thread_main.id)
        thread = &cede__posix_thread_main;
    else if (id & 1)
        thread = place((unsigned)(id >> 1) & ((1 << INDEX_BITS) - 1));
    return thread && atomic_load(&thread->id) == id && atomic_load(&thread->holders) > 0 ? thread : NULL;
}

struct cede__posix_thread *cede__posix_thread_at(unsigned index)
{
    return index == 0 ? &cede__posix_thread_main : place(index - 1);
}

bool cede__posix_thread_is_alive(const struct cede__posix_thread *thread)
{
    return atomic_load(&thread->holders) > 0 && thread->task && !atomic_load(&thread->ended);
}

struct cede__posix_thread *cede__posix_thread_enter(pthread_t id)
{
    struct cede__posix_thread *thread;

    cede__posix_thread_enter_any();
    thread = cede__posix_thread_find(id);
    if (!thread)
        cede__posix_thread_leave();
    return thread;
}

static int add_chunk(void)
{
    unsigned number = table.count / CHUNK_THREADS, i;
    struct cede__posix_thread *chunk = number < CHUNKS ? calloc(CHUNK_THREADS, sizeof *chunk) : NULL;

    if (!chunk)
        return -1;
    for (i = CHUNK_THREADS; i-- > 0;) {
        chunk[i].id = first_id(table.count + i);
        chunk[i].next_free = table.free;
        table.free = &chunk[i];
    }
    table.chunks[number] = chunk;
    table.count += CHUNK_THREADS;
    return 0;
}

struct cede__posix_thread *cede__posix_thread_make(void)
{
    struct cede__posix_thread *thread = NULL;
    pthread_t id;

    cede__posix_thread_enter_any();
    if (table.free || add_chunk() == 0) {
        thread = table.free;
        table.free = thread->next_free;
        id = next_id(thread->id);
        memset(thread, 0, sizeof *thread);
        thread->id = id;
        thread->holders = 2;
        table.alive++;
    }
    cede__posix_thread_leave();
    return thread;
}

void cede__posix_thread_drop(struct cede__posix_thread *thread)
{
    if (atomic_fetch_sub(&thread->holders, 1) > 1 || cede__posix_thread_is_main(thread))
        return;
    thread->next_free = table.free;
    table.free = thread;
}

bool cede__posix_thread_gone(void)
{
    return --table.alive == 0;
}

void cede__posix_thread_forked(const struct cede__posix_thread *survivor)
{
    struct cede__posix_thread *thread;
    unsigned i;

    for (i = 0; (thread = cede__posix_thread_at(i)); i++) {
        if (thread == survivor || thread->holders == 0)
            continue;
        thread->holders = 1;
        cede__posix_thread_drop(thread);
    }
    table.alive = 1;
}

#endif
