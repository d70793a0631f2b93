/* SPDX-License-Identifier: MIT */
/*
 * What does a deadline cost that is not reached? That is the fate of most of them: armed before a wait, disarmed after.
 *
 * n timers are pending all the time, due at random within the next 1,000 seconds, and stay pending.
 */
#include "timers.h"

static const struct bench_case cases[] = {
    {"timer arm+disarm, pending", 1000, 0, BENCH_TINY},
    {"timer arm+disarm, pending", 1000000, 0, BENCH_QUICK},
};

int64_t timers_duration_ms(uint32_t *seed)
{
    return 1000 + bench_random(seed) % 1000000;
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
