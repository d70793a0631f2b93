/* SPDX-License-Identifier: MIT */
/* How long timers are to run. */
#ifndef CEDE_BENCH_TIMERS_H
#define CEDE_BENCH_TIMERS_H

#include "harness.h"

/* The next one's time, 1 to 1,000 seconds. *seed begins with 1: the same sequence for all. */
int64_t timers_duration_ms(uint32_t *seed);

#endif
