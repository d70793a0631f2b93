/* SPDX-License-Identifier: MIT */
/* Mutual exclusion, handed over in the order of coming; see cede/sync.h. */
#include "mutex.h"

#include <errno.h>

static const char name[] = "mutex"; /* the `what` of a wait */

/* Who holds it, in a state with or without the flags. */
static uintptr_t holder(uintptr_t state)
{
    return state & ~(uintptr_t)CEDE__SYNC_FLAGS;
}

/*
 * Notes whether holder and waiters are of different OS threads: then the holder may end the wait although all tasks
 * here wait. Once all are of one thread, handing over among them keeps it so; hence a look at the holder is enough.
 */
static bool note_threads(struct cede__mutex *mutex, uintptr_t state, const struct cede__sync_waiter *waiter)
{
    if (cede__sync_foreign(state, waiter))
        mutex->shared = true;
    return mutex->shared;
}

static __attribute__((noinline)) int lock_contended(struct cede__mutex *mutex, const char *what)
{
    struct cede__sync_waiter waiter;
    uintptr_t state = cede__sync_enter(&mutex->sync), self = cede__sync_self();

    if (!state) {
        cede__sync_leave(&mutex->sync, self);
        return 0;
    }
    if (state == self) {
        cede__sync_leave(&mutex->sync, state);
        errno = EDEADLK;
        return -1;
    }
    cede__sync_waiter_init(&waiter, what, mutex);
    waiter.wait.shared = note_threads(mutex, state, &waiter);
    return cede__sync_wait_errno(&mutex->sync, state, &waiter);
}

static inline int lock(struct cede__mutex *mutex, const char *what)
{
    if (__builtin_expect(cede__sync_swap(&mutex->sync, 0, cede__sync_self()), 1))
        return 0;
    return lock_contended(mutex, what);
}

int cede_mutex_lock(struct cede_mutex *mutex)
{
    return lock(cede__mutex_inside(mutex), name);
}

int cede__mutex_lock(struct cede_mutex *mutex, const char *what)
{
    return lock(cede__mutex_inside(mutex), what);
}

int cede_mutex_trylock(struct cede_mutex *mutex)
{
    struct cede__sync *sync = &cede__mutex_inside(mutex)->sync;
    uintptr_t state = holder(cede__sync_peek(sync));

    if (!state) {
        state = cede__sync_enter(sync);
        cede__sync_leave(sync, state ? state : cede__sync_self());
    }
    if (!state)
        return 0;
    errno = EBUSY;
    return -1;
}

void cede__mutex_hand_over(struct cede__mutex *mutex)
{
    struct cede__sync *sync = &mutex->sync;
    struct cede__sync_waiter *next;

    cede__sync_enter(sync);
    next = cede__sync_take(sync);
    cede__sync_leave(sync, next ? next->self : 0);
    if (next)
        cede__sync_wake(next);
}

int cede_mutex_unlock(struct cede_mutex *mutex)
{
    struct cede__sync *sync = &cede__mutex_inside(mutex)->sync;
    uintptr_t self = cede__sync_self();

    if (__builtin_expect(cede__sync_swap(sync, self, 0), 1))
        return 0;
    if (holder(cede__sync_peek(sync)) != self) {
        errno = EPERM;
        return -1;
    }
    cede__mutex_hand_over(cede__mutex_inside(mutex));
    return 0;
}

void cede__mutex_unlock(void *mutex)
{
    cede_mutex_unlock(mutex);
}

void cede__mutex_queue(struct cede_mutex *mutex, struct cede__sync_waiter *waiter)
{
    struct cede__mutex *self = cede__mutex_inside(mutex);
    uintptr_t state = cede__sync_enter(&self->sync);

    if (!state) {
        waiter->taken = true;
        cede__sync_leave(&self->sync, waiter->self);
        cede__sync_wake(waiter);
        return;
    }
    note_threads(self, state, waiter);
    cede__sync_leave_waiting(&self->sync, state, waiter);
}

bool cede__mutex_withdraw(struct cede_mutex *mutex, struct cede__sync_waiter *waiter)
{
    uintptr_t state;

    if (!cede__sync_withdraw(&cede__mutex_inside(mutex)->sync, &state, waiter))
        return false;
    cede__sync_leave(&cede__mutex_inside(mutex)->sync, state);
    return true;
}

/* ---- what cede_locked() expands to ---- */

struct cede__locked *cede__locked_enter(struct cede__locked *locked, struct cede_mutex *mutex)
{
    locked->mutex = cede_mutex_lock(mutex) == 0 ? mutex : NULL;
    if (!locked->mutex)
        return NULL;
    cede_defer_push(&locked->unlock, cede__mutex_unlock, mutex);
    return locked;
}

void cede__locked_leave(struct cede__locked *locked)
{
    if (locked->mutex)
        cede_defer_pop(&locked->unlock, 1);
}
