/* SPDX-License-Identifier: MIT */
/* How a task waits for a lock of libc's; see lock.h. */
#include "lock.h"

#ifdef CEDE__POSIX_LOCKS

#include <cede/scope.h>
#include <cede/time.h>
#include <errno.h>

enum {
    GATES_LOG2 = 7, GATES = 1 << GATES_LOG2,
    /* How often to look at a lock that other processes may unlock: half a millisecond, then twice as long each time. */
    FIRST_SLICE_NS = 500 * 1000,
    LAST_SLICE_NS = 16 * 1000 * 1000,
    /* An unlock may pass us by: in a library that was loaded with RTLD_DEEPBIND, or while the first task ever was about
     * to wait. */
    CAREFUL_SLICE_NS = 100 * 1000 * 1000,
};

atomic_bool cede__posix_waited;

static struct cede__posix_gate gates[GATES]; /* all zero is PTHREAD_MUTEX_INITIALIZER */

struct cede__posix_gate *cede__posix_gate(const void *address)
{
    return &gates[(uintptr_t)address * (uintptr_t)0x9e3779b97f4a7c15 >> (sizeof(uintptr_t) * 8 - GATES_LOG2)];
}

bool cede__posix_invalid(const struct timespec *until, clockid_t clock)
{
    return until->tv_nsec < 0 || until->tv_nsec >= CEDE_SECOND
           || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC);
}

/* What is left until then; not positive: nothing. */
static int64_t left_ns(const struct timespec *until, clockid_t clock)
{
    struct timespec now;
    int64_t seconds;

    if (!until)
        return INT64_MAX;
    clock_gettime(clock, &now);
    seconds = (int64_t)until->tv_sec - now.tv_sec;
    if (seconds > INT64_MAX / CEDE_SECOND / 2)
        return INT64_MAX;
    return seconds < 0 ? 0 : seconds * CEDE_SECOND + until->tv_nsec - now.tv_nsec;
}

int64_t cede__posix_deadline(const struct timespec *until, clockid_t clock)
{
    int64_t left = left_ns(until, clock);

    return left == INT64_MAX ? INT64_MAX : cede_now() + left;
}

bool cede__posix_passed(const struct timespec *until, clockid_t clock)
{
    return left_ns(until, clock) <= 0;
}

/* How long at most before looking again. */
static int64_t first_slice(const struct cede__posix_lock_wait *wait)
{
    extern char __libc_single_threaded __attribute__((weak));

    if (wait->outside)
        return FIRST_SLICE_NS;
    return &__libc_single_threaded && __libc_single_threaded ? INT64_MAX : CAREFUL_SLICE_NS;
}

static int64_t next_slice(int64_t slice_ns)
{
    return slice_ns < LAST_SLICE_NS / 2 ? 2 * slice_ns : slice_ns > LAST_SLICE_NS ? slice_ns : LAST_SLICE_NS;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* One stay in the lot. EBUSY: nothing has been decided. */
static int stay(const struct cede__posix_lock_wait *wait, int64_t slice_ns)
{
    struct cede_lot_waiter waiter;
    int64_t deadline_ns, slice_end_ns = slice_ns == INT64_MAX ? INT64_MAX : cede_now() + slice_ns;
    int result, error = 0;

    cede_lot_enter(&waiter, wait->address, wait->what, wait->posted ? CEDE_LOT_POSTED : 0);
    result = wait->try(wait->object);
    if (result != EBUSY) {
        if (cede_lot_leave(&waiter)) /* a wake for one: somebody else may need it */
            cede_lot_wake(wait->address, 1);
        return result;
    }
    deadline_ns = cede__posix_deadline(wait->until, wait->clock);
    if (cede_lot_park(&waiter, earlier(deadline_ns, slice_end_ns)) != 0)
        error = errno;
    result = wait->try(wait->object); /* what can be had is had, whatever ended the wait */
    if (result != EBUSY || error == 0)
        return result;
    if (error != ETIMEDOUT)
        return error;
    if (cede__posix_passed(wait->until, wait->clock))
        return ETIMEDOUT;
    return cede_check() == 0 ? EBUSY : errno;
}

int cede__posix_lock_wait(const struct cede__posix_lock_wait *wait)
{
    int64_t slice_ns = first_slice(wait);
    int saved = errno, result;
    struct cede_scope shield;

    if (wait->until && cede__posix_invalid(wait->until, wait->clock))
        return EINVAL;
    atomic_store_explicit(&cede__posix_waited, true, memory_order_relaxed);
    if (!wait->ends)
        cede_scope_shield(&shield);
    while ((result = stay(wait, slice_ns)) == EBUSY)
        slice_ns = next_slice(slice_ns);
    if (!wait->ends)
        cede_scope_leave(&shield);
    errno = saved;
    return result;
}

#endif
