/* SPDX-License-Identifier: MIT */
/* What spawn.c asks. */
#ifndef CEDE_BENCH_SPAWN_H
#define CEDE_BENCH_SPAWN_H

#include "harness.h"

enum {
    SPAWN_ONE_BY_ONE, /* make a task, wait for its end, again */
    SPAWN_AT_ONCE,    /* make n tasks, then wait for all; twice, for the second time finds memory in place */
    SPAWN_GROUP,      /* the same, by what the subject has for tasks that belong together; again and again */
};

#endif
