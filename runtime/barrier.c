/* SPDX-License-Identifier: MIT */
/* Barriers; see cede/sync.h. */
#include <cede/sync.h>
#include <errno.h>

#include "sync.h"

struct __attribute__((may_alias)) cede__barrier {
    struct cede__sync sync; /* state: number of those that wait * CEDE__SYNC_ONE */
    unsigned count;         /* so many pass together; written by cede_barrier_init() only */
};

_Static_assert(sizeof(struct cede__barrier) <= sizeof(struct cede_barrier), "struct cede_barrier is too small");

static struct cede__barrier *inside(struct cede_barrier *barrier)
{
    return (struct cede__barrier *)barrier->cede__private;
}

int cede_barrier_init(struct cede_barrier *barrier, unsigned count)
{
    if (count == 0) {
        errno = EINVAL;
        return -1;
    }
    *inside(barrier) = (struct cede__barrier){.count = count};
    return 0;
}

int cede_barrier_wait(struct cede_barrier *barrier)
{
    struct cede__barrier *self = inside(barrier);
    struct cede__list taken = {0};
    struct cede__sync_waiter waiter;
    enum cede__wake reason;
    uintptr_t state;

    if (self->count == 0) {
        errno = EINVAL;
        return -1;
    }
    state = cede__sync_enter(&self->sync) + CEDE__SYNC_ONE;
    if (state / CEDE__SYNC_ONE == self->count) {
        cede__sync_take_all(&self->sync, &taken);
        cede__sync_leave(&self->sync, 0);
        cede__sync_wake_all(&taken);
        return 1;
    }
    cede__sync_waiter_init(&waiter, "barrier", barrier);
    reason = cede__sync_wait(&self->sync, &state, &waiter);
    if (reason == CEDE__WAKE_EVENT)
        return 0;
    cede__sync_leave(&self->sync, state - CEDE__SYNC_ONE);
    return cede__wait_errno(reason);
}
