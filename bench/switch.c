/* SPDX-License-Identifier: MIT */
/*
 * What does it cost to go from one context to another, with no scheduler in between?
 *
 * A figure for two contexts that switch in a loop says little: every branch is predicted, everything is in the cache.
 * So the same is asked with eight different places in the code that switch, and with functions between such a place and
 * the loop, which have to return after it; and with many contexts, one after the other or in random order.
 */
#include "switch.h"

static const struct bench_case cases[] = {
    {"switch, one site", 2, SWITCH_ONE_SITE, BENCH_TINY},
    {"switch, 8 sites", 8, SWITCH_LEAF, BENCH_TINY},
    {"switch, 8 sites, 1 frame deep", 8, SWITCH_ONE_DEEP, BENCH_TINY},
    {"switch, 8 sites, 3 frames deep", 8, SWITCH_THREE_DEEP, BENCH_TINY},
    {"switch, ring", 10, SWITCH_ONE_SITE, BENCH_QUICK},
    {"switch, ring", 100, SWITCH_ONE_SITE, BENCH_NORMAL},
    {"switch, ring", 1000, SWITCH_ONE_SITE, BENCH_TINY},
    {"switch, ring", 10000, SWITCH_ONE_SITE, BENCH_NORMAL},
    {"switch, ring", 100000, SWITCH_ONE_SITE, BENCH_QUICK},
    {"switch, random order", 1000, SWITCH_RANDOM, BENCH_TINY},
    {"switch, random order", 10000, SWITCH_RANDOM, BENCH_NORMAL},
    {"switch, random order", 100000, SWITCH_RANDOM, BENCH_QUICK},
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
