/* SPDX-License-Identifier: MIT */
/* How late sleepers wake. */
#ifndef CEDE_BENCH_SLEEPERS_H
#define CEDE_BENCH_SLEEPERS_H

#include "harness.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Begins the measurement. */
void sleepers_start(void);

/* How long the next sleeper is to sleep: 1 to 1,000 ms (in a tiny run 20), the same sequence in each process. */
int64_t sleepers_duration_ns(void);

/* A sleeper that was due at due_ns has woken. Any thread. */
void sleepers_woke(int64_t due_ns);

/* Ends it, and reports. */
void sleepers_report(const struct bench_case *which);

/* The same where nobody sleeps: only the time. */
void sleepers_report_time(void);

#ifdef __cplusplus
}
#endif

#endif
