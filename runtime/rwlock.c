/* SPDX-License-Identifier: MIT */
/* Locks for many readers or one writer, handed over in the order of coming; see cede/sync.h. */
#include <cede/sync.h>
#include <errno.h>

#include "sync.h"

enum { WRITER = 4, READER = 8 };

struct __attribute__((may_alias)) cede__rwlock {
    struct cede__sync sync; /* state: number of readers * READER, or WRITER. Nobody waits while it is 0 */
    uintptr_t holder;       /* cede__sync_self() of the writer, or of a reader that found the lock free and still has
                               it; 0: not known. Under BUSY */
};

_Static_assert(sizeof(struct cede__rwlock) <= sizeof(struct cede_rwlock), "struct cede_rwlock is too small");

static struct cede__rwlock *inside(struct cede_rwlock *lock)
{
    return (struct cede__rwlock *)lock->cede__private;
}

/* Lets in those whose turn it is: the first writer, or the readers before it. Under BUSY; returns the new state. */
static uintptr_t admit(struct cede__rwlock *lock, uintptr_t state, struct cede__list *taken)
{
    struct cede__sync_waiter *first;

    while ((first = cede__sync_first(&lock->sync)) && !(state & WRITER) && !(first->writes && state)) {
        cede__sync_take(&lock->sync);
        cede__list_append(taken, &first->link);
        if (!state)
            lock->holder = first->self;
        state += first->writes ? WRITER : READER;
    }
    return state;
}

static void leave_admitting(struct cede__rwlock *lock, uintptr_t state)
{
    struct cede__list taken = {0};

    if (__builtin_expect(cede__list_empty(&lock->sync.waiters), 1)) {
        cede__sync_leave(&lock->sync, state);
        return;
    }
    state = admit(lock, state, &taken);
    cede__sync_leave(&lock->sync, state);
    cede__sync_wake_all(&taken);
}

/* ---- lock ---- */

/* Whether one more may have the lock now: readers come after writers that wait already. */
static bool open_to(const struct cede__rwlock *lock, uintptr_t state, bool writes)
{
    return writes ? !state : !(state & WRITER) && cede__list_empty(&lock->sync.waiters);
}

/* Under BUSY, leaves. */
static void enter_lock(struct cede__rwlock *lock, uintptr_t state, bool writes)
{
    if (!state)
        lock->holder = cede__sync_self();
    cede__sync_leave(&lock->sync, state + (writes ? WRITER : READER));
}

static int try(struct cede__rwlock *lock, bool writes)
{
    uintptr_t state = cede__sync_enter(&lock->sync);

    if (open_to(lock, state, writes)) {
        enter_lock(lock, state, writes);
        return 0;
    }
    cede__sync_leave(&lock->sync, state);
    errno = EBUSY;
    return -1;
}

static int lock_as(struct cede__rwlock *lock, bool writes)
{
    uintptr_t state = cede__sync_enter(&lock->sync);
    struct cede__sync_waiter waiter;
    enum cede__wake reason;

    if (__builtin_expect(open_to(lock, state, writes), 1)) {
        enter_lock(lock, state, writes);
        return 0;
    }
    if (lock->holder == cede__sync_self()) {
        cede__sync_leave(&lock->sync, state);
        errno = EDEADLK;
        return -1;
    }
    cede__sync_waiter_init(&waiter, writes ? "rwlock to write" : "rwlock to read", lock);
    waiter.writes = writes;
    reason = cede__sync_wait(&lock->sync, &state, &waiter);
    if (reason == CEDE__WAKE_EVENT)
        return 0;
    leave_admitting(lock, state); /* a writer that gives up lets the readers behind it in */
    return cede__wait_errno(reason);
}

int cede_rwlock_rdlock(struct cede_rwlock *lock)
{
    return lock_as(inside(lock), false);
}

int cede_rwlock_wrlock(struct cede_rwlock *lock)
{
    return lock_as(inside(lock), true);
}

int cede_rwlock_tryrdlock(struct cede_rwlock *lock)
{
    return try(inside(lock), false);
}

int cede_rwlock_trywrlock(struct cede_rwlock *lock)
{
    return try(inside(lock), true);
}

/* ---- unlock ---- */

int cede_rwlock_unlock(struct cede_rwlock *lock)
{
    struct cede__rwlock *self = inside(lock);
    uintptr_t state = cede__sync_enter(&self->sync);
    bool holder = self->holder == cede__sync_self();

    if (!state || (state & WRITER && !holder)) {
        cede__sync_leave(&self->sync, state);
        errno = EPERM;
        return -1;
    }
    state -= state & WRITER ? WRITER : READER;
    if (holder || !state)
        self->holder = 0;
    leave_admitting(self, state);
    return 0;
}
