/* SPDX-License-Identifier: MIT */
/* Counting semaphores; see cede/sync.h. The state is the value * ONE; nobody waits while it is not 0. */
#include <cede/sync.h>
#include <errno.h>

#include "sync.h"

_Static_assert(sizeof(struct cede__sync) <= sizeof(struct cede_sem), "struct cede_sem is too small");
_Static_assert(CEDE_SEM_MAX <= UINTPTR_MAX / CEDE__SYNC_ONE, "the greatest count fits into a state");

static struct cede__sync *inside(const struct cede_sem *sem)
{
    return (struct cede__sync *)sem->cede__private;
}

int cede_sem_init(struct cede_sem *sem, unsigned value)
{
    if (value > CEDE_SEM_MAX) {
        errno = EINVAL;
        return -1;
    }
    *inside(sem) = (struct cede__sync){.state = value * CEDE__SYNC_ONE};
    return 0;
}

int cede_sem_trywait(struct cede_sem *sem)
{
    struct cede__sync *sync = inside(sem);
    uintptr_t state = cede__sync_enter(sync);

    cede__sync_leave(sync, state ? state - CEDE__SYNC_ONE : 0);
    if (state)
        return 0;
    errno = EAGAIN;
    return -1;
}

int cede_sem_wait(struct cede_sem *sem)
{
    struct cede__sync *sync = inside(sem);
    struct cede__sync_waiter waiter;
    uintptr_t state = cede__sync_enter(sync);

    if (state) {
        cede__sync_leave(sync, state - CEDE__SYNC_ONE);
        return 0;
    }
    cede__sync_waiter_init(&waiter, "semaphore", sem);
    return cede__sync_wait_errno(sync, state, &waiter);
}

int cede_sem_post(struct cede_sem *sem)
{
    struct cede__sync *sync = inside(sem);
    uintptr_t state = cede__sync_enter(sync);
    struct cede__sync_waiter *first;

    if (state / CEDE__SYNC_ONE >= CEDE_SEM_MAX) {
        cede__sync_leave(sync, state);
        errno = EOVERFLOW;
        return -1;
    }
    first = cede__sync_take(sync);
    cede__sync_leave(sync, first ? state : state + CEDE__SYNC_ONE);
    if (first)
        cede__sync_wake(first);
    return 0;
}

int cede_sem_value(const struct cede_sem *sem)
{
    return (int)(cede__sync_peek(inside(sem)) / CEDE__SYNC_ONE);
}
