/* SPDX-License-Identifier: MIT */
/* Sleeping: a wait for nothing but its own deadline; see cede/time.h and cede/io.h. */
#include <cede/io.h>
#include <cede/time.h>
#include <errno.h>

#include <cede/task.h>

#include "duration.h"
#include "sys.h"
#include "wait.h"

/* Parks until the time until_ns of the monotonic clock. 0, or -1 with errno. A sleep without end is not a deadlock: it
 * waits for a cancel. */
static int sleep_until(int64_t until_ns, enum cede__interruptible interruptible)
{
    struct cede__waiter waiter = {
        .what = "sleep", .subject = -1, .external = until_ns == INT64_MAX, .interruptible = interruptible};
    enum cede__wake reason = cede__wait(&waiter, until_ns);

    return reason == CEDE__WAKE_DEADLINE ? 0 : cede__wait_errno(reason);
}

int cede_sleep(int64_t duration_ns)
{
    struct timespec until;
    long result;

    if (duration_ns < 0) {
        errno = EINVAL;
        return -1;
    }
    if (cede__in_task() && duration_ns == 0)
        return cede_yield();
    if (cede__in_task())
        return sleep_until(cede__duration_after(cede__sched_now(cede__worker), duration_ns), CEDE__INTERRUPTIBLE_NEVER);
    until = cede__duration_timespec(cede__duration_after(cede_now(), duration_ns));
    do
        result = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    while (result != 0 && errno == EINTR);
    return (int)result;
}

int cede_usleep(unsigned usec)
{
    const struct timespec duration = cede__duration_timespec((int64_t)usec * CEDE_MICROSECOND);

    return cede_nanosleep(&duration, NULL);
}

int cede_nanosleep(const struct timespec *duration, struct timespec *remaining)
{
    int error = cede_clock_nanosleep(CLOCK_REALTIME, 0, duration, remaining); /* as nanosleep(2): any clock will do */

    if (error) {
        errno = error;
        return -1;
    }
    return 0;
}

int cede_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining)
{
    int saved = errno, error = 0;
    int64_t time_ns, now_ns, until_ns;
    struct timespec now;

    /* Clocks of CPU time stand still while a task is parked: the thread itself has to wait on them. */
    if (!cede__in_task() || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)) {
        error = syscall(SYS_clock_nanosleep, clock, flags, time, remaining) == 0 ? 0 : errno;
        errno = saved;
        return error;
    }
    if (!time)
        return EFAULT;
    time_ns = cede__duration_of(time);
    if (time_ns < 0) {
        errno = saved;
        return EINVAL;
    }
    if (flags & TIMER_ABSTIME) {
        clock_gettime(clock, &now);
        now_ns = cede__duration_of(&now);
        time_ns = time_ns > now_ns ? time_ns - now_ns : 0;
    }
    until_ns = cede__duration_after(cede__sched_now(cede__worker), time_ns);
    if (sleep_until(until_ns, CEDE__INTERRUPTIBLE) != 0) {
        error = errno;
        if (remaining && !(flags & TIMER_ABSTIME))
            *remaining = cede__duration_timespec(cede__duration_left(cede_now(), until_ns));
    }
    errno = saved;
    return error;
}
