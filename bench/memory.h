/* SPDX-License-Identifier: MIT */
/* How much memory the process has, before and after. */
#ifndef CEDE_BENCH_MEMORY_H
#define CEDE_BENCH_MEMORY_H

#include "harness.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MEMORY_STACK_BYTES = 64 << 10 };

struct memory_mark {
    double rss, page_tables; /* bytes */
    int64_t at_ns;           /* last: the time to look is not in it */
};

struct memory_mark memory_mark(void);

/* Reports what has come since `before`, per task. */
void memory_report(const struct memory_mark *before, const struct bench_case *which);

#ifdef __cplusplus
}
#endif

#endif
