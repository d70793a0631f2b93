/* SPDX-License-Identifier: MIT */
/* The run queue's memory; see runqueue.h. */
#include "runqueue.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

void cede__runqueue_clear(struct cede__runqueue *queue)
{
    queue->head = queue->tail = queue->arrived = queue->starts = 0;
    queue->first = NULL;
    queue->turn.state = CEDE__TASK_NEW;
}

void cede__runqueue_free(struct cede__runqueue *queue)
{
    free(queue->ring);
    queue->ring = NULL;
}

int cede__runqueue_grow(struct cede__runqueue *queue)
{
    uint32_t slots = queue->ring ? 2 * (queue->mask + 1) : FIRST_SLOTS, at;
    struct cede__task **ring = malloc(slots * sizeof *ring);

    if (!ring)
        return -1;
    for (at = 0; at < slots; at++)
        ring[at] = &queue->turn;
    for (at = queue->head; at != queue->tail; at++)
        ring[at & (slots - 1)] = queue->ring[at & queue->mask];
    free(queue->ring);
    queue->ring = ring;
    queue->mask = slots - 1;
    return 0;
}
