/* SPDX-License-Identifier: MIT */
/*
 * What the conformance tests of arch/ need from a CPU beside the port: tests/arch_seed_<cpu>.asm or .S defines this.
 */
#ifndef CEDE_TESTS_ARCH_SEED_H
#define CEDE_TESTS_ARCH_SEED_H

#include <stdint.h>

struct arch_register {
    char name[8];   /* as the comments in the port's switch call it */
    uint64_t vary;  /* bits that may hold anything; none: a register that the switch must not touch at all */
    uint64_t fixed; /* bits that must be set for the CPU to behave; the other bits are ignored */
    int64_t dwarf;  /* its number for unwinders, or -1 if they do not restore it */
    int64_t is_control; /* 1: a control word; cede__control_set() and a new context change it */
};

/* Every register that cede__switch() keeps, in the order of the arrays below; the last name is empty. */
extern const struct arch_register arch_registers[];

enum { ARCH_REGISTERS_MAX = 32 };

/* What holds the address that cede__switch() returns to. A loss of it can only be noticed by a crash. */
extern const char arch_return_register[8];

/*
 * Loads arch_registers[] from in[], calls fn(args[0], args[1], args[2], args[3]), stores arch_registers[] to out[],
 * and returns as any function. The other caller-saved registers hold args[3] as well: a port that forgets to load one
 * finds that. Between the call of fn and the stores it relies on nothing but the stack pointer, so that a broken switch
 * does not break the test that is to report it. Has unwind data.
 */
void arch_seeded_call(const uint64_t *in, uint64_t *out, void (*fn)(void), void *const args[4]);

/*
 * An entry function for cede__start(). Loads the control words from in[], leaves garbage in every caller-saved register
 * but the one that returns, and in 64 bytes of its stack, and returns *to.
 */
struct arch_end {
    void *const *to;
    const uint64_t *in;
    uint64_t garbage;
};
void *arch_end(void *end);

/* Turns on or off a SIGTRAP after every instruction. Returns 0, or -1 where the CPU cannot do that to itself. */
int arch_single_step(int on);

#endif
