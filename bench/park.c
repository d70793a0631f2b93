/* SPDX-License-Identifier: MIT */
/* What does it cost one task to wake another and to wait until it is woken in turn? One figure is one wake and one
 * wait. */
#include "harness.h"

static const struct bench_case cases[] = {
    {"wake+park", 2, 0, BENCH_TINY},
};

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
