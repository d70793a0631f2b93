/* SPDX-License-Identifier: MIT */
/* Mutexes under libc's names, pthread_mutex_* and mtx_*; see cede/posix.h and lock.h. */
#include "lock.h"

#ifdef CEDE__POSIX_LOCKS

#include <errno.h>
#include <threads.h>

#include "../sanitizer.h"

/* glibc's __kind: the type, and flags. */
enum {
    TYPE = 3, RECURSIVE = 1, ERRORCHECK = 2,
    ROBUST = 16,
    SHARED = 128,
};

static int kind_of(pthread_mutex_t *mutex)
{
    return __atomic_load_n(&mutex->__data.__kind, __ATOMIC_RELAXED);
}

/*
 * The task that holds a mutex which asks for its owner; 0: nobody, or a plain thread. In the link of the list of robust
 * mutexes, which libc leaves alone in all others. Set right after the mutex was taken, cleared right before it is given
 * up, so on one thread it is always true, and to others it says no more than trylock does.
 */
static uintptr_t *owner_of(pthread_mutex_t *mutex)
{
    return (uintptr_t *)&mutex->__data.__list.__prev;
}

static bool has_owner(int kind)
{
    return !(kind & ROBUST) && ((kind & TYPE) == RECURSIVE || (kind & TYPE) == ERRORCHECK);
}

static uintptr_t self(void)
{
    return (uintptr_t)cede_self();
}

int cede__posix_pthread_mutex_trylock(pthread_mutex_t *mutex);
CEDE__POSIX_EXPORT_LOCK(pthread_mutex_trylock, pthread_mutex_trylock);
CEDE__POSIX_EXPORT_LOCK(__pthread_mutex_trylock, pthread_mutex_trylock);
CEDE__POSIX_EXPORT_LOCK(pthread_mutex_unlock, pthread_mutex_unlock);
CEDE__POSIX_EXPORT_LOCK(__pthread_mutex_unlock, pthread_mutex_unlock);

/* A task's trylock. */
static int take(void *object)
{
    pthread_mutex_t *mutex = object;
    int kind = kind_of(mutex), result;
    uintptr_t owner = 0;

    if (has_owner(kind)) {
        owner = __atomic_load_n(owner_of(mutex), __ATOMIC_RELAXED);
        if (owner && owner != self())
            return EBUSY;
    }
    result = CEDE__POSIX_PLAIN(pthread_mutex_trylock)(mutex);
    if (result != 0 || !has_owner(kind) || owner)
        return result;
    if ((kind & TYPE) == RECURSIVE && mutex->__data.__count > 1) {
        /* This thread took it before it ran any task. */
        CEDE__POSIX_PLAIN(pthread_mutex_unlock)(mutex);
        return EBUSY;
    }
    __atomic_store_n(owner_of(mutex), self(), __ATOMIC_RELAXED);
    return 0;
}

static int lock(pthread_mutex_t *mutex, const char *what, const struct timespec *until, clockid_t clock)
{
    const struct cede__posix_lock_wait wait = {.what = what,
                                          .address = mutex,
                                          .try = take,
                                          .object = mutex,
                                          .until = until,
                                          .clock = clock,
                                          .ends = until != NULL,
                                          .outside = kind_of(mutex) & SHARED};
    int kind = kind_of(mutex), result = take(mutex);

    if (result != EBUSY)
        return result;
    if (has_owner(kind) && (kind & TYPE) == ERRORCHECK
        && __atomic_load_n(owner_of(mutex), __ATOMIC_RELAXED) == self())
        return EDEADLK;
    result = cede__posix_lock_wait(&wait);
    return result == ECANCELED ? ETIMEDOUT : result;
}

CEDE__POSIX_EXPORT_LOCK(pthread_mutex_lock, pthread_mutex_lock);
CEDE__POSIX_EXPORT_LOCK(__pthread_mutex_lock, pthread_mutex_lock);
int cede__posix_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return cede_lot_able() ? lock(mutex, "pthread_mutex_lock", NULL, CLOCK_REALTIME)
                           : CEDE__POSIX_PLAIN(pthread_mutex_lock)(mutex);
}

int cede__posix_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    return cede_lot_able() ? take(mutex) : CEDE__POSIX_PLAIN(pthread_mutex_trylock)(mutex);
}

int cede__posix_pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_mutex_timedlock, pthread_mutex_timedlock);
int cede__posix_pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
    return cede_lot_able() ? lock(mutex, "pthread_mutex_timedlock", until, CLOCK_REALTIME)
                           : CEDE__POSIX_PLAIN(pthread_mutex_timedlock)(mutex, until);
}

int cede__posix_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_mutex_clocklock, pthread_mutex_clocklock);
int cede__posix_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until)
{
    return cede_lot_able() ? lock(mutex, "pthread_mutex_clocklock", until, clock)
                           : CEDE__POSIX_PLAIN(pthread_mutex_clocklock)(mutex, clock, until);
}

int cede__posix_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int kind = kind_of(mutex), result;

    if (has_owner(kind) && cede_lot_able()) {
        if (__atomic_load_n(owner_of(mutex), __ATOMIC_RELAXED) != self())
            return EPERM;
        if ((kind & TYPE) == ERRORCHECK || mutex->__data.__count == 1)
            __atomic_store_n(owner_of(mutex), 0, __ATOMIC_RELAXED);
    }
    result = CEDE__POSIX_PLAIN(pthread_mutex_unlock)(mutex);
    cede__posix_wake(mutex, 1); /* the mutex itself may be gone */
    return result;
}

/* ---- C11 ---- */

static int c11(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

int cede__posix_mtx_lock(mtx_t *mutex);
CEDE__POSIX_EXPORT_LOCK(mtx_lock, mtx_lock);
int cede__posix_mtx_lock(mtx_t *mutex)
{
    return c11(cede__posix_pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int cede__posix_mtx_trylock(mtx_t *mutex);
CEDE__POSIX_EXPORT_LOCK(mtx_trylock, mtx_trylock);
int cede__posix_mtx_trylock(mtx_t *mutex)
{
    return c11(cede__posix_pthread_mutex_trylock((pthread_mutex_t *)mutex));
}

int cede__posix_mtx_timedlock(mtx_t *mutex, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(mtx_timedlock, mtx_timedlock);
int cede__posix_mtx_timedlock(mtx_t *mutex, const struct timespec *until)
{
    return c11(cede__posix_pthread_mutex_timedlock((pthread_mutex_t *)mutex, until));
}

int cede__posix_mtx_unlock(mtx_t *mutex);
CEDE__POSIX_EXPORT_LOCK(mtx_unlock, mtx_unlock);
int cede__posix_mtx_unlock(mtx_t *mutex)
{
    return c11(cede__posix_pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

/* ---- gates: libc's own calls, whoever asks ---- */

void cede__posix_gate_enter(struct cede__posix_gate *gate)
{
    CEDE__POSIX_PLAIN(pthread_mutex_lock)(&gate->mutex);
    cede__sanitizer_acquire(gate);
}

void cede__posix_gate_leave(struct cede__posix_gate *gate)
{
    cede__sanitizer_release(gate);
    CEDE__POSIX_PLAIN(pthread_mutex_unlock)(&gate->mutex);
}

#endif
