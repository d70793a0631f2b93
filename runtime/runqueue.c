/* SPDX-License-Identifier: MIT */
/* The run queue's memory; see runqueue.h. */
#include "runqueue.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

/* A ring of twice the size, or the first one, with the same tasks in it; NULL with errno ENOMEM. */
static struct cede__task **bigger(struct cede__task **ring, uint32_t *mask, uint32_t first, uint32_t end)
{
    uint32_t slots = ring ? 2 * (*mask + 1) : FIRST_SLOTS, at;
    struct cede__task **twice = malloc(slots * sizeof *twice);

    if (!twice)
        return NULL;
    for (at = first; at != end; at++)
        twice[at & (slots - 1)] = ring[at & *mask];
    free(ring);
    *mask = slots - 1;
    return twice;
}

void cede__runqueue_clear(struct cede__runqueue *queue)
{
    queue->head = queue->tail = queue->arrived = queue->starts = 0;
    queue->first = NULL;
    queue->turn.state = queue->nest.state = CEDE__TASK_NEW;
    queue->oldest = queue->newest = queue->nested_starts = queue->nested_passed = 0;
}

void cede__runqueue_free(struct cede__runqueue *queue)
{
    free(queue->ring);
    free(queue->nested);
    queue->ring = queue->nested = NULL;
}

int cede__runqueue_grow(struct cede__runqueue *queue)
{
    struct cede__task **ring = bigger(queue->ring, &queue->mask, queue->head, queue->tail);
    uint32_t at;

    if (!ring)
        return -1;
    for (at = queue->tail; at != queue->head + queue->mask + 1; at++)
        ring[at & queue->mask] = &queue->turn; /* for what fetches ahead */
    queue->ring = ring;
    return 0;
}

/* ---- depth first ---- */

static void push_front(struct cede__runqueue *queue, struct cede__task *task)
{
    if ((int32_t)(queue->arrived - queue->head) <= 0)
        queue->arrived = queue->head - 1; /* still nothing from outside that waits */
    queue->ring[--queue->head & queue->mask] = task;
}

int cede__runqueue_reserve_nested(struct cede__runqueue *queue)
{
    struct cede__task **nested;

    if (queue->nested && queue->newest - queue->oldest <= queue->nested_mask)
        return 0;
    nested = bigger(queue->nested, &queue->nested_mask, queue->oldest, queue->newest);
    if (!nested)
        return -1;
    queue->nested = nested;
    return 0;
}

void cede__runqueue_push_nested(struct cede__runqueue *queue, struct cede__task *task)
{
    if (queue->oldest == queue->newest)
        push_front(queue, &queue->nest);
    queue->nested[queue->newest++ & queue->nested_mask] = task;
}

struct cede__task *cede__runqueue_pop_nested(struct cede__runqueue *queue)
{
    struct cede__task *task;

    if (queue->nested_starts >= CEDE__RUNQUEUE_NEW_RUN && queue->tail - queue->head > 1) {
        queue->nested_starts = 0;
        queue->head++;
        cede__runqueue_push(queue, &queue->nest);
        queue->arrived = queue->tail; /* a crowd that starts in order is no reason to wait for all of it */
        return NULL;
    }
    queue->nested_starts++;
    if (++queue->nested_passed >= CEDE__RUNQUEUE_NESTED_RUN) {
        queue->nested_passed = 0;
        task = queue->nested[queue->oldest++ & queue->nested_mask];
    } else {
        task = queue->nested[--queue->newest & queue->nested_mask];
    }
    if (queue->oldest == queue->newest)
        queue->head++; /* where the nest stood */
    return task;
}

void cede__runqueue_to_front(struct cede__runqueue *queue, uint32_t before)
{
    while (queue->tail != before)
        push_front(queue, queue->ring[--queue->tail & queue->mask]);
}
