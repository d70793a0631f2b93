/* SPDX-License-Identifier: MIT */
/*
 * Locks under libc's names: what a task does where libc would put the whole thread to sleep.
 *
 * The locks stay libc's own, in its own layout: plain threads, and libc itself, use them as ever. A task never calls
 * what may block: it tries (pthread_mutex_trylock), and where that fails it waits in the parking lot, at the lock's
 * address (cede/lot.h). Every unlock that comes by our names looks into the lot afterwards; a plain thread that sleeps
 * in libc for a lock that a task holds is woken by libc's own unlock, which the task calls.
 *
 * What libc cannot know is that two tasks on one thread are not the same owner. For the kinds of lock that have an
 * owner it is kept beside libc's, in a word of the lock that libc does not use for this kind.
 *
 * Kept apart from the runtime's cede_mutex and the like, which are fairer and know their owners: those cannot be shared
 * with code that calls libc.
 */
#ifndef CEDE_POSIX_LOCK_H
#define CEDE_POSIX_LOCK_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <cede/lot.h>

#include "name.h"

#ifdef __GLIBC__
#define CEDE__POSIX_LOCKS 1

/* libc's own function behind a name that this file exports. */
#define CEDE__POSIX_PLAIN(call) ((__typeof__(&cede__posix_##call))cede__posix_plain(&cede__posix_name_##call))

/* One wait of a task for a lock. */
struct cede__posix_lock_wait {
    const char *what;             /* libc's name, for reports */
    const void *address;          /* where in the lot */
    int (*try)(void *object);     /* takes it without waiting: 0, EBUSY, or another error */
    void *object;
    const struct timespec *until; /* by `clock`; NULL: no limit */
    clockid_t clock;
    bool ends;    /* cancellation and deadlines end it; else they wait until it is over: the caller may not expect that
                     a lock can fail, and would go on without it */
    bool outside; /* another process may end it, by no name of ours */
    bool posted;  /* it is ended by cede_lot_post() */
};

/* Waits until try() does not answer EBUSY, and returns its answer; or ETIMEDOUT (until has passed, or `ends` and a
 * scope's deadline), EINVAL (until is no time), ECANCELED (`ends`), EDEADLK (nothing could ever end the wait). Does not
 * try first: the caller has. */
int cede__posix_lock_wait(const struct cede__posix_lock_wait *wait);

/* Whether any task has ever waited for a lock. Until then nobody need look into the lot. */
extern atomic_bool cede__posix_waited __attribute__((visibility("hidden")));

/* After an unlock: wakes the first `most` that wait at the address. */
static inline void cede__posix_wake(const void *address, unsigned most)
{
    if (__builtin_expect(atomic_load_explicit(&cede__posix_waited, memory_order_relaxed), 0))
        cede_lot_wake(address, most);
}

/* The time of cede_now() that `until` corresponds to now; INT64_MAX if it is NULL. */
int64_t cede__posix_deadline(const struct timespec *until, clockid_t clock);

/* Whether that time has passed. */
bool cede__posix_passed(const struct timespec *until, clockid_t clock);

/* Whether it is no point in time, or not by a clock that one can wait for: EINVAL. */
bool cede__posix_invalid(const struct timespec *until, clockid_t clock);

/* A mutex that guards what the object's address stands for. Never held while waiting, but by a condition. */
struct cede__posix_gate {
    pthread_mutex_t mutex;
    atomic_uint threads; /* plain threads that wait, or are about to, for conditions whose gate this is */
} __attribute__((aligned(64)));

struct cede__posix_gate *cede__posix_gate(const void *address);
void cede__posix_gate_enter(struct cede__posix_gate *gate);
void cede__posix_gate_leave(struct cede__posix_gate *gate);

/* Those that other files call; as POSIX has them. */
int cede__posix_pthread_mutex_lock(pthread_mutex_t *mutex);
int cede__posix_pthread_mutex_trylock(pthread_mutex_t *mutex);
int cede__posix_pthread_mutex_unlock(pthread_mutex_t *mutex);
int cede__posix_pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until);
int cede__posix_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int cede__posix_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int cede__posix_pthread_cond_signal(pthread_cond_t *cond);
int cede__posix_pthread_cond_broadcast(pthread_cond_t *cond);
int cede__posix_pthread_once(pthread_once_t *once, void (*fn)(void));
int cede__posix_pthread_join(pthread_t thread, void **result);

#endif

#endif
