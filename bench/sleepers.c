/* SPDX-License-Identifier: MIT */
/*
 * What if very many tasks sleep? Each is made, sleeps once, for a random time of up to a second, and ends. So the best
 * possible wall time is one second; lateness is from when a sleeper should have woken to when it runs. One that wakes
 * too early is not late, but is counted.
 */
#include "sleepers.h"

#include <stdatomic.h>
#include <time.h>

static const struct bench_case cases[] = {
    {"sleepers", 1000, 0, BENCH_TINY_ONLY},
    {"sleepers", 100000, 0, BENCH_QUICK},
    {"sleepers", 1000000, 0, BENCH_FULL},
};

static int64_t start_ns, start_cpu_ns;
static uint32_t seed = 1;
static atomic_int_fast64_t late_ns, latest_ns;
static atomic_long woken, early;

static int64_t cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

void sleepers_start(void)
{
    start_ns = bench_now();
    start_cpu_ns = cpu_ns();
}

int64_t sleepers_duration_ns(void)
{
    int64_t longest_ms = bench_size() == BENCH_TINY ? 20 : 1000;

    return 1000000 + bench_random(&seed) % (longest_ms - 1) * 1000000;
}

void sleepers_woke(int64_t due_ns)
{
    int64_t late = bench_now() - due_ns, latest = atomic_load_explicit(&latest_ns, memory_order_relaxed);

    atomic_fetch_add_explicit(&woken, 1, memory_order_relaxed);
    if (late < 0) {
        atomic_fetch_add_explicit(&early, 1, memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&late_ns, late, memory_order_relaxed);
    while (late > latest && !atomic_compare_exchange_weak(&latest_ns, &latest, late))
        ;
}

void sleepers_report_time(void)
{
    int64_t end_ns = bench_now(), used_ns = cpu_ns() - start_cpu_ns;

    bench_report("wall", "s", (double)(end_ns - start_ns) / 1e9);
    bench_report("CPU", "s", (double)used_ns / 1e9);
}

void sleepers_report(const struct bench_case *which)
{
    if (woken != which->n)
        bench_fail("not all sleepers woke");
    sleepers_report_time();
    bench_report("mean lateness", "ms", (double)late_ns / (double)which->n / 1e6);
    bench_report("greatest lateness", "ms", (double)latest_ns / 1e6);
    bench_report("woken too early", "%", 100 * (double)early / (double)which->n);
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
