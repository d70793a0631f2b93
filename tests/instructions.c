/* SPDX-License-Identifier: MIT */
/*
 * PROGRAM OPERATION COUNT [EXTRA]: does an operation so many times, for check_instructions.sh, which counts the
 * instructions. EXTRA more turns of an empty loop per operation are the proof that it counts. Without arguments: which
 * operations there are.
 */
#include "instructions.h"

#include <string.h>

long count, extra;

int main(int argc, char **argv)
{
    const struct operation *operation;

    count = argc > 2 ? atol(argv[2]) / 2 : 0;
    extra = argc > 3 ? atol(argv[3]) : 0;
    for (operation = operations; operation->name; operation++)
        if (argc < 3)
            puts(operation->name);
        else if (strcmp(argv[1], operation->name) == 0)
            return cede_run(operation->run, NULL) == 0 ? 0 : 1;
    if (argc < 3)
        return 0;
    fprintf(stderr, "no operation %s\n", argv[1]);
    return 2;
}
