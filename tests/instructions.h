/* SPDX-License-Identifier: MIT */
/* What the programs share whose instructions are counted: instructions.c. */
#ifndef CEDE_TESTS_INSTRUCTIONS_H
#define CEDE_TESTS_INSTRUCTIONS_H

#include <cede.h>
#include <stdio.h>
#include <stdlib.h>

/* The program's: each is done 2 * count times in all, with a step() each time. The last has no name. */
extern const struct operation {
    const char *name;
    cede_task_fn *run;
} operations[];

extern long count, extra;

static inline void step(void)
{
    for (long turn = 0; turn < extra; turn++)
        __asm__ volatile("");
}

/* Ends the program if it is not ok. */
static inline void need(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

#endif
