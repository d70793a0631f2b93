/* SPDX-License-Identifier: MIT */
/* The tree, and its end. */
#ifndef CEDE_BENCH_SKYNET_H
#define CEDE_BENCH_SKYNET_H

#include "harness.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SKYNET_CHILDREN = 10 };

/* What a task is given: its first leaf's number and how many leaves are below it; and where its sum goes. */
struct skynet_node {
    int64_t first, leaves, sum;
};

/* Checks the sum and reports the time. */
void skynet_report(int64_t start_ns, long n, int64_t sum);

#ifdef __cplusplus
}
#endif

#endif
