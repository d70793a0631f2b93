/* SPDX-License-Identifier: MIT */
/* The main function of every suite. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

unsigned harness_random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

bool harness_valgrind(void)
{
    return RUNNING_ON_VALGRIND;
}

bool harness_emulated(const char *what)
{
    if (!getenv("CEDE_TEST_EMULATED"))
        return false;
    printf("skipped in part: this emulator has no %s\n", what);
    return true;
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
