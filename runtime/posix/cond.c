/* SPDX-License-Identifier: MIT */
/*
 * Conditions under libc's names, pthread_cond_* and cnd_*; see cede/posix.h and lock.h.
 *
 * Tasks wait in the lot, plain threads in libc; a signal goes to one of each kind, as POSIX allows, so that neither can
 * starve. libc's wait unlocks the mutex inside itself, where no task that waits for the mutex would hear of it; hence a
 * plain thread unlocks it by our name first, and waits with the condition's gate in place of the mutex, which whoever
 * signals enters, too.
 */
#include "lock.h"

#ifdef CEDE__POSIX_LOCKS

#include <cede/local.h>
#include <cede/scope.h>
#include <cede/time.h>
#include <errno.h>
#include <threads.h>

/* glibc's __wrefs. */
enum { SHARED = 1, MONOTONIC = 2 };

enum { SHARED_SLICE_NS = 2 * 1000 * 1000 }; /* another process's signals do not reach the lot */

static unsigned flags_of(pthread_cond_t *cond)
{
    return __atomic_load_n(&cond->__data.__wrefs, __ATOMIC_RELAXED);
}

static clockid_t clock_of(pthread_cond_t *cond)
{
    return flags_of(cond) & MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

CEDE__POSIX_EXPORT_LOCK(pthread_cond_wait, pthread_cond_wait);
CEDE__POSIX_EXPORT_LOCK(pthread_cond_timedwait, pthread_cond_timedwait);
CEDE__POSIX_EXPORT_LOCK(pthread_cond_signal, pthread_cond_signal);
CEDE__POSIX_EXPORT_LOCK(pthread_cond_broadcast, pthread_cond_broadcast);
int cede__posix_pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                       const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_cond_clockwait, pthread_cond_clockwait);
int cede__posix_pthread_cond_destroy(pthread_cond_t *cond);
CEDE__POSIX_EXPORT_LOCK(pthread_cond_destroy, pthread_cond_destroy);

/* ---- a task ---- */

/*
 * The condition at which the task has been told that it is interrupted. Code that ignores what a wait returns, and just
 * looks whether its condition is true, would come back at once for ever; so its next wait there is a real one.
 */
static const struct cede_local told;

static int relock(pthread_mutex_t *mutex, int result)
{
    int error = cede__posix_pthread_mutex_lock(mutex);

    return error ? error : result;
}

/* Waits in the lot, the mutex being unlocked: 0, ETIMEDOUT or ECANCELED. */
static int stay(struct cede_lot_waiter *waiter, pthread_cond_t *cond, const struct timespec *until, clockid_t clock)
{
    bool deaf = cede_check() != 0 && cede_local_get(&told) == cond;
    int64_t deadline_ns = cede__posix_deadline(until, clock), slice_ns = INT64_MAX;
    struct cede_scope shield;
    int error = 0;

    if (flags_of(cond) & SHARED)
        slice_ns = cede_now() + SHARED_SLICE_NS;
    if (deaf)
        cede_scope_shield(&shield);
    if (cede_lot_park(waiter, deadline_ns < slice_ns ? deadline_ns : slice_ns) != 0)
        error = errno;
    if (deaf)
        cede_scope_leave(&shield);
    if (error == ETIMEDOUT && !cede__posix_passed(until, clock) && (deaf || cede_check() == 0))
        error = 0; /* a slice: as if somebody had signalled for no reason */
    if (!deaf)
        cede_local_set(&told, cede_check() == 0 ? NULL : cond);
    return error;
}

static int wait_in_lot(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until, clockid_t clock)
{
    struct cede_lot_waiter waiter;
    int saved = errno, error;

    if (until && cede__posix_invalid(until, clock))
        return EINVAL;
    atomic_store_explicit(&cede__posix_waited, true, memory_order_relaxed);
    cede_lot_enter(&waiter, cond, until ? "pthread_cond_timedwait" : "pthread_cond_wait", 0);
    error = cede__posix_pthread_mutex_unlock(mutex);
    if (error) {
        cede_lot_leave(&waiter);
        return error;
    }
    error = stay(&waiter, cond, until, clock);
    if (error == ECANCELED && until)
        error = ETIMEDOUT; /* that is what the caller knows to handle */
    error = relock(mutex, error);
    errno = saved;
    return error;
}

/* A cancellation point; see thread.h. */
static int task_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until, clockid_t clock)
{
    int error;

    CEDE__POSIX_POINT();
    error = wait_in_lot(cond, mutex, until, clock);
    if (error)
        CEDE__POSIX_POINT();
    return error;
}

/* ---- a plain thread ---- */

struct thread_wait {
    struct cede__posix_gate *gate;
    pthread_mutex_t *mutex;
};

/* Also when pthread_cancel(3) ends the wait. */
static void leave_gate(void *arg)
{
    struct thread_wait *wait = arg;

    atomic_fetch_sub(&wait->gate->threads, 1);
    cede__posix_gate_leave(wait->gate);
}

static void leave_cancelled(void *arg)
{
    struct thread_wait *wait = arg;

    leave_gate(wait);
    cede__posix_pthread_mutex_lock(wait->mutex);
}

static int plain_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until,
                      const clockid_t *clock)
{
    if (!until)
        return CEDE__POSIX_PLAIN(pthread_cond_wait)(cond, mutex);
    if (!clock)
        return CEDE__POSIX_PLAIN(pthread_cond_timedwait)(cond, mutex, until);
    return CEDE__POSIX_PLAIN(pthread_cond_clockwait)(cond, mutex, *clock, until);
}

static int thread_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until,
                       const clockid_t *clock)
{
    struct thread_wait wait = {.gate = cede__posix_gate(cond), .mutex = mutex};
    int result, error;

    if (!atomic_load_explicit(&cede__posix_waited, memory_order_relaxed) || flags_of(cond) & SHARED)
        return plain_wait(cond, mutex, until, clock);
    if (until && cede__posix_invalid(until, clock ? *clock : CLOCK_REALTIME))
        return EINVAL;
    cede__posix_gate_enter(wait.gate);
    atomic_fetch_add(&wait.gate->threads, 1);
    result = cede__posix_pthread_mutex_unlock(mutex);
    if (result) {
        leave_gate(&wait);
        return result;
    }
    pthread_cleanup_push(leave_cancelled, &wait);
    result = plain_wait(cond, &wait.gate->mutex, until, clock);
    pthread_cleanup_pop(0);
    leave_gate(&wait);
    error = cede__posix_pthread_mutex_lock(mutex);
    return error ? error : result;
}

/* ---- both ---- */

int cede__posix_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    return cede_lot_able() ? task_wait(cond, mutex, NULL, CLOCK_REALTIME) : thread_wait(cond, mutex, NULL, NULL);
}

int cede__posix_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    return cede_lot_able() ? task_wait(cond, mutex, until, clock_of(cond)) : thread_wait(cond, mutex, until, NULL);
}

int cede__posix_pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                       const struct timespec *until)
{
    return cede_lot_able() ? task_wait(cond, mutex, until, clock) : thread_wait(cond, mutex, until, &clock);
}

/* Signals those that wait in libc: `plain` is libc's function. */
static int signal_threads(int (*plain)(pthread_cond_t *), pthread_cond_t *cond)
{
    struct cede__posix_gate *gate = cede__posix_gate(cond);
    int result;

    if (atomic_load(&gate->threads) == 0)
        return plain(cond);
    cede__posix_gate_enter(gate); /* one may be about to wait: it has unlocked the mutex already */
    result = plain(cond);
    cede__posix_gate_leave(gate);
    return result;
}

int cede__posix_pthread_cond_signal(pthread_cond_t *cond)
{
    int result = signal_threads(CEDE__POSIX_PLAIN(pthread_cond_signal), cond);

    cede__posix_wake(cond, 1);
    return result;
}

int cede__posix_pthread_cond_broadcast(pthread_cond_t *cond)
{
    int result = signal_threads(CEDE__POSIX_PLAIN(pthread_cond_broadcast), cond);

    cede__posix_wake(cond, UINT32_MAX);
    return result;
}

/* Tasks that have been woken but did not run yet never look at the condition again. */
int cede__posix_pthread_cond_destroy(pthread_cond_t *cond)
{
    if (atomic_load_explicit(&cede__posix_waited, memory_order_relaxed) && cede_lot_waited(cond))
        return EBUSY;
    return CEDE__POSIX_PLAIN(pthread_cond_destroy)(cond);
}

/* ---- C11 ---- */

int cede__posix_cnd_wait(cnd_t *cond, mtx_t *mutex);
CEDE__POSIX_EXPORT_LOCK(cnd_wait, cnd_wait);
int cede__posix_cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    int error = cede__posix_pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex);

    return error ? thrd_error : thrd_success;
}

int cede__posix_cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(cnd_timedwait, cnd_timedwait);
int cede__posix_cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until)
{
    int error = cede__posix_pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, until);

    return error == ETIMEDOUT ? thrd_timedout : error ? thrd_error : thrd_success;
}

int cede__posix_cnd_signal(cnd_t *cond);
CEDE__POSIX_EXPORT_LOCK(cnd_signal, cnd_signal);
int cede__posix_cnd_signal(cnd_t *cond)
{
    return cede__posix_pthread_cond_signal((pthread_cond_t *)cond) ? thrd_error : thrd_success;
}

int cede__posix_cnd_broadcast(cnd_t *cond);
CEDE__POSIX_EXPORT_LOCK(cnd_broadcast, cnd_broadcast);
int cede__posix_cnd_broadcast(cnd_t *cond)
{
    return cede__posix_pthread_cond_broadcast((pthread_cond_t *)cond) ? thrd_error : thrd_success;
}

void cede__posix_cnd_destroy(cnd_t *cond);
CEDE__POSIX_EXPORT_LOCK(cnd_destroy, cnd_destroy);
void cede__posix_cnd_destroy(cnd_t *cond)
{
    cede__posix_pthread_cond_destroy((pthread_cond_t *)cond);
}

#endif
