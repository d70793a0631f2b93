/* SPDX-License-Identifier: MIT */
/* The mutex, for the objects that are made of one. */
#ifndef CEDE_RUNTIME_MUTEX_H
#define CEDE_RUNTIME_MUTEX_H

#include <cede/sync.h>

#include "sync.h"

/* What lies in a struct cede_mutex. The state is cede__sync_self() of who holds it; 0: nobody. It is not 0 while
 * anybody waits: unlocking hands the mutex over. */
struct __attribute__((may_alias)) cede__mutex {
    struct cede__sync sync;
    bool shared; /* holder and waiters have been of different OS threads; under BUSY */
};

_Static_assert(sizeof(struct cede__mutex) <= sizeof(struct cede_mutex), "struct cede_mutex is too small");

static inline struct cede__mutex *cede__mutex_inside(const struct cede_mutex *mutex)
{
    return (struct cede__mutex *)mutex->cede__private;
}

/* cede_mutex_lock() that is reported as a wait in `what`. */
int cede__mutex_lock(struct cede_mutex *mutex, const char *what);

/* cede_mutex_unlock(), for cede_defer_push(): who holds it may call cede_exit(). */
void cede__mutex_unlock(void *mutex);

/* Whether the caller holds it. */
static inline bool cede__mutex_held(const struct cede_mutex *mutex)
{
    uintptr_t state = cede__sync_peek(&cede__mutex_inside(mutex)->sync);

    return (state & ~(uintptr_t)CEDE__SYNC_FLAGS) == cede__sync_self();
}

/* Hands the mutex to the first who waits for it. */
void cede__mutex_hand_over(struct cede__mutex *mutex);

/* cede_mutex_unlock() for who is known to hold it. */
static inline void cede__mutex_release(struct cede_mutex *mutex)
{
    if (!cede__sync_swap(&cede__mutex_inside(mutex)->sync, cede__sync_self(), 0))
        cede__mutex_hand_over(cede__mutex_inside(mutex));
}

/* Makes somebody who waits for something else, and is in no queue now, wait for the mutex instead: to be woken, perhaps
 * at once, holding it. */
void cede__mutex_queue(struct cede_mutex *mutex, struct cede__sync_waiter *waiter);

/* The waiter that cede__mutex_queue() has queued does not wait any longer: false if it was too late for this. */
bool cede__mutex_withdraw(struct cede_mutex *mutex, struct cede__sync_waiter *waiter);

#endif
