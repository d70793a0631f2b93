/* SPDX-License-Identifier: MIT */
/* Sleeping under libc's names. */
#include "name.h"

CEDE__POSIX_FORWARD_ANYWHERE(int, nanosleep, (const struct timespec *duration, struct timespec *remaining),
                    (duration, remaining));
CEDE__POSIX_EXPORT(__nanosleep, nanosleep);

CEDE__POSIX_FORWARD_ANYWHERE(int, clock_nanosleep,
                    (clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining),
                    (clock, flags, time, remaining));

CEDE__POSIX_FORWARD_ANYWHERE(int, usleep, (unsigned usec), (usec));

/* sleep(3) tells an end before its time by the seconds that are left, and those are rounded up: a sleep that was
 * cancelled in its last second must not look complete. */
unsigned cede__posix_sleep(unsigned seconds);
CEDE__POSIX_EXPORT(sleep, sleep);
unsigned cede__posix_sleep(unsigned seconds)
{
    struct timespec duration = {.tv_sec = seconds}, left;

    if (cede__posix_nanosleep(&duration, &left) == 0)
        return 0;
    return (unsigned)left.tv_sec + (left.tv_nsec > 0);
}
