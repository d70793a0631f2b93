/* SPDX-License-Identifier: MIT */
/* Another task, which ticks while a call of libc waits: for suites of libcede-posix. */
#ifndef CEDE_TESTS_POSIX_TICKS_H
#define CEDE_TESTS_POSIX_TICKS_H

#include <unistd.h>

#include "harness.h"

enum { ENOUGH_TICKS = 1, TICK_US = 1000, DELAY_US = 20 * TICK_US };

static int ticks;
static bool stop;

static int tick(void *unused)
{
    (void)unused;
    for (; !stop; ticks++)
        usleep(TICK_US);
    return 0;
}

static struct cede_task *start_ticks(void)
{
    stop = false;
    ticks = 0;
    return cede_spawn(tick, NULL);
}

/* The call between start_ticks() and this did not block the thread. */
static void assert_ticked(struct cede_task *ticker, const char *call)
{
    int seen = ticks;

    stop = true;
    ck_assert_int_eq(cede_await(ticker), 0);
    ck_assert_msg(seen >= ENOUGH_TICKS, "%s: the other task ran %d times only", call, seen);
}

#endif
