/* SPDX-License-Identifier: MIT */
/*
 * Skynet: a task makes ten, each of them ten more, and so on, until there are n leaves. A leaf's result is its number;
 * everybody else adds up what the ten bring. The figure is the whole tree's time.
 *
 * It was written to compare languages (by A. Temerev). Each subject awaits its children in the way it has for that.
 */
#include "skynet.h"

static const struct bench_case cases[] = {
    {"skynet, leaves", 1000, 0, BENCH_TINY_ONLY},
    {"skynet, leaves", 100000, 0, BENCH_QUICK},
    {"skynet, leaves", 1000000, 0, BENCH_NORMAL},
};

void skynet_report(int64_t start_ns, long n, int64_t sum)
{
    int64_t now_ns = bench_now();

    if (sum != (int64_t)n * (n - 1) / 2)
        bench_fail("skynet: wrong sum");
    bench_report(NULL, "ms", (double)(now_ns - start_ns) / 1e6);
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
