/* SPDX-License-Identifier: MIT */
/* What yield.c asks. */
#ifndef CEDE_BENCH_YIELD_H
#define CEDE_BENCH_YIELD_H

#include "harness.h"

enum {
    YIELD_ONE_PLACE,    /* all tasks run the same loop */
    YIELD_EIGHT_PLACES, /* each has a loop of its own */
    YIELD_DEEP,         /* all run the same loop, with two functions between it and the yield */
    YIELD_DEEP_EIGHT_PLACES,
};

#endif
