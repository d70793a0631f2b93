/* SPDX-License-Identifier: MIT */
/*
 * Units, clock, sleep. Durations are int64_t nanoseconds and are written with their unit: 250 * CEDE_MILLISECOND.
 */
#ifndef CEDE_TIME_H
#define CEDE_TIME_H

#include <stdint.h>

#include <cede/base.h>

#define CEDE_NANOSECOND  INT64_C(1)
#define CEDE_MICROSECOND INT64_C(1000)
#define CEDE_MILLISECOND INT64_C(1000000)
#define CEDE_SECOND      INT64_C(1000000000)
#define CEDE_MINUTE      (60 * CEDE_SECOND)
#define CEDE_HOUR        (60 * CEDE_MINUTE)

/* A duration that never ends. */
#define CEDE_FOREVER INT64_MAX

CEDE_BEGIN_DECLS

/*
 * The time now, in nanoseconds of CLOCK_MONOTONIC. Never fails, never parks; any thread. Models: loop.time,
 * clock_gettime(2).
 */
CEDE_API int64_t cede_now(void);

/*
 * Parks the calling task for at least duration_ns; never less, and as a rule less than a tenth of a millisecond
 * more. 0 is cede_yield(). CEDE_FOREVER sleeps until the task is cancelled. Outside a task it blocks the thread.
 *
 * Returns 0, or -1 with errno
 *   EINVAL     duration_ns is negative
 *   ECANCELED  the task was cancelled: it did not sleep to the end
 *   ETIMEDOUT  a cede_timeout scope around the call ended first
 *
 * Models: asyncio.sleep, time.Sleep. (sleep(3), usleep(3) and nanosleep(2) with their own signatures: cede/io.h.)
 */
CEDE_API int cede_sleep(int64_t duration_ns);

CEDE_END_DECLS

#endif
