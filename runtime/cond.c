/* SPDX-License-Identifier: MIT */
/*
 * Condition variables; see cede/sync.h.
 *
 * A signal does not wake who waits: it moves the waiter to the queue of its mutex, which who signals mostly still
 * holds. The waiter wakes up once, holding the mutex.
 */
#include <cede/scope.h>
#include <errno.h>

#include "mutex.h"

_Static_assert(sizeof(struct cede__sync) <= sizeof(struct cede_cond), "struct cede_cond is too small");

struct cond_waiter {
    struct cede__sync_waiter waiter; /* in the queue of the condition, then of the mutex */
    struct cede_mutex *mutex;
    bool signalled;                  /* under BUSY of the condition: out of its queue, and about to be in the mutex' */
};

static struct cede__sync *inside(struct cede_cond *cond)
{
    return (struct cede__sync *)cond->cede__private;
}

/* Interrupted before any signal: the mutex is locked again, come what may. */
static int relock(struct cede_mutex *mutex, enum cede__wake reason)
{
    struct cede_scope shield;
    int result;

    cede_scope_shield(&shield);
    result = cede_mutex_lock(mutex);
    cede_scope_leave(&shield);
    if (result != 0) {
        errno = ENOTRECOVERABLE;
        return -1;
    }
    return cede__wait_errno(reason);
}

/* Interrupted after the signal, which is not lost: the wait for the mutex goes on. */
static int await_mutex(struct cond_waiter *self)
{
    struct cede_scope shield;
    enum cede__wake reason = CEDE__WAKE_EVENT;

    cede_scope_shield(&shield);
    if (!self->waiter.settled)
        reason = cede__sync_park(&self->waiter);
    cede_scope_leave(&shield);
    if (reason == CEDE__WAKE_EVENT || !cede__mutex_withdraw(self->mutex, &self->waiter))
        return 0;
    errno = ENOTRECOVERABLE;
    return -1;
}

int cede_cond_wait(struct cede_cond *cond, struct cede_mutex *mutex)
{
    struct cede__sync *sync = inside(cond);
    struct cond_waiter self;
    enum cede__wake reason;

    if (!cede__mutex_held(mutex)) {
        errno = EPERM;
        return -1;
    }
    cede__sync_waiter_init(&self.waiter, "cond", cond);
    self.mutex = mutex;
    self.signalled = false;
    cede__sync_enter(sync);
    cede__sync_leave_waiting(sync, 0, &self.waiter);
    cede__mutex_release(mutex);
    reason = cede__sync_park(&self.waiter);
    if (__builtin_expect(reason == CEDE__WAKE_EVENT, 1))
        return 0;
    cede__sync_enter(sync);
    if (!self.signalled)
        cede__list_remove(&self.waiter.link);
    cede__sync_leave(sync, 0);
    return self.signalled ? await_mutex(&self) : relock(mutex, reason);
}

/* Hands a signalled waiter on to its mutex. */
static void move(struct cede__list *link)
{
    struct cond_waiter *waiter = CEDE__CONTAINER(link, struct cond_waiter, waiter.link);

    cede__mutex_queue(waiter->mutex, &waiter->waiter);
}

/* Takes the first waiter out, which has the signal from now on; NULL if there is none. Under BUSY. */
static struct cede__list *take(struct cede__sync *sync)
{
    struct cede__list *link = cede__list_take(&sync->waiters);

    if (link)
        CEDE__CONTAINER(link, struct cond_waiter, waiter.link)->signalled = true;
    return link;
}

int cede_cond_signal(struct cede_cond *cond)
{
    struct cede__sync *sync = inside(cond);
    struct cede__list *first;

    if (!cede__sync_peek(sync))
        return 0;
    cede__sync_enter(sync);
    first = take(sync);
    cede__sync_leave(sync, 0);
    if (first)
        move(first);
    return 0;
}

int cede_cond_broadcast(struct cede_cond *cond)
{
    struct cede__sync *sync = inside(cond);
    struct cede__list signalled = {0}, *link;

    if (!cede__sync_peek(sync))
        return 0;
    cede__sync_enter(sync);
    while ((link = take(sync)))
        cede__list_append(&signalled, link);
    cede__sync_leave(sync, 0);
    while ((link = cede__list_take(&signalled)))
        move(link);
    return 0;
}
