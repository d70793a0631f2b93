/* SPDX-License-Identifier: MIT */
/* The clock of `cede bench`: nanoseconds and cycles. */
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static int counter = -1;    /* of cycles, by the CPU; -1: none */
static double cycles_per_ns; /* without a counter */
static char how[128];
static int64_t begin_ns, begin_cycles;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t count(void)
{
    int64_t cycles = 0;

    return counter >= 0 && read(counter, &cycles, sizeof cycles) == sizeof cycles ? cycles : 0;
}

static int open_counter(void)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE, .size = sizeof attr,
                                   .config = PERF_COUNT_HW_CPU_CYCLES, .exclude_kernel = 1, .exclude_hv = 1};

    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Additions of registers, which no CPU can do ahead of each other. */
static uint64_t add_in_a_chain(long times)
{
    uint64_t sum = 1, step = 3;

#define ADD      sum += step; __asm__ volatile("" : "+r"(sum), "+r"(step));
#define ADD_10   ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD
#define ADD_100  ADD_10 ADD_10 ADD_10 ADD_10 ADD_10 ADD_10 ADD_10 ADD_10 ADD_10 ADD_10
    for (; times; times--) {
        ADD_100
    }
    return sum;
}

static double measure_cycles_per_ns(void)
{
    const long times = 100000;
    double best = 0, speed;
    volatile uint64_t sink;
    int64_t start_ns;
    int attempt;

    for (attempt = 0; attempt < 20; attempt++) {
        start_ns = now_ns();
        sink = add_in_a_chain(times);
        speed = 100.0 * (double)times / (double)(now_ns() - start_ns);
        if (speed > best)
            best = speed;
    }
    (void)sink;
    return best;
}

void bench_clock_start(void)
{
    counter = open_counter();
    if (counter >= 0 && count() > 0) {
        snprintf(how, sizeof how, "counted by the CPU in user mode (perf_event_open)");
        return;
    }
    cycles_per_ns = measure_cycles_per_ns();
    snprintf(how, sizeof how, "reckoned: the kernel lets nobody count, a chain of additions ran at %.2f GHz",
             cycles_per_ns);
}

const char *bench_clock_how(void)
{
    return how;
}

void bench_clock_begin(void)
{
    begin_cycles = count();
    begin_ns = now_ns();
}

struct bench_cost bench_clock_end(long operations)
{
    double ns = (double)(now_ns() - begin_ns) / (double)operations;

    return (struct bench_cost){
        .ns = ns,
        .cycles = cycles_per_ns > 0 ? ns * cycles_per_ns : (double)(count() - begin_cycles) / (double)operations,
    };
}
