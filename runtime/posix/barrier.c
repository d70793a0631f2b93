/* SPDX-License-Identifier: MIT */
/*
 * Barriers under libc's names; see cede/posix.h and lock.h. libc's own has no way to try, so this one takes its place,
 * for plain threads as well: in the same memory, of which libc's functions for initialising and destroying know the
 * rest. One that processes share is libc's all the same, and a task waits for it on a helper thread.
 */
#include "lock.h"

#ifdef CEDE__POSIX_LOCKS

#include <cede/offload.h>
#include <cede/scope.h>
#include <errno.h>

struct barrier {
    /* glibc's, of which we use the number, and whether it is shared. */
    unsigned in, libc_round, count;
    int shared;
    unsigned out, unused;
    /* Ours, in what it leaves of the union: under the gate. */
    unsigned arrived, round;
};

_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t), "glibc has less room than it had");

static struct barrier *inside(pthread_barrier_t *barrier)
{
    return (struct barrier *)(void *)barrier;
}

int cede__posix_pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr, unsigned count);
CEDE__POSIX_EXPORT_LOCK(pthread_barrier_init, pthread_barrier_init);
int cede__posix_pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr, unsigned count)
{
    inside(barrier)->arrived = inside(barrier)->round = 0;
    return CEDE__POSIX_PLAIN(pthread_barrier_init)(barrier, attr, count);
}

int cede__posix_pthread_barrier_wait(pthread_barrier_t *barrier);
CEDE__POSIX_EXPORT_LOCK(pthread_barrier_wait, pthread_barrier_wait);

static int wait_on_helper(void *barrier)
{
    return CEDE__POSIX_PLAIN(pthread_barrier_wait)(barrier);
}

static int shared_wait(pthread_barrier_t *barrier)
{
    int result = EAGAIN;

    if (!cede_lot_able())
        return wait_on_helper(barrier);
    cede_shield /* the helper counts as one of those that came, and cannot be called back */
        if (cede_offload(wait_on_helper, barrier, &result) != 0)
            return errno;
    return result;
}

/* Nothing could ever end the wait. Whether it had been counted out in time. */
static bool retract(struct cede__posix_gate *gate, struct barrier *barrier, unsigned round)
{
    bool in_time;

    cede__posix_gate_enter(gate);
    in_time = barrier->round == round;
    barrier->arrived -= in_time;
    cede__posix_gate_leave(gate);
    return in_time;
}

/* Those that wait leave the lot only when all have come, and do not look at the barrier again: it may be gone. */
int cede__posix_pthread_barrier_wait(pthread_barrier_t *opaque)
{
    struct cede__posix_gate *gate = cede__posix_gate(opaque);
    struct barrier *barrier = inside(opaque);
    struct cede_lot_waiter waiter;
    struct cede_scope shield;
    unsigned round;
    int result;

    if (barrier->shared)
        return shared_wait(opaque);
    cede__posix_gate_enter(gate);
    if (++barrier->arrived == barrier->count) {
        barrier->arrived = 0;
        barrier->round++;
        cede_lot_wake(barrier, UINT32_MAX);
        cede__posix_gate_leave(gate);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    round = barrier->round;
    cede_lot_enter(&waiter, barrier, "pthread_barrier_wait", 0);
    cede__posix_gate_leave(gate);
    cede_scope_shield(&shield);
    result = cede_lot_park(&waiter, INT64_MAX) == 0 ? 0 : errno;
    cede_scope_leave(&shield);
    return result != 0 && retract(gate, barrier, round) ? result : 0;
}

int cede__posix_pthread_barrier_destroy(pthread_barrier_t *barrier);
CEDE__POSIX_EXPORT_LOCK(pthread_barrier_destroy, pthread_barrier_destroy);
int cede__posix_pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    struct cede__posix_gate *gate = cede__posix_gate(barrier);
    bool waited;

    cede__posix_gate_enter(gate);
    waited = inside(barrier)->arrived > 0;
    cede__posix_gate_leave(gate);
    return waited ? EBUSY : CEDE__POSIX_PLAIN(pthread_barrier_destroy)(barrier);
}

#endif
