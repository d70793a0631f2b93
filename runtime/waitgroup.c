/* SPDX-License-Identifier: MIT */
/* Wait groups; see cede/sync.h. The state is the count * ONE; nobody waits while it is 0. */
#include <cede/sync.h>
#include <errno.h>

#include "sync.h"

_Static_assert(sizeof(struct cede__sync) <= sizeof(struct cede_waitgroup), "struct cede_waitgroup is too small");
_Static_assert(CEDE_WAITGROUP_MAX <= UINTPTR_MAX / CEDE__SYNC_ONE, "the greatest count fits into a state");

static struct cede__sync *inside(const struct cede_waitgroup *group)
{
    return (struct cede__sync *)group->cede__private;
}

int cede_waitgroup_add(struct cede_waitgroup *group, unsigned count)
{
    struct cede__sync *sync = inside(group);
    uintptr_t state = cede__sync_enter(sync);

    if (count > CEDE_WAITGROUP_MAX - state / CEDE__SYNC_ONE) {
        cede__sync_leave(sync, state);
        errno = EOVERFLOW;
        return -1;
    }
    cede__sync_leave(sync, state + count * CEDE__SYNC_ONE);
    return 0;
}

int cede_waitgroup_done(struct cede_waitgroup *group)
{
    struct cede__sync *sync = inside(group);
    struct cede__list taken = {0};
    uintptr_t state = cede__sync_enter(sync);

    if (state == 0) {
        cede__sync_leave(sync, state);
        errno = EINVAL;
        return -1;
    }
    state -= CEDE__SYNC_ONE;
    if (state == 0)
        cede__sync_take_all(sync, &taken);
    cede__sync_leave(sync, state);
    cede__sync_wake_all(&taken);
    return 0;
}

int cede_waitgroup_count(const struct cede_waitgroup *group)
{
    return (int)(cede__sync_peek(inside(group)) / CEDE__SYNC_ONE);
}

int cede_waitgroup_wait(struct cede_waitgroup *group)
{
    struct cede__sync *sync = inside(group);
    struct cede__sync_waiter waiter;
    uintptr_t state;

    if (cede__sync_peek(sync) < CEDE__SYNC_ONE)
        return 0;
    state = cede__sync_enter(sync);
    if (state == 0) {
        cede__sync_leave(sync, state);
        return 0;
    }
    cede__sync_waiter_init(&waiter, "wait group", group);
    return cede__sync_wait_errno(sync, state, &waiter);
}
