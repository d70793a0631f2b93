/* SPDX-License-Identifier: MIT */
/*
 * Queues; see cede/queue.h.
 *
 * Elements lie in one array. For the oldest first it is a ring, for the newest first a stack, for priorities a binary
 * heap: an element's children, at 2i + 1 and 2i + 2, do not come before it.
 *
 * Between any two calls, tasks wait to get only while the queue is empty, and to put only while it is full. So whoever
 * puts can hand the element to a task that waits, in each of the orders; and whoever gets moves the element of a task
 * that waits into the place that he freed.
 */
#include <cede/queue.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "chan.h"

enum order { FIFO, LIFO, PRIORITY };

enum { FIRST_PLACES = 8 };

struct cede_queue {
    struct cede__list putters, getters, joiners; /* parties, oldest first */
    unsigned char *elements;
    size_t element_size;
    size_t limit;      /* SIZE_MAX: none */
    size_t places;     /* in the array */
    size_t count;
    size_t first;      /* FIFO: the oldest element's place; else 0 */
    size_t unfinished; /* put, but not yet done */
    cede_queue_compare_fn *compare;
    enum order order;
    bool shut;
};

/* ---- the elements ---- */

static inline unsigned char *at(const struct cede_queue *queue, size_t place)
{
    return queue->elements + place * queue->element_size;
}

static inline void move(const struct cede_queue *queue, size_t to, size_t from)
{
    cede__chan_copy(at(queue, to), at(queue, from), queue->element_size);
}

/* The place of the nth oldest. */
static inline size_t nth(const struct cede_queue *queue, size_t n)
{
    size_t place = queue->first + n;

    return place < queue->places ? place : place - queue->places;
}

/* 0, or -1 with errno ENOMEM. */
static __attribute__((noinline)) int grow(struct cede_queue *queue)
{
    size_t places = queue->places ? 2 * queue->places : FIRST_PLACES, bytes, wrapped;
    unsigned char *elements;

    if (places > queue->limit)
        places = queue->limit;
    if (__builtin_mul_overflow(places, queue->element_size, &bytes))
        return cede__chan_fail(ENOMEM);
    elements = realloc(queue->elements, bytes ? bytes : 1);
    if (!elements)
        return -1;
    queue->elements = elements;
    /* The array was full. What had wrapped round to its start comes behind its former end: there are at least as many
     * new places unless the limit cut them short, and then the older elements move up to the new end instead. */
    wrapped = queue->first;
    if (wrapped <= places - queue->places) {
        memcpy(at(queue, queue->places), elements, wrapped * queue->element_size);
    } else {
        queue->first += places - queue->places;
        memmove(at(queue, queue->first), at(queue, wrapped), (queue->places - wrapped) * queue->element_size);
    }
    queue->places = places;
    return 0;
}

/* Up from the end of the heap, past all that come after it. */
static void insert_heap(struct cede_queue *queue, const void *element)
{
    size_t hole = queue->count, parent;

    for (; hole; hole = parent) {
        parent = (hole - 1) / 2;
        if (queue->compare(element, at(queue, parent)) >= 0)
            break;
        move(queue, hole, parent);
    }
    cede__chan_copy(at(queue, hole), element, queue->element_size);
}

/* Closes the hole at the top of a heap that now has `count` elements, and one behind its end. */
static void remove_heap(struct cede_queue *queue)
{
    size_t hole = 0, child, count = queue->count;

    while ((child = 2 * hole + 1) < count) {
        if (child + 1 < count && queue->compare(at(queue, child + 1), at(queue, child)) < 0)
            child++;
        if (queue->compare(at(queue, child), at(queue, count)) >= 0)
            break;
        move(queue, hole, child);
        hole = child;
    }
    move(queue, hole, count);
}

/* There must be a place. */
static inline void insert(struct cede_queue *queue, const void *element)
{
    if (queue->order == PRIORITY)
        insert_heap(queue, element);
    else
        cede__chan_copy(at(queue, nth(queue, queue->count)), element, queue->element_size);
    queue->count++;
}

/* There must be an element. */
static inline void remove_next(struct cede_queue *queue, void *element)
{
    size_t place = queue->order == LIFO ? queue->count - 1 : queue->first;

    if (element)
        cede__chan_copy(element, at(queue, place), queue->element_size);
    queue->count--;
    if (queue->order == FIFO)
        queue->first = nth(queue, 1);
    else if (queue->order == PRIORITY)
        remove_heap(queue);
}

/* ---- without waiting ---- */

/* 0, or -1 with errno. EAGAIN: it would have to wait. */
static int try_put(struct cede_queue *queue, const void *element)
{
    struct cede__chan_party *getter;

    if (!queue || (!element && queue->element_size))
        return cede__chan_fail(EINVAL);
    if (queue->shut)
        return cede__chan_fail(EPIPE);
    getter = cede__chan_first(&queue->getters);
    if (getter) {
        if (!cede__chan_ours(getter))
            return cede__chan_fail(EPERM);
        if (getter->element)
            cede__chan_copy(getter->element, element, queue->element_size);
        cede__chan_finish(getter, CEDE__WAKE_EVENT);
    } else if (queue->count == queue->limit) {
        return cede__chan_fail(EAGAIN);
    } else if (queue->count == queue->places && grow(queue) != 0) {
        return -1;
    } else {
        insert(queue, element);
    }
    queue->unfinished++;
    return 0;
}

/* 1, 0, or -1 with errno. EAGAIN: it would have to wait. */
static int try_get(struct cede_queue *queue, void *element)
{
    struct cede__chan_party *putter;

    if (!queue)
        return cede__chan_fail(EINVAL);
    if (queue->count == 0)
        return queue->shut ? 0 : cede__chan_fail(EAGAIN);
    putter = cede__chan_first(&queue->putters);
    if (putter && !cede__chan_ours(putter))
        return cede__chan_fail(EPERM);
    remove_next(queue, element);
    if (putter) {
        insert(queue, putter->element);
        queue->unfinished++;
        cede__chan_finish(putter, CEDE__WAKE_EVENT);
    }
    return 1;
}

/* 0, or -1 with errno EPERM: some of them belong to another runtime. */
static int finish_all(struct cede__list *parties, enum cede__wake reason)
{
    struct cede__chan_party *party;

    while ((party = cede__chan_first(parties))) {
        if (!cede__chan_ours(party))
            return cede__chan_fail(EPERM);
        cede__chan_finish(party, reason);
    }
    return 0;
}

/* ---- the calls ---- */

static struct cede_queue *open_queue(size_t element_size, size_t limit, enum order order,
                                     cede_queue_compare_fn *compare)
{
    struct cede_queue *queue = malloc(sizeof *queue);

    /* Clang believes that malloc(3) leaves errno alone: a caller into which this is inlined would see what it was. */
    if (!queue)
        errno = ENOMEM;
    else
        *queue = (struct cede_queue){.element_size = element_size, .limit = limit ? limit : SIZE_MAX, .order = order,
                                     .compare = compare};
    return queue;
}

struct cede_queue *cede_queue_open(size_t element_size, size_t limit)
{
    return open_queue(element_size, limit, FIFO, NULL);
}

struct cede_queue *cede_queue_open_lifo(size_t element_size, size_t limit)
{
    return open_queue(element_size, limit, LIFO, NULL);
}

struct cede_queue *cede_queue_open_priority(size_t element_size, size_t limit, cede_queue_compare_fn *compare)
{
    if (!compare) {
        errno = EINVAL;
        return NULL;
    }
    return open_queue(element_size, limit, PRIORITY, compare);
}

int cede_queue_free(struct cede_queue *queue)
{
    if (!queue)
        return 0;
    if (cede__chan_first(&queue->putters) || cede__chan_first(&queue->getters) || cede__chan_first(&queue->joiners))
        return cede__chan_fail(EBUSY);
    free(queue->elements);
    free(queue);
    return 0;
}

int cede_queue_put(struct cede_queue *queue, const void *element)
{
    enum cede__wake reason;

    if (try_put(queue, element) == 0) {
        cede__chan_tick();
        return 0;
    }
    if (errno != EAGAIN)
        return -1;
    if (!cede__in_task())
        return cede__chan_fail(EPERM);
    reason = cede__chan_park(&queue->putters, (void *)element, "put into queue", queue);
    return reason == CEDE__WAKE_CLOSED ? cede__chan_fail(EPIPE) : cede__wait_errno(reason);
}

int cede_queue_get(struct cede_queue *queue, void *element)
{
    enum cede__wake reason;
    int got = try_get(queue, element);

    if (got > 0)
        cede__chan_tick();
    if (got >= 0 || errno != EAGAIN)
        return got;
    if (!cede__in_task())
        return cede__chan_fail(EPERM);
    reason = cede__chan_park(&queue->getters, element, "get from queue", queue);
    if (reason == CEDE__WAKE_EVENT)
        return 1;
    return reason == CEDE__WAKE_CLOSED ? 0 : cede__wait_errno(reason);
}

int cede_queue_try_put(struct cede_queue *queue, const void *element)
{
    return try_put(queue, element);
}

int cede_queue_try_get(struct cede_queue *queue, void *element)
{
    return try_get(queue, element);
}

int cede_queue_task_done(struct cede_queue *queue)
{
    if (!queue || queue->unfinished == 0)
        return cede__chan_fail(EINVAL);
    if (queue->unfinished == 1 && finish_all(&queue->joiners, CEDE__WAKE_EVENT) != 0)
        return -1;
    queue->unfinished--;
    return 0;
}

int cede_queue_join(struct cede_queue *queue)
{
    if (!queue)
        return cede__chan_fail(EINVAL);
    if (queue->unfinished == 0)
        return 0;
    if (!cede__in_task())
        return cede__chan_fail(EPERM);
    return cede__wait_errno(cede__chan_park(&queue->joiners, NULL, "join queue", queue));
}

int cede_queue_shutdown(struct cede_queue *queue, int immediate)
{
    if (!queue)
        return cede__chan_fail(EINVAL);
    if (finish_all(&queue->putters, CEDE__WAKE_CLOSED) != 0 || finish_all(&queue->getters, CEDE__WAKE_CLOSED) != 0)
        return -1;
    queue->shut = true;
    if (!immediate)
        return 0;
    /* What others got may still be under way. */
    queue->unfinished -= queue->count < queue->unfinished ? queue->count : queue->unfinished;
    queue->count = 0;
    return queue->unfinished ? 0 : finish_all(&queue->joiners, CEDE__WAKE_EVENT);
}

size_t cede_queue_length(const struct cede_queue *queue)
{
    return queue ? queue->count : 0;
}
