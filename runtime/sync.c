/* SPDX-License-Identifier: MIT */
/* Waits and hand-overs of the synchronisation objects; see sync.h. */
#include "sync.h"

#include <errno.h>

#include "duration.h"
#include "sys.h"

enum { SPINS = 100 }; /* then whoever has set BUSY has probably lost its CPU, perhaps to this very thread */

uintptr_t cede__sync_enter_contended(struct cede__sync *sync)
{
    int saved = errno, spins = 0;
    uintptr_t seen = __atomic_load_n(&sync->state, __ATOMIC_RELAXED);

    while (seen & CEDE__SYNC_BUSY || !cede__sync_swap(sync, seen, seen | CEDE__SYNC_BUSY)) {
        if (++spins < SPINS) {
            cede__relax();
        } else {
            spins = 0;
            syscall(SYS_sched_yield);
        }
        seen = __atomic_load_n(&sync->state, __ATOMIC_RELAXED);
    }
    errno = saved;
    cede__sanitizer_acquire(sync);
    return seen & ~(uintptr_t)CEDE__SYNC_FLAGS;
}

void cede__sync_take_all(struct cede__sync *sync, struct cede__list *taken)
{
    struct cede__sync_waiter *waiter;

    while ((waiter = cede__sync_take(sync)))
        cede__list_append(taken, &waiter->link);
}

/* ---- wake ---- */

static void deliver(struct cede__remote *remote)
{
    struct cede__sync_waiter *waiter = CEDE__CONTAINER(remote, struct cede__sync_waiter, remote);

    cede__sync_settle(waiter);
}

void cede__sync_post(struct cede__sync_waiter *waiter)
{
    int saved = errno;

    if (waiter->worker) {
        waiter->remote.deliver = deliver;
        cede__sched_post(waiter->worker, &waiter->remote);
    } else {
        cede__sanitizer_release(&waiter->woken);
        __atomic_store_n(&waiter->woken, 1, __ATOMIC_RELEASE);
        /* The thread may have gone on by now, and what it sleeps on next may lie here: everybody who sleeps on a futex
         * has to cope with such a wake. */
        cede__sys_futex_wake(&waiter->woken);
    }
    errno = saved;
}

void cede__sync_wake_all(struct cede__list *taken)
{
    struct cede__list *link;

    while ((link = cede__list_take(taken)))
        cede__sync_wake(CEDE__CONTAINER(link, struct cede__sync_waiter, link));
}

/* ---- wait ---- */

enum cede__wake cede__sync_park_until(struct cede__sync_waiter *waiter, int64_t deadline_ns)
{
    enum cede__wake reason = CEDE__WAKE_EVENT;
    int64_t left_ns = INT64_MAX;
    int saved = errno;

    if (__builtin_expect(waiter->worker != NULL, 1))
        return cede__wait(&waiter->wait, deadline_ns);
    while (reason == CEDE__WAKE_EVENT && !__atomic_load_n(&waiter->woken, __ATOMIC_ACQUIRE)) {
        if (deadline_ns != INT64_MAX)
            left_ns = cede__duration_left(cede_now(), deadline_ns);
        if (left_ns == 0)
            reason = CEDE__WAKE_DEADLINE;
        else
            cede__sys_futex_wait(&waiter->woken, 0, left_ns);
    }
    cede__sanitizer_acquire(&waiter->woken);
    errno = saved;
    return reason;
}

/* Another thread has taken the waiter, and its post is about to arrive. */
static void settle(struct cede__sync_waiter *waiter)
{
    struct cede__worker *worker = waiter->worker;

    if (!worker) {
        cede__sync_park(waiter);
        return;
    }
    for (;;) {
        cede__sched_drain(worker);
        if (waiter->settled)
            return;
        worker->external++; /* no deadlock: it does arrive */
        cede__sched_park(worker, &waiter->wait);
        worker->external--;
    }
}

bool cede__sync_withdraw(struct cede__sync *sync, uintptr_t *state, struct cede__sync_waiter *waiter)
{
    *state = cede__sync_enter_marked(sync); /* it may be one of lot.c's */
    if (!waiter->taken) {
        cede__list_remove(&waiter->link);
        return true;
    }
    cede__sync_leave(sync, *state);
    if (!waiter->settled)
        settle(waiter);
    return false;
}

static inline enum cede__wake wait(struct cede__sync *sync, uintptr_t *state, struct cede__sync_waiter *waiter)
{
    enum cede__wake reason;

    cede__sync_leave_waiting(sync, *state, waiter);
    reason = cede__sync_park(waiter);
    if (reason != CEDE__WAKE_EVENT && !cede__sync_withdraw(sync, state, waiter))
        reason = CEDE__WAKE_EVENT;
    return reason;
}

enum cede__wake cede__sync_wait(struct cede__sync *sync, uintptr_t *state, struct cede__sync_waiter *waiter)
{
    return wait(sync, state, waiter);
}

int cede__sync_wait_errno(struct cede__sync *sync, uintptr_t state, struct cede__sync_waiter *waiter)
{
    enum cede__wake reason = wait(sync, &state, waiter);

    if (reason == CEDE__WAKE_EVENT)
        return 0;
    cede__sync_leave(sync, state);
    return cede__wait_errno(reason);
}
