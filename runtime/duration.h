/* SPDX-License-Identifier: MIT */
/* Durations and points in time, in nanoseconds, to and from struct timespec. All saturate: INT64_MAX is for ever. */
#ifndef CEDE_RUNTIME_DURATION_H
#define CEDE_RUNTIME_DURATION_H

#include <cede/time.h>
#include <errno.h>
#include <stdint.h>
#include <time.h>

/* Nanoseconds of a valid timespec. -1 with errno EINVAL. */
static inline int64_t cede__duration_of(const struct timespec *time)
{
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= CEDE_SECOND) {
        errno = EINVAL;
        return -1;
    }
    if (time->tv_sec >= INT64_MAX / CEDE_SECOND)
        return INT64_MAX;
    return (int64_t)time->tv_sec * CEDE_SECOND + time->tv_nsec;
}

static inline struct timespec cede__duration_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / CEDE_SECOND, .tv_nsec = ns % CEDE_SECOND};
}

/* The time that comes duration_ns after now_ns. */
static inline int64_t cede__duration_after(int64_t now_ns, int64_t duration_ns)
{
    return duration_ns < INT64_MAX - now_ns ? now_ns + duration_ns : INT64_MAX;
}

/* What is left at now_ns until until_ns; never negative. */
static inline int64_t cede__duration_left(int64_t now_ns, int64_t until_ns)
{
    return until_ns == INT64_MAX ? INT64_MAX : until_ns > now_ns ? until_ns - now_ns : 0;
}

#endif
