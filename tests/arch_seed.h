/* SPDX-License-Identifier: MIT */
/*
 * What the conformance test of arch/ needs from a CPU beside the port: tests/arch_seed_<cpu>.asm or .S defines this.
 */
#ifndef CEDE_TESTS_ARCH_SEED_H
#define CEDE_TESTS_ARCH_SEED_H

#include <stdint.h>

struct arch_register {
    char name[8];   /* as the comments in the port's switch call it */
    uint64_t vary;  /* bits that may hold anything; none: a register that the switch must not touch at all */
    uint64_t fixed; /* bits that must be set for the CPU to behave; the other bits are ignored */
    int64_t dwarf;  /* its number for unwinders, or -1 if they do not restore it */
};

/* Every register that cede__switch() keeps, in the order of the arrays below; the last name is empty. */
extern const struct arch_register arch_registers[];

enum { ARCH_REGISTERS_MAX = 32 };

/* What holds the address that cede__switch() returns to. A loss of it can only be noticed by a crash. */
extern const char arch_return_register[8];

/*
 * Loads arch_registers[] from in[], calls fn(a, b, c), stores arch_registers[] to out[], and returns as any
 * function. Between the call of fn and the stores it relies on nothing but the stack pointer, so that a broken
 * switch does not break the test that is to report it. Has unwind data.
 */
void arch_seeded_call(const uint64_t *in, uint64_t *out, void (*fn)(void *, void *, void *), void *a, void *b, void *c);

/* Turns on or off a SIGTRAP after every instruction. Returns 0, or -1 where the CPU cannot do that to itself. */
int arch_single_step(int on);

#endif
