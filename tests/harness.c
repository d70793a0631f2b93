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

/* See cover.h: not every suite is linked with it. */
__attribute__((weak)) void cover_passed(void);

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
    bool passed;

    srunner_run_all(runner, CK_ENV);
    passed = srunner_ntests_run(runner) > 0 && srunner_ntests_failed(runner) == 0;
    srunner_free(runner);
    if (passed && cover_passed)
        cover_passed();
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
