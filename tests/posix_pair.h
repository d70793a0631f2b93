/* SPDX-License-Identifier: MIT */
/* Two ends, one of which a task reads while another writes to the other, later: for suites of libcede-posix. */
#ifndef CEDE_TESTS_POSIX_PAIR_H
#define CEDE_TESTS_POSIX_PAIR_H

#include <cede/time.h>

#include "posix_ticks.h"
#include "test_posix_calls.h"

#define LONG_NS (3 * CEDE_SECOND) /* for what must not wait at all; shorter than libcheck's patience */

static int pair[2];

static inline int late_write(void *unused)
{
    (void)unused;
    usleep(DELAY_US);
    return write(pair[1], "x", 1) == 1 ? 0 : -1;
}

static inline int read_pair(void *unused)
{
    (void)unused;
    return posix_calls_plain[0].wait(pair[0], POSIX_CALL_BUFFER);
}

#endif
