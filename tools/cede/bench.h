/* SPDX-License-Identifier: MIT */
/* The measurements of `cede bench switch`. */
#ifndef CEDE_TOOLS_BENCH_H
#define CEDE_TOOLS_BENCH_H

#include <stdint.h>

/* What one operation took. */
struct bench_cost {
    double ns, cycles;
};

/* ---- time and cycles (bench_clock.c) ---- */

/*
 * Prepares the clock. Cycles are counted by the CPU where the kernel allows it (perf_event_open(2), user mode only);
 * else they are reckoned from the time, and how fast a chain of additions runs, each of which waits for the one before:
 * that takes every CPU one cycle. The clocks that can be read everywhere (TSC, CNTVCT) do not run at the CPU's speed.
 */
void bench_clock_start(void);

/* How cycles are known: a sentence for the summary. */
const char *bench_clock_how(void);

/* Between begin and end lie `operations` operations. One measurement at a time. */
void bench_clock_begin(void);
struct bench_cost bench_clock_end(long operations);

/* ---- the measurements: each does about so many operations ---- */

/* Without the runtime (bench_switch.c): the port's own routines, built into this program in both ways. */
struct bench_cost bench_call(long operations);                    /* an indirect call and its return, to compare */
struct bench_cost bench_switch_two(long operations);              /* between two contexts */
struct bench_cost bench_switch_two_no_control(long operations);   /* the same, without floating-point control words */
struct bench_cost bench_switch_many(long operations);             /* round a thousand contexts */
struct bench_cost bench_switch_many_no_control(long operations);

/* Tasks of libcede (bench_task.c). */
struct bench_cost bench_yield_two(long operations);
struct bench_cost bench_yield_many(long operations);              /* a thousand tasks */
struct bench_cost bench_wake_park(long operations);               /* two tasks, one wake and one park each */
struct bench_cost bench_spawn_join(long operations);
struct bench_cost bench_thread(long operations);                  /* pthread_create and pthread_join, to compare */

#endif
