/* SPDX-License-Identifier: MIT */
/* Mutual exclusion, handed over in the order of coming; see cede/sync.h. */
#include "mutex.h"

#include <errno.h>

static const char name[] = "mutex"; /* the `what` of a wait */

static struct cede__mutex *inside(const struct cede_mutex *mutex)
{
    return (struct cede__mutex *)mutex->cede__private;
}

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
    return lock(inside(mutex), name);
}

int cede__mutex_lock(struct cede_mutex *mutex, const char *what)
{
    return lock(inside(mutex), what);
}

int cede_mutex_trylock(struct cede_mutex *mutex)
{
    struct cede__sync *sync = &inside(mutex)->sync;
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

/* The first who waits has it now. */
static __attribute__((noinline)) void hand_over(struct cede__sync *sync)
{
    struct cede__sync_waiter *next;

    cede__sync_enter(sync);
    next = cede__sync_take(sync);
    cede__sync_leave(sync, next ? next->self : 0);
    if (next)
        cede__sync_wake(next);
}

int cede_mutex_unlock(struct cede_mutex *mutex)
{
    struct cede__sync *sync = &inside(mutex)->sync;
    uintptr_t self = cede__sync_self();

    if (__builtin_expect(cede__sync_swap(sync, self, 0), 1))
        return 0;
    if (holder(cede__sync_peek(sync)) != self) {
        errno = EPERM;
        return -1;
    }
    hand_over(sync);
    return 0;
}

void cede__mutex_unlock(void *mutex)
{
    cede_mutex_unlock(mutex);
}

bool cede__mutex_held(const struct cede_mutex *mutex)
{
    return holder(cede__sync_peek(&inside(mutex)->sync)) == cede__sync_self();
}

void cede__mutex_queue(struct cede_mutex *mutex, struct cede__sync_waiter *waiter)
{
    struct cede__mutex *self = inside(mutex);
    uintptr_t state = cede__sync_enter(&self->sync);

    if (state) {
        note_threads(self, state, waiter);
        cede__sync_queue(&self->sync, waiter);
        cede__sync_leave(&self->sync, state);
    } else {
        waiter->taken = true;
        cede__sync_leave(&self->sync, waiter->self);
        cede__sync_wake(waiter);
    }
}

bool cede__mutex_withdraw(struct cede_mutex *mutex, struct cede__sync_waiter *waiter)
{
    uintptr_t state;

    if (!cede__sync_withdraw(&inside(mutex)->sync, &state, waiter))
        return false;
    cede__sync_leave(&inside(mutex)->sync, state);
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
