/* SPDX-License-Identifier: MIT */
/* The shapes of the bare switch: what switch.c asks and switch_shapes.h measures. */
#ifndef CEDE_BENCH_SWITCH_H
#define CEDE_BENCH_SWITCH_H

#include "harness.h"

enum {
    SWITCH_ONE_SITE,   /* all contexts run the same loop */
    SWITCH_RANDOM,     /* the same, and the next one is anywhere in memory */
    SWITCH_LEAF,       /* eight loops, each with its own switch */
    SWITCH_ONE_DEEP,   /* eight loops, each with its own function that switches */
    SWITCH_THREE_DEEP, /* and two more functions between */
};

#endif
