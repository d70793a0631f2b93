/* SPDX-License-Identifier: MIT */
/* What does it cost to make a task that does nothing, and to wait for its end? */
#include "spawn.h"

static const struct bench_case cases[] = {
    {"spawn+join one by one", 1, SPAWN_ONE_BY_ONE, BENCH_TINY},
    {"spawn at once, then join", 1000, SPAWN_AT_ONCE, BENCH_TINY},
    {"group", 1000, SPAWN_GROUP, BENCH_TINY},
    {"spawn at once, then join", 100000, SPAWN_AT_ONCE, BENCH_QUICK},
    {"spawn at once, then join", 1000000, SPAWN_AT_ONCE, BENCH_FULL},
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
