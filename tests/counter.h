/* SPDX-License-Identifier: MIT */
/* The generator that most suites of generators consume. */
#ifndef CEDE_TESTS_COUNTER_H
#define CEDE_TESTS_COUNTER_H

#include "early.h"

#define LONG (600 * CEDE_SECOND) /* fails the test by its time limit */

static int ended; /* bodies that were left, in whatever way */

static inline void count_up(int *counter)
{
    ++*counter;
    errno = EIO; /* must not reach anybody */
}

struct counter { int from, to; };

static inline int counter(struct counter *a, int *item)
{
    cede_defer(count_up, &ended);
    for (int i = a->from; i < a->to; i++)
        if (cede_gen_put(item, i) != 0)
            return -1;
    return 0;
}

/* A child that a body may have. */
static inline int parks(void *unused)
{
    (void)unused;
    return cede_park();
}

#endif
