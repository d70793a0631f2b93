/* SPDX-License-Identifier: MIT */
/*
 * How the entry of a function that is there already is made to lead elsewhere: what libcede-posix needs of a CPU beside
 * arch.h. arch/<cpu>/patch.c defines it; for a CPU without that file arch/patch_none.c does, and says no.
 *
 * A function's first instructions are replaced by a jump to an island, near enough for one short jump, which holds
 *
 *     offset 0                       a jump to the function's new meaning, wherever that is
 *     CEDE__PATCH_ORIGINAL           the instructions that were replaced, moved so that they still mean the same, and
 *                                    a jump back behind them: the function as it was before
 *
 * Nothing here writes to the function itself: planning comes first, for all functions, and who has planned them all
 * writes struct cede__patch.code over struct cede__patch.at.
 */
#ifndef CEDE_ARCH_PATCH_H
#define CEDE_ARCH_PATCH_H

#include <stddef.h>
#include <stdint.h>

enum {
    CEDE__PATCH_ISLAND_BYTES = 96,
    CEDE__PATCH_ORIGINAL = 16,  /* where in the island the original begins */
    CEDE__PATCH_MOST_BYTES = 32, /* that are replaced in a function */
};

/* How far an island may be from a function, in bytes. */
extern const uint64_t cede__patch_reach __attribute__((visibility("hidden")));

struct cede__patch {
    unsigned char *at; /* in the function: behind the CPU's landing pad, if it begins with one */
    size_t bytes;      /* to be replaced, whole instructions */
    unsigned char code[CEDE__PATCH_MOST_BYTES]; /* by these */
};

/*
 * Reads the function of `size` bytes at `function` and writes its island, which leads to `target`.
 *
 * Returns NULL, or why it cannot be done, in words: nothing is to be written then. That is so for an instruction that
 * is not known well enough to be moved, for a function that is too short, and for one that jumps back to where the jump
 * would be.
 */
const char *cede__patch_plan(struct cede__patch *patch, unsigned char *function, size_t size, unsigned char *island,
                             void (*target)(void)) __attribute__((visibility("hidden")));

#endif
