/* SPDX-License-Identifier: MIT */
/*
 * Entries of functions on aarch64; see patch.h. One instruction is replaced by a branch, which reaches 128 MiB. Names
 * of instructions as in the Arm Architecture Reference Manual (DDI 0487), C4.1.
 */
#include "../patch.h"

#include <stdbool.h>
#include <string.h>

enum { INSTRUCTION_BYTES = 4 };

/* Islands hold two branches of their own, and the plan must stay right at both of their ends. */
const uint64_t cede__patch_reach = (UINT64_C(1) << 27) - (1 << 16);

static uint32_t load(const unsigned char *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* B to `to`, as it stands at `from`. */
static uint32_t branch(const unsigned char *from, const unsigned char *to)
{
    return 0x14000000 | (((uint64_t)(to - from) >> 2) & 0x3ffffff);
}

/* BTI c, BTI j, BTI jc, BTI: the landing pad, which is to stay where it is. */
static int is_pad(uint32_t word)
{
    return (word & 0xffffff3f) == 0xd503241f;
}

/* Whether its meaning does not depend on where it stands: all but ADR and ADRP, LDR (literal) and PRFM (literal), and
 * every branch. PACIASP is a landing pad too, and moves: the page that it stood on is no longer guarded. */
static int is_movable(uint32_t word)
{
    return (word & 0x1f000000) != 0x10000000     /* ADR, ADRP */
           && (word & 0x3b000000) != 0x18000000  /* load literal */
           && (word & 0x1c000000) != 0x14000000; /* branches, exceptions, system: of these see is_hint() */
}

/* NOP, PACIASP and other hints: harmless anywhere, though among the system instructions. */
static int is_hint(uint32_t word)
{
    return (word & 0xfffff01f) == 0xd503201f;
}

/* B to a fixed address; where it went, or NULL. */
static const unsigned char *branch_target(const unsigned char *at)
{
    uint32_t word = load(at);

    if ((word & 0xfc000000) != 0x14000000)
        return NULL;
    return at + (((int64_t)((uint64_t)word << 38)) >> 36);
}

/* B.cond; CBZ, CBNZ; TBZ, TBNZ. */
static bool is_conditional(uint32_t word)
{
    return (word & 0xff000010) == 0x54000000 || (word & 0x7c000000) == 0x34000000;
}

/* Where a conditional or unconditional branch, CBZ or TBZ at `at` goes; NULL: it is none. */
static const unsigned char *any_target(const unsigned char *at)
{
    uint32_t word = load(at);

    if ((word & 0x7c000000) == 0x14000000) /* B, BL */
        return at + (((int64_t)((uint64_t)word << 38)) >> 36);
    if ((word & 0xff000000) == 0x54000000 || (word & 0x7e000000) == 0x34000000) /* B.cond; CBZ, CBNZ */
        return at + (((int64_t)((uint64_t)(word >> 5) << 45)) >> 43);
    if ((word & 0x7e000000) == 0x36000000) /* TBZ, TBNZ */
        return at + (((int64_t)((uint64_t)(word >> 5) << 50)) >> 48);
    return NULL;
}

/* A conditional branch two instructions forward, whatever it was before. */
static uint32_t over_one(uint32_t word)
{
    bool bit = (word & 0x7e000000) == 0x36000000; /* TBZ, TBNZ have 14 bits, the others 19 */

    return bit ? (word & 0xfff8001f) | 2 << 5 : (word & 0xff00001f) | 2 << 5;
}

const char *cede__patch_plan(struct cede__patch *patch, unsigned char *function, size_t size, unsigned char *island,
                             void (*target)(void))
{
    static const uint32_t far_jump[] = {0x58000050, 0xd61f0200}; /* LDR x16, .+8; BR x16 */
    unsigned char *original = island + CEDE__PATCH_ORIGINAL;
    const unsigned char *to;
    uint32_t first, words[4];
    size_t count = 3;
    size_t i;

    patch->at = function + (size >= INSTRUCTION_BYTES && is_pad(load(function)) ? INSTRUCTION_BYTES : 0);
    patch->bytes = INSTRUCTION_BYTES;
    if (size < (size_t)(patch->at - function) + INSTRUCTION_BYTES)
        return "it is too short";
    /* A jump to the very beginning is a call of the function, which may go the new way; behind a landing pad it is
     * not. */
    for (i = 0; patch->at != function && i + INSTRUCTION_BYTES <= size; i += INSTRUCTION_BYTES)
        if (any_target(function + i) == patch->at)
            return "it jumps back to its own entry";
    first = load(patch->at);
    to = branch_target(patch->at);
    words[0] = 0xd503245f; /* BTI c: it is called through a pointer */
    words[2] = branch(original + 8, patch->at + INSTRUCTION_BYTES);
    if (to) {
        words[1] = branch(original + 4, to);
    } else if (is_conditional(first)) {
        words[1] = over_one(first);
        words[3] = branch(original + 12, any_target(patch->at));
        count = 4;
    } else if (is_movable(first) || is_hint(first)) {
        words[1] = first;
    } else {
        return "its first instruction is not understood";
    }
    memcpy(original, words, count * INSTRUCTION_BYTES);
    memcpy(island, far_jump, sizeof far_jump);
    memcpy(island + sizeof far_jump, &target, sizeof target);
    words[0] = branch(patch->at, island);
    memcpy(patch->code, words, INSTRUCTION_BYTES);
    return NULL;
}
