/* SPDX-License-Identifier: MIT */
/* Sleeping: a wait for nothing but its own deadline; see cede/time.h and cede/io.h. */
#include <cede/io.h>
#include <cede/time.h>
#include <errno.h>

#include <cede/task.h>

#include "sys.h"
#include "wait.h"

/* Parks until the time until_ns of the monotonic clock. 0, or -1 with errno. A sleep without end is not a deadlock: it
 * waits for a cancel. */
static int sleep_until(int64_t until_ns)
{
    struct cede__waiter waiter = {.what = "sleep", .subject = -1, .external = until_ns == INT64_MAX};
    enum cede__wake reason = cede__wait(&waiter, until_ns);

    return reason == CEDE__WAKE_DEADLINE ? 0 : cede__wait_errno(reason);
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / CEDE_SECOND, .tv_nsec = ns % CEDE_SECOND};
}

/* Nanoseconds of a valid timespec; saturates. -1 with errno EINVAL. */
static int64_t nanoseconds_of(const struct timespec *time)
{
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= CEDE_SECOND) {
        errno = EINVAL;
        return -1;
    }
    if (time->tv_sec >= INT64_MAX / CEDE_SECOND)
        return INT64_MAX;
    return (int64_t)time->tv_sec * CEDE_SECOND + time->tv_nsec;
}

static int64_t sum(int64_t now_ns, int64_t duration_ns)
{
    return duration_ns < INT64_MAX - now_ns ? now_ns + duration_ns : INT64_MAX;
}

int cede_sleep(int64_t duration_ns)
{
    struct timespec duration;

    if (duration_ns < 0) {
        errno = EINVAL;
        return -1;
    }
    if (cede__in_task())
        return duration_ns == 0 ? cede_yield() : sleep_until(sum(cede__sched_now(cede__worker), duration_ns));
    duration = timespec_of(duration_ns);
    return (int)syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &duration, NULL);
}

int cede_usleep(unsigned usec)
{
    return cede_sleep((int64_t)usec * CEDE_MICROSECOND);
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
    time_ns = nanoseconds_of(time);
    if (time_ns < 0) {
        errno = saved;
        return EINVAL;
    }
    if (flags & TIMER_ABSTIME) {
        clock_gettime(clock, &now);
        now_ns = nanoseconds_of(&now);
        time_ns = time_ns > now_ns ? time_ns - now_ns : 0;
    }
    until_ns = sum(cede__sched_now(cede__worker), time_ns);
    if (sleep_until(until_ns) != 0) {
        error = errno;
        if (remaining && !(flags & TIMER_ABSTIME)) {
            now_ns = cede_now();
            *remaining = timespec_of(until_ns > now_ns ? until_ns - now_ns : 0);
        }
    }
    errno = saved;
    return error;
}
