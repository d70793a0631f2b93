/* SPDX-License-Identifier: MIT */
/*
 * What mutexes, semaphores, events and their like have in common: a word of state, a queue of those that wait, be they
 * tasks or OS threads outside any runtime, and the hand-over from who ends a wait to who waits.
 *
 * One that may have to wait:                            One that ends waits:
 *
 *     state = cede__sync_enter(sync);                       state = cede__sync_enter(sync);
 *     if (has to wait) {                                    waiter = cede__sync_take(sync);
 *         cede__sync_waiter_init(&waiter, ...);             cede__sync_leave(sync, new state);
 *         reason = cede__sync_wait(sync, &state, &waiter);  if (waiter)
 *     }                                                         cede__sync_wake(waiter);
 *
 * The queue belongs to who has set BUSY in the word, a spin lock for a few instructions: nobody parks, allocates or
 * calls out while he has it. Where nobody waits, an operation is one compare-and-swap of the word and never gets here.
 * In a program of one thread BUSY is not even set, as libc does without in its own locks.
 *
 * From cede__sync_take() on, the waiter has what it waited for: a cancellation or a deadline that comes now is too late
 * for this wait. It also has to stay where it is (on the stack of the wait) until the wake has arrived: at once in the
 * same thread; for a task of another one, once that one's worker has delivered the post. A task whose wait is
 * interrupted takes itself out of the queue, or finds that it has been taken, and then awaits the wake all the same.
 */
#ifndef CEDE_RUNTIME_SYNC_H
#define CEDE_RUNTIME_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "sanitizer.h"
#include "wait.h"

/* The first member of every object. It lies in memory that the user has declared as something else: may_alias. */
struct __attribute__((may_alias)) cede__sync {
    uintptr_t state;           /* atomic; the lowest bits as below, the rest is the object's. While BUSY is set, only
                                  who has set it writes to it */
    struct cede__list waiters; /* oldest first; under BUSY */
};

enum {
    CEDE__SYNC_BUSY = 1,
    CEDE__SYNC_QUEUED = 2, /* the queue is not empty; kept by cede__sync_leave() */
    CEDE__SYNC_FLAGS = CEDE__SYNC_BUSY | CEDE__SYNC_QUEUED,
};

/* What is left for the objects: numbers, in steps of ONE, or aligned addresses. */
#define CEDE__SYNC_ONE ((uintptr_t)4)

/* One wait, on the stack of who waits. */
struct cede__sync_waiter {
    struct cede__list link;      /* in the queue, or in a list of those to be woken */
    uintptr_t self;              /* cede__sync_self() of who waits */
    struct cede__worker *worker; /* whose task; NULL: an OS thread outside any runtime */
    struct cede__waiter wait;    /* a task's */
    struct cede__remote remote;  /* a task's, on its way to the inbox of its worker */
    uint32_t woken;              /* atomic; a thread's futex: 1 once the wake has arrived: the last touch */
    bool taken;                  /* by who ends waits; under BUSY */
    bool settled;                /* a task's: the wake has arrived; only its own thread knows of this */
    bool writes;                 /* of a rwlock: waits for the right to write */
};

#define CEDE__SYNC_THREAD ((uintptr_t)4)

/* The caller: a task's descriptor, or an address that belongs to this OS thread with THREAD set. Never 0, a multiple of
 * 4, and unlike that of anybody else who is alive. */
static inline uintptr_t cede__sync_self(void)
{
    struct cede__worker *worker = cede__worker;

    return worker ? (uintptr_t)worker->current : (uintptr_t)&cede__worker | CEDE__SYNC_THREAD;
}

/* For fast paths: one compare-and-swap; false if the word was not `expected`. It costs more than all the rest of a
 * lock, so a program of one thread goes without, as in libc: signal handlers may not call us. */
static inline bool cede__sync_swap(struct cede__sync *sync, uintptr_t expected, uintptr_t desired)
{
    if (__atomic_load_n(&sync->state, __ATOMIC_RELAXED) != expected)
        return false;
    if (!cede__sched_other_threads()) {
        __atomic_store_n(&sync->state, desired, __ATOMIC_RELAXED);
        return true;
    }
    return __atomic_compare_exchange_n(&sync->state, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static inline uintptr_t cede__sync_peek(const struct cede__sync *sync)
{
    return __atomic_load_n(&sync->state, __ATOMIC_ACQUIRE);
}

/* Sets BUSY, waiting for it if need be: until cede__sync_leave(), the object is the caller's alone. Returns the state
 * without the flags. */
uintptr_t cede__sync_enter_contended(struct cede__sync *sync);

static inline uintptr_t cede__sync_enter_marked(struct cede__sync *sync)
{
    uintptr_t seen = __atomic_load_n(&sync->state, __ATOMIC_RELAXED);

    if (__builtin_expect(!(seen & CEDE__SYNC_BUSY) && cede__sync_swap(sync, seen, seen | CEDE__SYNC_BUSY), 1)) {
        cede__sanitizer_acquire(sync);
        return seen & ~(uintptr_t)CEDE__SYNC_FLAGS;
    }
    return cede__sync_enter_contended(sync);
}

/* The same for objects that no signal handler looks at: as long as there is one thread, nobody could look before
 * cede__sync_leave() whether BUSY is set. */
static inline uintptr_t cede__sync_enter(struct cede__sync *sync)
{
    if (cede__sched_other_threads())
        return cede__sync_enter_marked(sync);
    return __atomic_load_n(&sync->state, __ATOMIC_RELAXED) & ~(uintptr_t)CEDE__SYNC_FLAGS;
}

/* Clears BUSY, with a new state; the last touch of the object, which may be gone right afterwards. */
static inline void cede__sync_leave(struct cede__sync *sync, uintptr_t state)
{
    if (!cede__list_empty(&sync->waiters))
        state |= CEDE__SYNC_QUEUED;
    cede__sanitizer_release(sync);
    __atomic_store_n(&sync->state, state, __ATOMIC_RELEASE);
}

/* Describes a wait of the caller's: `what` and the object, for reports. */
static inline void cede__sync_waiter_init(struct cede__sync_waiter *waiter, const char *what, const void *object)
{
    struct cede__worker *worker = cede__worker;

    waiter->self = cede__sync_self();
    waiter->worker = worker;
    waiter->woken = 0;
    waiter->taken = waiter->settled = waiter->writes = false;
    /* As a whole, so that a new member begins as zero. */
    waiter->wait = (struct cede__waiter){
        .task = worker ? worker->current : NULL, .what = what, .subject = (intptr_t)object, .shared = true,
        .since_ns = worker ? worker->now_ns : 0};
}

/* The same for a thread that is to block, whatever else runs on it. */
static inline void cede__sync_waiter_init_thread(struct cede__sync_waiter *waiter)
{
    waiter->self = (uintptr_t)&cede__worker | CEDE__SYNC_THREAD;
    waiter->worker = NULL;
    waiter->woken = 0;
    waiter->taken = waiter->settled = waiter->writes = false;
}

/* Whether `self`, of a task or a thread, is of another OS thread than the waiter. */
static inline bool cede__sync_foreign(uintptr_t self, const struct cede__sync_waiter *waiter)
{
    return self & CEDE__SYNC_THREAD || ((const struct cede__task *)self)->worker != waiter->worker;
}

/* Adds a waiter to the queue, and leaves with a state that remains as it is. */
static inline void cede__sync_leave_waiting(struct cede__sync *sync, uintptr_t state, struct cede__sync_waiter *waiter)
{
    cede__list_append(&sync->waiters, &waiter->link);
    cede__sanitizer_release(sync);
    __atomic_store_n(&sync->state, state | CEDE__SYNC_QUEUED, __ATOMIC_RELEASE);
}

/* The oldest waiter, which stays in the queue, or NULL; under BUSY. */
static inline struct cede__sync_waiter *cede__sync_first(struct cede__sync *sync)
{
    return cede__list_empty(&sync->waiters)
               ? NULL
               : CEDE__CONTAINER(sync->waiters.next, struct cede__sync_waiter, link);
}

/* Ends the wait of the oldest waiter, or returns NULL; under BUSY. After cede__sync_leave() it is to be woken. */
static inline struct cede__sync_waiter *cede__sync_take(struct cede__sync *sync)
{
    struct cede__list *link = cede__list_take(&sync->waiters);
    struct cede__sync_waiter *waiter;

    if (!link)
        return NULL;
    waiter = CEDE__CONTAINER(link, struct cede__sync_waiter, link);
    waiter->taken = true;
    return waiter;
}

/* The same for all: the waiters are then in the list `taken`. */
void cede__sync_take_all(struct cede__sync *sync, struct cede__list *taken);

/* The wake has arrived at the task, which is of the calling thread. */
static inline void cede__sync_settle(struct cede__sync_waiter *waiter)
{
    waiter->settled = true;
    if (waiter->wait.task->state == CEDE__TASK_PARKED)
        cede__sched_wake_parked(cede__worker, &waiter->wait, CEDE__WAKE_EVENT);
}

/* Wakes one that has been taken, by way of the inbox in any case: for signal handlers, which may have interrupted the
 * scheduler. */
void cede__sync_post(struct cede__sync_waiter *waiter);

/* Wakes one that has been taken, or all that are in the list. The waiter may be gone afterwards. */
static inline void cede__sync_wake(struct cede__sync_waiter *waiter)
{
    if (__builtin_expect(!waiter->worker || waiter->worker != cede__worker, 0)) {
        cede__sync_post(waiter);
        return;
    }
    cede__sync_settle(waiter);
}

void cede__sync_wake_all(struct cede__list *taken);

/*
 * Adds the waiter to the queue, leaves the object, and waits. EVENT: it was taken, and nobody else knows the waiter any
 * more. Any other reason: it was not; it has left the queue, and the object is entered again, with *state.
 */
enum cede__wake cede__sync_wait(struct cede__sync *sync, uintptr_t *state, struct cede__sync_waiter *waiter);

/* The same for objects that have nothing to put right after an interrupted wait: 0, or -1 with errno. */
int cede__sync_wait_errno(struct cede__sync *sync, uintptr_t state, struct cede__sync_waiter *waiter);

/* The two halves of cede__sync_wait(). The first parks the task, or puts the thread to sleep, until woken (EVENT),
 * interrupted, or until deadline_ns (DEADLINE; INT64_MAX: none; absolute). The second follows an interruption: true if
 * it came in time, and then all is as above; false if the waiter had been taken, and then all is as after EVENT. */
enum cede__wake cede__sync_park_until(struct cede__sync_waiter *waiter, int64_t deadline_ns);

static inline __attribute__((always_inline)) enum cede__wake cede__sync_park(struct cede__sync_waiter *waiter)
{
    struct cede__worker *worker = waiter->worker;
    enum cede__wake reason;

    if (__builtin_expect(!worker, 0))
        return cede__sync_park_until(waiter, INT64_MAX);
    worker->shared += waiter->wait.shared;
    reason = cede__wait_inside(&waiter->wait);
    worker->shared -= waiter->wait.shared;
    return reason;
}

bool cede__sync_withdraw(struct cede__sync *sync, uintptr_t *state, struct cede__sync_waiter *waiter);

#endif
