/* SPDX-License-Identifier: MIT */
/*
 * What does it cost to have a function called on a helper thread, and to wait for its result?
 *
 * The function does nothing. n is how many tasks do so at the same time; all threads are on one CPU.
 */
#include "harness.h"

static const struct bench_case cases[] = {
    {"offload round trip", 1, 0, BENCH_TINY},
    {"offload round trip", 100, 0, BENCH_TINY},
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
