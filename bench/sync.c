/* SPDX-License-Identifier: MIT */
/*
 * What does it cost two tasks to hand something over to each other?
 *
 * One figure is one message, one time in the lock, one turn, one result: half of a round trip.
 */
#include "sync.h"

static const struct bench_case cases[] = {
    {"channel ping-pong", 2, SYNC_CHANNEL, BENCH_TINY},
    {"select over 4 channels", 4, SYNC_SELECT, BENCH_TINY},
    {"mutex hand-over", 2, SYNC_MUTEX, BENCH_TINY},
    {"condition ping-pong", 2, SYNC_CONDITION, BENCH_TINY},
    {"future ping-pong", 2, SYNC_FUTURE, BENCH_TINY},
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
