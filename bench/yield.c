/* SPDX-License-Identifier: MIT */
/*
 * What does it cost a task to let the others run, when all of them do nothing else?
 *
 * With two tasks this is the scheduler's own work; with 100,000 it is how well it hides that nothing is in the cache.
 * With eight tasks that yield at eight places, the processor cannot guess where a yield returns to; three frames deep,
 * two more functions return after it.
 */
#include "yield.h"

static const struct bench_case cases[] = {
    {"yield", 2, YIELD_ONE_PLACE, BENCH_TINY},
    {"yield, 3 frames deep", 2, YIELD_DEEP, BENCH_TINY},
    {"yield, 8 places in the code", 8, YIELD_EIGHT_PLACES, BENCH_TINY},
    {"yield, 8 places, 3 frames deep", 8, YIELD_DEEP_EIGHT_PLACES, BENCH_TINY},
    {"yield", 1000, YIELD_ONE_PLACE, BENCH_TINY},
    {"yield, 3 frames deep", 1000, YIELD_DEEP, BENCH_TINY},
    {"yield", 100000, YIELD_ONE_PLACE, BENCH_QUICK},
    {"yield", 1000000, YIELD_ONE_PLACE, BENCH_FULL},
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
