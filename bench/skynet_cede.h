/* SPDX-License-Identifier: MIT */
/* The tree of cede's tasks, for every subject that is one. */
#ifndef CEDE_BENCH_SKYNET_CEDE_H
#define CEDE_BENCH_SKYNET_CEDE_H

#include "skynet.h"

void skynet_cede_measure(const struct bench_case *which, int depth_first);

#endif
