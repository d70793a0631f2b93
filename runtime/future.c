/* SPDX-License-Identifier: MIT */
/*
 * Futures; see cede/future.h. The state is DONE or 0. Once it is DONE, the outcome never changes, nobody waits, and no
 * callback is left.
 */
#include <cede/future.h>
#include <errno.h>

#include "sync.h"

enum { DONE = 4 };

/* Lies in memory that the user has declared as something else: may_alias. */
struct __attribute__((may_alias)) future {
    struct cede__sync sync;
    struct cede__list callbacks; /* struct callback, oldest first; under BUSY */
    intptr_t value;              /* the outcome: written once, before the state becomes DONE */
    int error;                   /* 0: it is `value` */
};

/* What lies in cede_future_callback.cede__private. */
struct __attribute__((may_alias)) callback {
    struct cede__list link; /* in the future's list, or in that of who is about to call it; else zero */
};

_Static_assert(sizeof(struct future) <= sizeof(struct cede_future), "struct cede_future is too small");
_Static_assert(sizeof(struct callback) <= sizeof ((struct cede_future_callback *)0)->cede__private,
               "struct cede_future_callback is too small");

static struct future *inside(const struct cede_future *future)
{
    return (struct future *)future->cede__private;
}

static struct cede__list *link_of(struct cede_future_callback *callback)
{
    return &((struct callback *)callback->cede__private)->link;
}

/* ---- the outcome comes ---- */

/* Each callback may be gone, or in another list, as soon as it is called. */
static void call_all(struct cede__list *callbacks, intptr_t value, int error)
{
    struct cede__list *link;
    struct cede_future_callback *callback;

    while ((link = cede__list_take(callbacks))) {
        callback = CEDE__CONTAINER(link, struct cede_future_callback, cede__private);
        callback->fn(callback->arg, value, error);
    }
}

static int complete(struct cede_future *object, intptr_t value, int error)
{
    struct future *future = inside(object);
    struct cede__list waiters = {0}, callbacks = {0};
    int saved = errno;

    if (cede__sync_enter(&future->sync)) {
        cede__sync_leave(&future->sync, DONE);
        errno = EALREADY;
        return -1;
    }
    future->value = value;
    future->error = error;
    cede__sync_take_all(&future->sync, &waiters);
    cede__list_move_all(&callbacks, &future->callbacks);
    cede__sync_leave(&future->sync, DONE);
    call_all(&callbacks, value, error);
    cede__sync_wake_all(&waiters);
    errno = saved;
    return 0;
}

int cede_future_set(struct cede_future *future, intptr_t value)
{
    return complete(future, value, 0);
}

int cede_future_fail(struct cede_future *future, int error)
{
    if (error <= 0) {
        errno = EINVAL;
        return -1;
    }
    return complete(future, 0, error);
}

int cede_future_cancel(struct cede_future *future)
{
    return complete(future, 0, ECANCELED);
}

/* ---- waiting for it ---- */

static int outcome(const struct future *future, intptr_t *value)
{
    if (future->error) {
        errno = future->error;
        return -1;
    }
    if (value)
        *value = future->value;
    return 0;
}

int cede_future_wait(struct cede_future *object, intptr_t *value)
{
    struct future *future = inside(object);
    struct cede__sync_waiter waiter;
    uintptr_t state;

    if (cede__sync_peek(&future->sync) & DONE)
        return outcome(future, value);
    state = cede__sync_enter(&future->sync);
    if (state & DONE) {
        cede__sync_leave(&future->sync, state);
        return outcome(future, value);
    }
    cede__sync_waiter_init(&waiter, "future", object);
    if (cede__sync_wait_errno(&future->sync, state, &waiter) != 0)
        return -1;
    return outcome(future, value);
}

int cede_future_trywait(struct cede_future *object, intptr_t *value)
{
    if (cede_future_done(object))
        return outcome(inside(object), value);
    errno = EAGAIN;
    return -1;
}

int cede_future_done(const struct cede_future *future)
{
    return (cede__sync_peek(&inside(future)->sync) & DONE) != 0;
}

int cede_future_cancelled(const struct cede_future *future)
{
    return cede_future_done(future) && inside(future)->error == ECANCELED;
}

/* ---- callbacks ---- */

int cede_future_callback_add(struct cede_future *object, struct cede_future_callback *callback)
{
    struct future *future = inside(object);
    struct cede__list now = {0};
    uintptr_t state;
    intptr_t value;
    int error, saved = errno;

    if (cede__list_linked(link_of(callback))) {
        errno = EBUSY;
        return -1;
    }
    state = cede__sync_enter(&future->sync);
    value = future->value;
    error = future->error;
    cede__list_append(state & DONE ? &now : &future->callbacks, link_of(callback));
    cede__sync_leave(&future->sync, state);
    call_all(&now, value, error);
    errno = saved;
    return 0;
}

int cede_future_callback_remove(struct cede_future *object, struct cede_future_callback *callback)
{
    struct future *future = inside(object);
    uintptr_t state = cede__sync_enter(&future->sync);
    bool in_time = !(state & DONE) && cede__list_linked(link_of(callback));

    if (in_time)
        cede__list_remove(link_of(callback));
    cede__sync_leave(&future->sync, state);
    if (in_time)
        return 0;
    errno = ENOENT;
    return -1;
}
