/* SPDX-License-Identifier: MIT */
/*
 * futex(2) by syscall(2), in programs whose threads are tasks: how languages' own locks and conditions wait (Rust's,
 * and std::future and std::atomic of C++). See thread.h. Waits are in the lot; an OS thread that waits in the kernel is
 * woken as well.
 */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <cede/scope.h>
#include <cede/time.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    /* After this long a wait may end for no reason, as futexes may: another process, or code that makes its system
     * calls itself, may have woken it in vain. */
    SHARED_SLICE_NS = 2 * 1000 * 1000,
    PRIVATE_SLICE_NS = 100 * 1000 * 1000,
};

/* The time of cede_now() at which the wait ends; INT64_MAX: never; -1: that is no time. */
static int64_t deadline_of(int operation, const struct timespec *timeout)
{
    clockid_t clock = operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;

    if (!timeout)
        return INT64_MAX;
    if (timeout->tv_nsec < 0 || timeout->tv_nsec >= CEDE_SECOND || timeout->tv_sec < 0)
        return -1;
    if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET)
        return cede__posix_deadline(timeout, clock);
    if (timeout->tv_sec > INT64_MAX / CEDE_SECOND / 2)
        return INT64_MAX;
    return cede_now() + timeout->tv_sec * CEDE_SECOND + timeout->tv_nsec;
}

static int64_t slice_end(int operation)
{
    extern char __libc_single_threaded __attribute__((weak));

    if (!(operation & FUTEX_PRIVATE_FLAG))
        return cede_now() + SHARED_SLICE_NS;
    return &__libc_single_threaded && __libc_single_threaded ? INT64_MAX : cede_now() + PRIVATE_SLICE_NS;
}

static long wait_in_lot(const unsigned *word, int operation, unsigned expected, const struct timespec *timeout)
{
    int64_t deadline_ns = deadline_of(operation, timeout), slice_ns = slice_end(operation);
    struct cede_lot_waiter waiter;
    int error = 0;

    if (deadline_ns < 0) {
        errno = EINVAL;
        return -1;
    }
    cede_lot_enter(&waiter, word, "futex", 0);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != expected) {
        if (cede_lot_leave(&waiter))
            cede_lot_wake(word, 1);
        errno = EAGAIN;
        return -1;
    }
    cede_shield /* no cancellation point, and nobody expects ECANCELED */
        if (cede_lot_park(&waiter, deadline_ns < slice_ns ? deadline_ns : slice_ns) != 0)
            error = errno;
    if (!error || (error == ETIMEDOUT && cede_now() < deadline_ns))
        return 0;
    errno = error;
    return -1;
}

/* How many were woken, of `most`. */
static long wake(cede__posix_syscall_fn *plain, const long *argument, long most)
{
    long woken = plain(SYS_futex, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
    unsigned left;

    if (woken < 0 || woken >= most)
        return woken;
    left = most - woken > INT_MAX ? UINT32_MAX : (unsigned)(most - woken);
    return woken + cede_lot_wake((const void *)argument[0], left);
}

long cede__posix_futex(cede__posix_syscall_fn *plain, const long *argument, bool *ours)
{
    int operation = (int)argument[1];

    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return wait_in_lot((const unsigned *)argument[0], operation, (unsigned)argument[2],
                           (const struct timespec *)argument[3]);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return wake(plain, argument, (int)argument[2]);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE: /* who waits in the lot goes on at once, and waits again where it finds that it must */
        return wake(plain, argument, INT_MAX);
    default:
        *ours = false;
        return -1;
    }
}

#endif
