/* SPDX-License-Identifier: MIT */
/*
 * Read-write locks under libc's names; see cede/posix.h and lock.h. Readers wait in the lot at the lock's address,
 * writers one byte further.
 */
#include "lock.h"

#ifdef CEDE__POSIX_LOCKS

#include <errno.h>

static const void *writers(pthread_rwlock_t *lock)
{
    return (const char *)lock + 1;
}

/* The task that holds it to write; 0: none. In a word of padding. See mutex.c on when it is true. */
static uintptr_t *writer_of(pthread_rwlock_t *lock)
{
    return (uintptr_t *)&lock->__data.__pad2;
}

static bool is_writer(pthread_rwlock_t *lock)
{
    return __atomic_load_n(writer_of(lock), __ATOMIC_RELAXED) == (uintptr_t)cede_self();
}

int cede__posix_pthread_rwlock_tryrdlock(pthread_rwlock_t *lock);
CEDE__POSIX_EXPORT_ONLY(pthread_rwlock_tryrdlock, pthread_rwlock_tryrdlock);
int cede__posix_pthread_rwlock_trywrlock(pthread_rwlock_t *lock);
CEDE__POSIX_EXPORT_LOCK(pthread_rwlock_trywrlock, pthread_rwlock_trywrlock);

static int take_to_read(void *lock)
{
    return CEDE__POSIX_PLAIN(pthread_rwlock_tryrdlock)(lock);
}

/* Of a lock that prefers writers: not while one waits. libc sees to those that are threads. */
static int take_after_writers(void *lock)
{
    return cede_lot_waited(writers(lock)) ? EBUSY : take_to_read(lock);
}

static int take_to_write(void *object)
{
    pthread_rwlock_t *lock = object;
    int result = CEDE__POSIX_PLAIN(pthread_rwlock_trywrlock)(lock);

    if (result == 0)
        __atomic_store_n(writer_of(lock), (uintptr_t)cede_self(), __ATOMIC_RELAXED);
    return result;
}

static int take(pthread_rwlock_t *lock, bool writes, const char *what, const struct timespec *until, clockid_t clock)
{
    bool prefers_writers = lock->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
    const struct cede__posix_lock_wait wait = {
        .what = what,
        .address = writes ? writers(lock) : lock,
        .try = writes ? take_to_write : prefers_writers ? take_after_writers : take_to_read,
        .object = lock,
        .until = until,
        .clock = clock,
        .ends = until != NULL,
        .outside = lock->__data.__shared != 0};
    int result = wait.try(lock);

    if (result != EBUSY)
        return result;
    if (is_writer(lock))
        return EDEADLK;
    result = cede__posix_lock_wait(&wait);
    if (result != 0 && writes) /* readers that waited because of us */
        cede_lot_wake(lock, UINT32_MAX);
    return result == ECANCELED ? ETIMEDOUT : result;
}

int cede__posix_pthread_rwlock_rdlock(pthread_rwlock_t *lock);
CEDE__POSIX_EXPORT_LOCK(pthread_rwlock_rdlock, pthread_rwlock_rdlock);
CEDE__POSIX_EXPORT_LOCK(__pthread_rwlock_rdlock, pthread_rwlock_rdlock);
int cede__posix_pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return cede_lot_able() ? take(lock, false, "pthread_rwlock_rdlock", NULL, CLOCK_REALTIME)
                           : CEDE__POSIX_PLAIN(pthread_rwlock_rdlock)(lock);
}

int cede__posix_pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    return take_to_read(lock);
}

int cede__posix_pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_rwlock_timedrdlock, pthread_rwlock_timedrdlock);
int cede__posix_pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    return cede_lot_able() ? take(lock, false, "pthread_rwlock_timedrdlock", until, CLOCK_REALTIME)
                           : CEDE__POSIX_PLAIN(pthread_rwlock_timedrdlock)(lock, until);
}

int cede__posix_pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_rwlock_clockrdlock, pthread_rwlock_clockrdlock);
int cede__posix_pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until)
{
    return cede_lot_able() ? take(lock, false, "pthread_rwlock_clockrdlock", until, clock)
                           : CEDE__POSIX_PLAIN(pthread_rwlock_clockrdlock)(lock, clock, until);
}

int cede__posix_pthread_rwlock_wrlock(pthread_rwlock_t *lock);
CEDE__POSIX_EXPORT_LOCK(pthread_rwlock_wrlock, pthread_rwlock_wrlock);
CEDE__POSIX_EXPORT_LOCK(__pthread_rwlock_wrlock, pthread_rwlock_wrlock);
int cede__posix_pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    return cede_lot_able() ? take(lock, true, "pthread_rwlock_wrlock", NULL, CLOCK_REALTIME)
                           : CEDE__POSIX_PLAIN(pthread_rwlock_wrlock)(lock);
}

int cede__posix_pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    return cede_lot_able() ? take_to_write(lock) : CEDE__POSIX_PLAIN(pthread_rwlock_trywrlock)(lock);
}

int cede__posix_pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_rwlock_timedwrlock, pthread_rwlock_timedwrlock);
int cede__posix_pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    return cede_lot_able() ? take(lock, true, "pthread_rwlock_timedwrlock", until, CLOCK_REALTIME)
                           : CEDE__POSIX_PLAIN(pthread_rwlock_timedwrlock)(lock, until);
}

int cede__posix_pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_rwlock_clockwrlock, pthread_rwlock_clockwrlock);
int cede__posix_pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until)
{
    return cede_lot_able() ? take(lock, true, "pthread_rwlock_clockwrlock", until, clock)
                           : CEDE__POSIX_PLAIN(pthread_rwlock_clockwrlock)(lock, clock, until);
}

int cede__posix_pthread_rwlock_unlock(pthread_rwlock_t *lock);
CEDE__POSIX_EXPORT_LOCK(pthread_rwlock_unlock, pthread_rwlock_unlock);
CEDE__POSIX_EXPORT_LOCK(__pthread_rwlock_unlock, pthread_rwlock_unlock);
int cede__posix_pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    int result;

    if (cede_lot_able() && is_writer(lock))
        __atomic_store_n(writer_of(lock), 0, __ATOMIC_RELAXED);
    result = CEDE__POSIX_PLAIN(pthread_rwlock_unlock)(lock);
    cede__posix_wake(writers(lock), 1);
    cede__posix_wake(lock, UINT32_MAX);
    return result;
}

int cede__posix_pthread_rwlock_destroy(pthread_rwlock_t *lock);
CEDE__POSIX_EXPORT_ONLY(pthread_rwlock_destroy, pthread_rwlock_destroy);
int cede__posix_pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    if (atomic_load_explicit(&cede__posix_waited, memory_order_relaxed)
        && (cede_lot_waited(lock) || cede_lot_waited(writers(lock))))
        return EBUSY;
    return CEDE__POSIX_PLAIN(pthread_rwlock_destroy)(lock);
}

#endif
