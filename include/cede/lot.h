/* SPDX-License-Identifier: MIT */
/*
 * Waiting at an address: for those who have a lock, a flag or a counter of their own, and need a place to wait for it.
 * What futex(2) is to threads; tasks park, plain OS threads block, and both may wait at the same address.
 *
 *     struct cede_lot_waiter waiter;                           one that waits:
 *
 *     while (!try_lock(lock)) {
 *         cede_lot_enter(&waiter, lock, "my lock", 0);
 *         if (try_lock(lock)) {                                (it may have become free before anybody knew of us)
 *             if (cede_lot_leave(&waiter))
 *                 cede_lot_wake(lock, 1);
 *             break;
 *         }
 *         if (cede_lot_park(&waiter, INT64_MAX) != 0)
 *             return -1;
 *     }
 *
 *     unlock(lock);                                            one that ends waits:
 *     cede_lot_wake(lock, 1);                                  (about as fast as a look at a variable if nobody waits)
 *
 * The object itself needs no room for a queue, and may be anybody's: this is how libcede-posix lets tasks wait for
 * libc's own locks. An address is only compared, never read. cede/sync.h has locks that are ready to use, and fairer.
 */
#ifndef CEDE_LOT_H
#define CEDE_LOT_H

#include <stdint.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/* One wait, on the stack of who waits. Its members are private. */
struct cede_lot_waiter {
    void *cede__private[20];
};

/* For cede_lot_enter(): cede_lot_post() may end this wait, for no reason at times. */
#define CEDE_LOT_POSTED 1

/*
 * From now on cede_lot_wake(address) counts the caller among those that wait. What it waits for must be looked at again
 * after this, before cede_lot_park(). what: a static string for reports. Exactly one of leave and park must follow, in
 * the same task or thread; between them it must not wait for anything else at an address.
 * Does not park. A task or any thread, but not in a signal handler.
 */
CEDE_API void cede_lot_enter(struct cede_lot_waiter *waiter, const void *address, const char *what, int flags);

/*
 * Does not wait after all. Returns 1 if it had been woken, else 0: a wake that was meant for one of many has then
 * reached nobody who needs it, and the caller may have to pass it on. Does not park but to await that wake's arrival.
 */
CEDE_API int cede_lot_leave(struct cede_lot_waiter *waiter);

/*
 * Parks (a plain thread: blocks) until woken; deadline_ns as cede_now() counts, INT64_MAX: none. It has left then, in
 * any case. In a task that cannot park now (see cede_lot_able()) the whole thread blocks.
 *
 * Returns 0: it was woken, or -1 with errno
 *   ETIMEDOUT  deadline_ns has passed, or a cede_timeout scope around the call ended
 *   ECANCELED  the task was cancelled
 *   EDEADLK    nothing can ever end the wait; not told of one with CEDE_LOT_POSTED
 * A wake and an interruption that come together count as the wake.
 */
CEDE_API int cede_lot_park(struct cede_lot_waiter *waiter, int64_t deadline_ns);

/*
 * Ends the waits at this address: the longest `most` of them. Returns how many. What they wait for must have been
 * changed before. Does not park; any thread, but not in a signal handler.
 */
CEDE_API int cede_lot_wake(const void *address, unsigned most);

/*
 * The same for one wait that was entered with CEDE_LOT_POSTED; others of that kind may be ended as well, so they must
 * look at what they wait for. Does not park. Any thread, and signal handlers.
 */
CEDE_API void cede_lot_post(const void *address);

/* Whether anybody waits at this address: 1 or 0. Does not park. Not in a signal handler. */
CEDE_API int cede_lot_waited(const void *address);

/*
 * Whether the caller is a task that can park: 1 or 0. Other than cede_self(), it says no where the scheduler itself is
 * at work below the caller, as in a destructor of task-local values. Does not park.
 */
CEDE_API int cede_lot_able(void);

CEDE_END_DECLS

#endif
