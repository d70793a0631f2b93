/* SPDX-License-Identifier: MIT */
/* The main function of every suite. */
#include "harness.h"

#include <stdlib.h>

unsigned harness_random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int run, failed;

    srunner_run_all(runner, CK_ENV);
    run = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
