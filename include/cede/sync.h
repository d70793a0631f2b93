/* SPDX-License-Identifier: MIT */
/*
 * Synchronisation: mutex, read-write lock, condition, event, semaphore, barrier, once, wait group.
 *
 *     static struct cede_mutex lock;
 *     ...
 *     cede_locked (&lock) {
 *         balance = read_balance(account);       (parks: others run, but not in here)
 *         write_balance(account, balance + 1);
 *     }
 *
 * Tasks of one runtime need none of this for code that does not wait: between two waits nothing else runs. Each object
 * may be used by tasks of any runtime and by plain OS threads at the same time: a task that has to wait parks, a plain
 * thread blocks.
 *
 * Every object is fair: who comes first is served first, and is handed what it waited for; nobody who comes later can
 * snatch it away. Locking a mutex that is free, waiting for an event that is set and the like do not wait, and so
 * succeed even if the task is cancelled or its deadline has passed. A wait that was ended by ECANCELED or ETIMEDOUT
 * leaves no trace: it took nothing, and what it might have taken goes to the next. If both come at once, what was
 * waited for and a cancellation, the call succeeds, and the next wait reports the cancellation. For a deadline, put a
 * cede_timeout scope around the call.
 *
 * An object is ready for use when it is all zero (static storage, = {0}); a semaphore with a value and a barrier have
 * to be initialised. It holds no resources: there is nothing to destroy. Its memory must stay, and must not be moved or
 * zeroed, while somebody holds the object or is in a call on it; a call that only ends others' waits (unlock, set,
 * post, done, signal) has touched it for the last time before any of these can return. In a child of fork(2) only
 * objects that no other thread used are of use.
 *
 * Every waiting call below returns 0, or -1 with errno
 *   ECANCELED  the task was cancelled
 *   ETIMEDOUT  a cede_timeout scope around the call ended
 *   EDEADLK    nothing can ever end the wait: all tasks of the runtime wait for each other, and no other thread could
 *              help (for a mutex: all who hold it or wait for it are tasks of this runtime; for the others: the program
 *              never had a second thread); it is also reported on standard error. Some calls notice at once, see there
 * and those named there. In a plain OS thread none of these three occurs, except EDEADLK where it says "at once". No
 * call here may be made in a signal handler: use cede_wake() there.
 */
#ifndef CEDE_SYNC_H
#define CEDE_SYNC_H

#include <cede/base.h>
#include <cede/defer.h>
#include <cede/task.h>

CEDE_BEGIN_DECLS

/* ---- mutex ---- */

/* Held by at most one task or thread. */
struct cede_mutex {
    void *cede__private[4];
};

/*
 * Locks the mutex; parks until it is the caller's turn. Unlocking hands it over, so it is never free while somebody
 * waits. It has to be unlocked before the task ends, and by the task that locked it.
 *
 * Returns 0, or -1 with errno
 *   EDEADLK  at once: the caller holds it already
 *   ECANCELED, ETIMEDOUT, EDEADLK  as above; the mutex is not held
 * Models: asyncio.Lock, pthread_mutex_lock(3) of an error-checking mutex.
 */
CEDE_API int cede_mutex_lock(struct cede_mutex *mutex);

/* The same without waiting. Returns 0, or -1 with errno EBUSY: it is locked, perhaps by the caller. Does not park. */
CEDE_API int cede_mutex_trylock(struct cede_mutex *mutex);

/*
 * Unlocks the mutex; who waits longest has it then, and goes to the end of the run queue. Does not park.
 * Returns 0, or -1 with errno EPERM (the caller does not hold it).
 */
CEDE_API int cede_mutex_unlock(struct cede_mutex *mutex);

/*
 * cede_locked (mutex) statement: locks the mutex for the statement, which may be left in any way: at its end, by break
 * (which leaves the statement, not a loop around it), continue (the same), return, goto or cede_exit(). errno is
 * preserved on the way out. If the mutex cannot be locked, the statement is skipped, with errno from cede_mutex_lock():
 * who has to know sets a variable inside. Models: async with lock.
 */
#define cede_locked(mutex)                                                                                         \
    for (struct cede__locked CEDE__UNIQUE(cede__locked) __attribute__((cleanup(cede__locked_leave))),               \
         *CEDE__UNIQUE(cede__once) = cede__locked_enter(&CEDE__UNIQUE(cede__locked), (mutex));                      \
         CEDE__UNIQUE(cede__once); CEDE__UNIQUE(cede__once) = (struct cede__locked *)0)

/* What the macro expands to. */
struct cede__locked {
    struct cede_defer unlock;
    struct cede_mutex *mutex; /* NULL: it could not be locked */
};
CEDE_API struct cede__locked *cede__locked_enter(struct cede__locked *locked, struct cede_mutex *mutex);
CEDE_API void cede__locked_leave(struct cede__locked *locked);

/* ---- read-write lock ---- */

/* Held by any number of readers, or by one writer. */
struct cede_rwlock {
    void *cede__private[4];
};

/*
 * Locks it to read, or to write; parks until it is the caller's turn. Nobody overtakes: a reader waits while a writer
 * that came before it waits, so neither readers nor writers can starve.
 *
 * Returns 0, or -1 with errno
 *   EDEADLK  at once: the caller would wait for itself, for it holds the lock already (as a reader that locks it again
 *            to read, only if a writer waits). Noticed of the writer, and of the reader that found the lock free; of
 *            the readers that joined it, only as above
 *   ECANCELED, ETIMEDOUT, EDEADLK  as above; the lock is not held
 * Models: pthread_rwlock_rdlock(3), sync.RWMutex.
 */
CEDE_API int cede_rwlock_rdlock(struct cede_rwlock *lock);
CEDE_API int cede_rwlock_wrlock(struct cede_rwlock *lock);

/* The same without waiting. Return 0, or -1 with errno EBUSY: the caller would have to wait. Do not park. */
CEDE_API int cede_rwlock_tryrdlock(struct cede_rwlock *lock);
CEDE_API int cede_rwlock_trywrlock(struct cede_rwlock *lock);

/*
 * Gives up the right to read or to write. Does not park.
 * Returns 0, or -1 with errno EPERM (it is locked by nobody, or by another writer).
 */
CEDE_API int cede_rwlock_unlock(struct cede_rwlock *lock);

/* ---- condition ---- */

/* A queue of those that wait for something to become true that a mutex guards. */
struct cede_cond {
    void *cede__private[4];
};

/*
 * Unlocks the mutex and parks until there is a signal, in one step; holds the mutex again when it returns, with an
 * error too. As others may have run before, test what you wait for in a loop:
 *
 *     while (!ready)
 *         if (cede_cond_wait(&cond, &mutex) != 0)
 *             break;
 *
 * Returns 0: it was signalled, or -1 with errno
 *   EPERM                 at once: the caller does not hold the mutex
 *   ECANCELED, ETIMEDOUT, EDEADLK  as above. The mutex is held: neither cancellation nor deadline ends the wait for
 *                         that. No signal was lost: one that had reached this wait would have counted
 *   ENOTRECOVERABLE       the mutex is not held, for nothing could end the wait for it: all tasks wait, its holder too
 * Models: asyncio.Condition.wait, pthread_cond_wait(3), without spurious returns.
 */
CEDE_API int cede_cond_wait(struct cede_cond *cond, struct cede_mutex *mutex);

/*
 * Ends the wait that is the longest, or all that there are now. The caller may hold the mutex and mostly does; who was
 * waiting runs when it gets it, in the order of waiting, and after those that wait for the mutex already. Without
 * anybody waiting there is no effect.
 * Does not park. Returns 0.
 */
CEDE_API int cede_cond_signal(struct cede_cond *cond);
CEDE_API int cede_cond_broadcast(struct cede_cond *cond);

/* ---- event ---- */

/* Something that has happened, or not yet. */
struct cede_event {
    void *cede__private[4];
};

/*
 * cede_event_set() ends all waits, and lets later ones pass at once, until cede_event_clear(). A wait that it has ended
 * succeeds even if the event is cleared before the task runs. cede_event_is_set() returns 1 or 0.
 * They do not park; set and clear return 0. Models: asyncio.Event, threading.Event.
 */
CEDE_API int cede_event_set(struct cede_event *event);
CEDE_API int cede_event_clear(struct cede_event *event);
CEDE_API int cede_event_is_set(const struct cede_event *event);

/* Parks until the event is set. Returns 0, or -1 with errno ECANCELED, ETIMEDOUT or EDEADLK as above. */
CEDE_API int cede_event_wait(struct cede_event *event);

/* ---- semaphore ---- */

/* A number of permits. */
struct cede_sem {
    void *cede__private[4];
};

#define CEDE_SEM_MAX 2147483647u

/* Sets the value of a semaphore that nobody uses. Returns 0, or -1 with errno EINVAL (greater than CEDE_SEM_MAX). Does
 * not park. */
CEDE_API int cede_sem_init(struct cede_sem *sem, unsigned value);

/*
 * Takes one from the value; parks while it is 0. Returns 0, or -1 with errno ECANCELED, ETIMEDOUT or EDEADLK as above.
 * Models: asyncio.Semaphore.acquire, sem_wait(3).
 */
CEDE_API int cede_sem_wait(struct cede_sem *sem);

/* The same without waiting. Returns 0, or -1 with errno EAGAIN: the value is 0. Does not park. */
CEDE_API int cede_sem_trywait(struct cede_sem *sem);

/*
 * Gives one to who waits longest; adds it to the value if nobody does. Does not park.
 * Returns 0, or -1 with errno EOVERFLOW (the value is CEDE_SEM_MAX).
 */
CEDE_API int cede_sem_post(struct cede_sem *sem);

/* The value now; 0 while anybody waits. Does not park. */
CEDE_API int cede_sem_value(const struct cede_sem *sem);

/* ---- barrier ---- */

/* A place where a number of tasks wait for each other. */
struct cede_barrier {
    void *cede__private[4];
};

/* Sets the number of a barrier that nobody uses. Returns 0, or -1 with errno EINVAL (it is 0). Does not park. */
CEDE_API int cede_barrier_init(struct cede_barrier *barrier, unsigned count);

/*
 * Parks until `count` tasks or threads have called it, and then lets all of them go; the next may use it afresh at
 * once. A wait that is cancelled or times out no longer counts: another has to come in its place.
 *
 * Returns 1 in the one that came last (for what is to be done once), 0 in the others, or -1 with errno
 *   EINVAL  it was not initialised
 *   ECANCELED, ETIMEDOUT, EDEADLK  as above
 * Models: pthread_barrier_wait(3), asyncio.Barrier.
 */
CEDE_API int cede_barrier_wait(struct cede_barrier *barrier);

/* ---- once ---- */

/* Whether something that is to be done once has been done. */
struct cede_once {
    void *cede__private[5];
};

/*
 * Calls fn(arg), unless a call through the same object has succeeded before; parks while another call is under way. A
 * call that fails (fn returns a negative value) does not count: the next who waits, or comes, makes its own. Hence a
 * function that was ended by cancellation leaves nobody behind with half of it done.
 *
 * Returns 0: it has been done, or -1 with errno
 *   fn's              fn was called and failed
 *   EDEADLK           at once: the call came from inside fn
 *   EINVAL            fn is NULL
 *   ECANCELED, ETIMEDOUT, EDEADLK  as above; fn was not called
 * Models: pthread_once(3), sync.Once, std::call_once.
 */
CEDE_API int cede_once(struct cede_once *once, cede_task_fn *fn, void *arg);

/* ---- wait group ---- */

/* A number of things that are under way. (For tasks in one place, cede_group is simpler.) */
struct cede_waitgroup {
    void *cede__private[4];
};

#define CEDE_WAITGROUP_MAX 2147483647u

/*
 * cede_waitgroup_add() adds to the number, before what is counted begins; cede_waitgroup_done() takes one away, and
 * ends all waits when none is left. cede_waitgroup_count() returns the number.
 *
 * The first two return 0, or -1 with errno
 *   EOVERFLOW  cede_waitgroup_add(): there would be more than CEDE_WAITGROUP_MAX
 *   EINVAL     cede_waitgroup_done(): none was left
 * They do not park. Models: sync.WaitGroup.
 */
CEDE_API int cede_waitgroup_add(struct cede_waitgroup *group, unsigned count);
CEDE_API int cede_waitgroup_done(struct cede_waitgroup *group);
CEDE_API int cede_waitgroup_count(const struct cede_waitgroup *group);

/* Parks until the number is 0. Returns 0, or -1 with errno ECANCELED, ETIMEDOUT or EDEADLK as above. */
CEDE_API int cede_waitgroup_wait(struct cede_waitgroup *group);

CEDE_END_DECLS

#endif
