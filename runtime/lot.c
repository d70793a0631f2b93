/* SPDX-License-Identifier: MIT */
/*
 * Waiting at an address; see cede/lot.h.
 *
 * A table of queues, by a hash of the address; each queue is a struct cede__sync without any state of its own. The one
 * who waits enters the queue and then looks at the object again; the one who changes the object looks at the queue
 * afterwards: with a fence between the two steps on both sides, one of them sees the other.
 *
 * A signal handler may have interrupted the very code that has set BUSY in the queue, so cede_lot_post() never waits
 * for it: it leaves a note, `posted`, and whoever has set BUSY acts on it right after clearing it.
 */
#include "lot.h"

#include <cede/lot.h>
#include <string.h>

#include "sync.h"

enum { QUEUES_LOG2 = 8, QUEUES = 1 << QUEUES_LOG2 };

/* Process-wide: an object does not say whose it is. */
static struct queue {
    struct cede__sync sync;
    atomic_bool posted; /* cede_lot_post() found BUSY set */
} __attribute__((aligned(64))) queues[QUEUES];

struct lot_waiter {
    struct cede__sync_waiter waiter;
    const void *address;
    bool posted; /* CEDE_LOT_POSTED */
};

_Static_assert(sizeof(struct lot_waiter) <= sizeof(struct cede_lot_waiter), "struct cede_lot_waiter is too small");

static struct lot_waiter *inside(struct cede_lot_waiter *waiter)
{
    return (struct lot_waiter *)waiter->cede__private;
}

static struct queue *queue_of(const void *address)
{
    return &queues[(uintptr_t)address * (uintptr_t)0x9e3779b97f4a7c15 >> (sizeof(uintptr_t) * 8 - QUEUES_LOG2)];
}

/* Between what the caller has written and what it reads next. A program of one thread needs none. */
static inline void fence(void)
{
    if (cede__sched_other_threads())
        atomic_thread_fence(memory_order_seq_cst);
}

static inline bool is_empty(struct queue *queue)
{
    return !(__atomic_load_n(&queue->sync.state, __ATOMIC_RELAXED) & CEDE__SYNC_FLAGS);
}

/* ---- under BUSY ---- */

/* The waits at `address`, or with CEDE_LOT_POSTED if that is NULL: moves the first `most` to `taken`. */
static int take(struct queue *queue, const void *address, bool posted, unsigned most, struct cede__list *taken)
{
    struct cede__list *head = &queue->sync.waiters, *link, *next;
    struct lot_waiter *waiter;
    int count = 0;

    for (link = head->next; link && link != head && (unsigned)count < most; link = next) {
        next = link->next;
        waiter = CEDE__CONTAINER(link, struct lot_waiter, waiter.link);
        if ((address && waiter->address != address) || (posted && !waiter->posted))
            continue;
        cede__list_remove(link);
        waiter->waiter.taken = true;
        cede__list_append(taken, link);
        count++;
    }
    return count;
}

/* ---- from signal handlers ---- */

/* As cede__sync_wake_all(), from where the scheduler may have been interrupted. */
static void post_all(struct cede__list *taken)
{
    struct cede__list *link;

    while ((link = cede__list_take(taken)))
        cede__sync_post(CEDE__CONTAINER(link, struct cede__sync_waiter, link));
}

static bool try_enter(struct queue *queue)
{
    uintptr_t seen = __atomic_load_n(&queue->sync.state, __ATOMIC_RELAXED);

    if (seen & CEDE__SYNC_BUSY || !cede__sync_swap(&queue->sync, seen, seen | CEDE__SYNC_BUSY))
        return false;
    cede__sanitizer_acquire(&queue->sync);
    return true;
}

/* Acts on a note, unless somebody has set BUSY, who will. */
static void serve(struct queue *queue)
{
    struct cede__list taken = {0};

    fence();
    while (atomic_load_explicit(&queue->posted, memory_order_relaxed) && try_enter(queue)) {
        atomic_store_explicit(&queue->posted, false, memory_order_relaxed);
        take(queue, NULL, true, UINT32_MAX, &taken);
        cede__sync_leave(&queue->sync, 0);
        post_all(&taken);
        fence();
    }
}

static void leave(struct queue *queue)
{
    cede__sync_leave(&queue->sync, 0);
    serve(queue);
}

void cede_lot_post(const void *address)
{
    struct queue *queue = queue_of(address);
    struct cede__list taken = {0};

    fence();
    if (is_empty(queue))
        return;
    if (try_enter(queue)) {
        take(queue, address, true, 1, &taken);
        cede__sync_leave(&queue->sync, 0);
        post_all(&taken);
    } else {
        atomic_store_explicit(&queue->posted, true, memory_order_relaxed);
    }
    serve(queue);
}

/* ---- from tasks and threads ---- */

int cede_lot_able(void)
{
    struct cede__worker *worker = cede__worker;

    return worker && worker->current && worker->current != &worker->thread
           && worker->current->state == CEDE__TASK_RUNNING;
}

void cede_lot_enter(struct cede_lot_waiter *opaque, const void *address, const char *what, int flags)
{
    struct lot_waiter *waiter = inside(opaque);
    struct queue *queue = queue_of(address);

    if (cede_lot_able())
        cede__sync_waiter_init(&waiter->waiter, what, address);
    else
        cede__sync_waiter_init_thread(&waiter->waiter);
    waiter->address = address;
    waiter->posted = flags & CEDE_LOT_POSTED;
    waiter->waiter.wait.external = waiter->posted; /* a signal handler may end it: no deadlock */
    cede__sync_enter_marked(&queue->sync);
    cede__sync_leave_waiting(&queue->sync, 0, &waiter->waiter);
    serve(queue);
    fence();
}

/* Whether the waiter was in the queue still, and is not any more. */
static bool withdraw(struct lot_waiter *waiter)
{
    struct queue *queue = queue_of(waiter->address);
    uintptr_t state;
    bool in_time = cede__sync_withdraw(&queue->sync, &state, &waiter->waiter);

    if (in_time)
        leave(queue);
    else
        serve(queue);
    return in_time;
}

int cede_lot_leave(struct cede_lot_waiter *waiter)
{
    return !withdraw(inside(waiter));
}

int cede_lot_park(struct cede_lot_waiter *opaque, int64_t deadline_ns)
{
    struct lot_waiter *waiter = inside(opaque);
    enum cede__wake reason;

    if (waiter->waiter.settled) /* the wake has arrived already, and would not come again */
        return 0;
    reason = cede__sync_park_until(&waiter->waiter, deadline_ns);
    if (reason == CEDE__WAKE_EVENT || !withdraw(waiter))
        return 0;
    return cede__wait_errno(reason);
}

int cede_lot_wake(const void *address, unsigned most)
{
    struct queue *queue = queue_of(address);
    struct cede__list taken = {0};
    int count;

    fence();
    if (is_empty(queue))
        return 0;
    cede__sync_enter_marked(&queue->sync);
    count = take(queue, address, false, most, &taken);
    leave(queue);
    cede__sync_wake_all(&taken);
    return count;
}

int cede_lot_waited(const void *address)
{
    struct queue *queue = queue_of(address);
    struct cede__list *head = &queue->sync.waiters, *link;
    int waited = 0;

    cede__sync_enter_marked(&queue->sync);
    for (link = head->next; link && link != head && !waited; link = link->next)
        waited = CEDE__CONTAINER(link, struct lot_waiter, waiter.link)->address == address;
    leave(queue);
    return waited;
}

void cede__lot_forked(void)
{
    memset(queues, 0, sizeof queues);
}
