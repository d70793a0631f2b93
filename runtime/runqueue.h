/* SPDX-License-Identifier: MIT */
/*
 * The run queue: which tasks can run, in the order in which they became able to.
 *
 * Tasks that have a context stand in a ring. Those that have not started are linked in a list of their own, oldest
 * first, from which another worker may take some one day. What keeps the order between the two is the turn: a place in
 * the ring that stands for all that were spawned one after the other with nothing else pushed between them (a batch).
 * When it comes to the head it stays there until its batch has started.
 *
 * One thing is let pass. What comes from outside, by time, by an event, from another thread, may be late already, and a
 * batch may be a million tasks: after each NEW_RUN starts the turn goes to the end of the ring, if anything that came
 * from outside waits there. So neither waits for more than that many starts, or for more than one round of the ring.
 *
 * Those that are to start depth first (nested) stand in a deque of their own, and the newest is taken first. A place in
 * the ring stands for all of them, too: the nest. It is put at the head when the first of them comes, and so is whoever
 * waits for one that ends: to take the next one from the ring costs nothing more. After NEW_RUN of their starts the
 * nest goes to the end of the ring, if anything else can run; after NESTED_RUN, it is the oldest that starts.
 *
 * Not thread-safe: each worker has its own.
 */
#ifndef CEDE_RUNTIME_RUNQUEUE_H
#define CEDE_RUNTIME_RUNQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "task.h"

struct cede__runqueue {
    struct cede__task **ring;  /* a power of two of slots, always more than there are tasks */
    uint32_t head, tail, mask; /* head == tail: nothing can run; both go round; head goes back for what is put first */
    uint32_t arrived;          /* the tail after the last push of what came from outside */
    uint32_t starts;           /* since it was last asked whether to let pass what has arrived */
    struct cede__task *first, *last; /* have not started; NULL, anything: none. Linked through new_next */
    struct cede__task turn;    /* stands in the ring; its state is NEW, as no other's there but that of: */
    struct cede__task nest;    /* ... which stands there as long as there are any in: */
    struct cede__task **nested; /* have not started, are to start depth first; a power of two of slots, NULL: none */
    uint32_t oldest, newest, nested_mask; /* oldest == newest: empty; newest is one after the last, both go round */
    uint32_t nested_starts;    /* since others were let pass */
    uint32_t nested_passed;    /* starts since it was the oldest's turn */
};

enum {
    CEDE__RUNQUEUE_NEW_RUN = 64,
    CEDE__RUNQUEUE_NESTED_RUN = 4096, /* so many at least, for each may bring its children with it */
    CEDE__RUNQUEUE_PREFETCH_TASK = 24,    /* how far ahead a descriptor is fetched ... */
    CEDE__RUNQUEUE_PREFETCH_CONTEXT = 16, /* ... and then, as it has arrived, the stack that it points to */
    CEDE__RUNQUEUE_LINE_BYTES = 64,       /* of the cache */
};

/* Makes it empty; the ring stays. A ring that is NULL has no room. */
void cede__runqueue_clear(struct cede__runqueue *queue);
void cede__runqueue_free(struct cede__runqueue *queue);

/* Twice the ring. 0, or -1 with errno ENOMEM. */
int cede__runqueue_grow(struct cede__runqueue *queue);

/* Room for one more that is nested, besides that in the ring. 0, or -1 with errno ENOMEM. */
int cede__runqueue_reserve_nested(struct cede__runqueue *queue);

/* One that is NEW, to start depth first. There is room. */
void cede__runqueue_push_nested(struct cede__runqueue *queue, struct cede__task *task);

/* The nest comes first: takes the newest in it; NULL if others are let pass, which then come first. */
struct cede__task *cede__runqueue_pop_nested(struct cede__runqueue *queue);

/* What was pushed since the tail was `before` goes to the front, in this order. */
void cede__runqueue_to_front(struct cede__runqueue *queue, uint32_t before);

static inline bool cede__runqueue_has_room(const struct cede__runqueue *queue, uint32_t count)
{
    return __builtin_expect(queue->ring && count <= queue->mask, 1);
}

/* Room for `count` tasks. 0, or -1 with errno ENOMEM. */
static inline int cede__runqueue_reserve(struct cede__runqueue *queue, uint32_t count)
{
    return cede__runqueue_has_room(queue, count) ? 0 : cede__runqueue_grow(queue);
}

static inline bool cede__runqueue_empty(const struct cede__runqueue *queue)
{
    return queue->head == queue->tail;
}

/* Appends one that has a context. Never fails: there is room. */
static inline void cede__runqueue_push(struct cede__runqueue *queue, struct cede__task *task)
{
    queue->ring[queue->tail++ & queue->mask] = task;
}

/* Appends one that is NEW, and whose `ends_batch` is not set. */
static inline void cede__runqueue_push_new(struct cede__runqueue *queue, struct cede__task *task)
{
    struct cede__task *last = queue->last;

    if (!queue->first)
        queue->first = task;
    else
        cede__task_link_new(last, task);
    queue->last = task;
    if (!cede__runqueue_empty(queue) && queue->ring[(queue->tail - 1) & queue->mask] == &queue->turn)
        return;
    if (queue->first != task)
        last->start.ends_batch = true;
    cede__runqueue_push(queue, &queue->turn);
}

/* All that was pushed since the tail was `before` came from outside. To be called now and then in any case: it keeps
 * `arrived` from falling so far behind that the counters go round. */
static inline void cede__runqueue_arrived(struct cede__runqueue *queue, uint32_t before)
{
    if (queue->tail != before)
        queue->arrived = queue->tail;
    else if ((int32_t)(queue->arrived - queue->head) < 0)
        queue->arrived = queue->head;
}

/* Fetches what will be popped some switches from now. With many tasks, each descriptor and each stack is out of the
 * cache when its turn comes: a miss each on the TLB and the cache, 100 ns and more. Fetching them ahead hides most of
 * it; where few wait, all of theirs is in the cache. Always inline: gcc 12 takes a function that does nothing but
 * prefetch for one without any effect, and drops the call (tests/check_prefetch.sh). */
static inline __attribute__((always_inline)) void cede__runqueue_prefetch(const struct cede__runqueue *queue)
{
    uintptr_t context;

    if (queue->tail - queue->head <= CEDE__RUNQUEUE_PREFETCH_TASK)
        return;
    __builtin_prefetch(queue->ring[(queue->head + CEDE__RUNQUEUE_PREFETCH_TASK) & queue->mask]);
    context = (uintptr_t)queue->ring[(queue->head + CEDE__RUNQUEUE_PREFETCH_CONTEXT) & queue->mask]->run.context;
    /* What the switch pops, and the frames of those who called it: three lines wherever they begin within one. */
    __builtin_prefetch((void *)context);
    __builtin_prefetch((void *)(context + CEDE__RUNQUEUE_LINE_BYTES));
    __builtin_prefetch((void *)(context + 2 * CEDE__RUNQUEUE_LINE_BYTES));
}

/* Takes the oldest; NULL if there is none, or one that has not started comes first. */
static inline struct cede__task *cede__runqueue_pop_ready(struct cede__runqueue *queue)
{
    struct cede__task *task;

    if (__builtin_expect(cede__runqueue_empty(queue), 0))
        return NULL;
    task = queue->ring[queue->head & queue->mask];
    if (__builtin_expect(task->state == CEDE__TASK_NEW, 0))
        return NULL;
    cede__runqueue_prefetch(queue);
    queue->head++;
    return task;
}

/* Whether any that have not started are to start depth first. */
static inline bool cede__runqueue_has_nested(const struct cede__runqueue *queue)
{
    return __builtin_expect(queue->oldest != queue->newest, 0);
}

/* One that has not started comes first: takes it; NULL if others have to be let pass, which then come first. */
static inline struct cede__task *cede__runqueue_pop_new(struct cede__runqueue *queue)
{
    struct cede__task *task = queue->first;

    if (cede__runqueue_has_nested(queue) && queue->ring[queue->head & queue->mask] == &queue->nest)
        return cede__runqueue_pop_nested(queue);
    queue->head++;
    if (__builtin_expect(queue->starts++ >= CEDE__RUNQUEUE_NEW_RUN, 0)) {
        queue->starts = 0;
        if ((int32_t)(queue->arrived - queue->head) > 0) {
            cede__runqueue_push(queue, &queue->turn);
            return NULL;
        }
    }
    if (task == queue->last) {
        queue->first = NULL;
        return task;
    }
    queue->first = cede__task_linked_new(task);
    __builtin_prefetch(queue->first);
    if (!task->start.ends_batch)
        queue->head--; /* where the turn still stands */
    return task;
}

#endif
