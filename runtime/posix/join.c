/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the end of a thread under libc's names, pthread_join and its like; see cede/posix.h and lock.h.
 *
 * Nobody tells when a thread has ended but the kernel, and that to futexes only; so a task looks again and again, at
 * intervals that grow with the time it has waited.
 */
#include "thread.h"

#ifdef CEDE__POSIX_LOCKS

#include <cede/scope.h>
#include <cede/time.h>
#include <errno.h>
#include <threads.h>

enum { FIRST_PAUSE_NS = 50 * 1000, LAST_PAUSE_NS = 10 * 1000 * 1000, PART = 8 /* of the time waited so far */ };

int cede__posix_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_timedjoin_np, pthread_timedjoin_np);
int cede__posix_pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(pthread_clockjoin_np, pthread_clockjoin_np);

/* pthread_tryjoin_np() that knows all errors of pthread_join(3): EBUSY, if it runs still. */
static int try(pthread_t thread, void **result)
{
    static const struct timespec past;
    int error = CEDE__POSIX_PLAIN(pthread_timedjoin_np)(thread, result, &past);

    return error == ETIMEDOUT ? EBUSY : error;
}

static int64_t pause_ns(int64_t waited_ns)
{
    int64_t pause = waited_ns / PART;

    return pause < FIRST_PAUSE_NS ? FIRST_PAUSE_NS : pause < LAST_PAUSE_NS ? pause : LAST_PAUSE_NS;
}

static int task_join(pthread_t thread, void **result, const struct timespec *until, clockid_t clock)
{
    int64_t begin_ns = cede_now(), now_ns, deadline_ns, again_ns;
    struct cede_lot_waiter waiter;
    int saved = errno, error, interrupted = 0;

    if (until && cede__posix_invalid(until, clock))
        return EINVAL;
    while ((error = try(thread, result)) == EBUSY && !interrupted && !cede__posix_passed(until, clock)) {
        now_ns = cede_now();
        deadline_ns = cede__posix_deadline(until, clock);
        again_ns = now_ns + pause_ns(now_ns - begin_ns);
        cede_lot_enter(&waiter, &waiter, "pthread_join", 0);
        cede_lot_park(&waiter, again_ns < deadline_ns ? again_ns : deadline_ns);
        interrupted = cede_check();
    }
    errno = saved;
    return error == EBUSY ? ETIMEDOUT : error;
}

int cede__posix_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until)
{
    return cede__posix_pthread_clockjoin_np(thread, result, CLOCK_REALTIME, until);
}

int cede__posix_pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until)
{
    if (cede__posix_thread_is(thread))
        return cede__posix_thread_join(thread, result, clock, until);
    return cede_lot_able() ? task_join(thread, result, until, clock)
                           : CEDE__POSIX_PLAIN(pthread_clockjoin_np)(thread, result, clock, until);
}

CEDE__POSIX_EXPORT_LOCK(pthread_join, pthread_join);
int cede__posix_pthread_join(pthread_t thread, void **result)
{
    int error = 0;

    if (cede__posix_thread_is(thread))
        return cede__posix_thread_join(thread, result, CLOCK_REALTIME, NULL);
    if (!cede_lot_able())
        return CEDE__POSIX_PLAIN(pthread_join)(thread, result);
    cede_shield
        error = task_join(thread, result, NULL, CLOCK_REALTIME);
    return error;
}

/* Does not wait, and so needs no help but for threads that are tasks. */
int cede__posix_pthread_tryjoin_np(pthread_t thread, void **result);
CEDE__POSIX_EXPORT_ONLY(pthread_tryjoin_np, pthread_tryjoin_np);
int cede__posix_pthread_tryjoin_np(pthread_t thread, void **result)
{
    return cede__posix_thread_is(thread) ? cede__posix_thread_tryjoin(thread, result)
                                         : CEDE__POSIX_PLAIN(pthread_tryjoin_np)(thread, result);
}

int cede__posix_thrd_join(thrd_t thread, int *result);
CEDE__POSIX_EXPORT_LOCK(thrd_join, thrd_join);
int cede__posix_thrd_join(thrd_t thread, int *result)
{
    void *value = NULL;

    if (cede__posix_pthread_join(thread, &value) != 0)
        return thrd_error;
    if (result)
        *result = (int)(intptr_t)value;
    return thrd_success;
}

#endif
