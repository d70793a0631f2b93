/* SPDX-License-Identifier: MIT */
/* For a CPU without a patch.c of its own; see patch.h. */
#include "patch.h"

const uint64_t cede__patch_reach = 0;

const char *cede__patch_plan(struct cede__patch *patch, unsigned char *function, size_t size, unsigned char *island,
                             void (*target)(void))
{
    (void)patch, (void)function, (void)size, (void)island, (void)target;
    return "not known how for this CPU";
}
