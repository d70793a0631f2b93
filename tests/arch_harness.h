/* SPDX-License-Identifier: MIT */
/*
 * What the conformance tests of a port share. They link the port, tests/arch_seed_<cpu> and nothing else of cede. A
 * failure names the register. What happens on a context's stack is recorded there and asserted on the main stack: a
 * failed assertion would longjmp across stacks when CK_FORK=no.
 */
#ifndef CEDE_TESTS_ARCH_HARNESS_H
#define CEDE_TESTS_ARCH_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"
#include "arch_seed.h"

#define ADDRESS(function) ((void *)(uintptr_t)(function))

enum { ARCH_STACK_BYTES = 256 * 1024 };

/* A stack with no access above and below it, so that a switch that loses its way crashes there. Returns its top. */
char *arch_stack_new(void);

/* Runs body(arg) in a child process; returns what waitpid(2) says of it. */
int arch_run_in_child(void (*body)(void *), void *arg);

/* The names of the registers that were found wrong, and the first difference. */
struct arch_findings {
    char names[ARCH_REGISTERS_MAX * 9];
    char first[128];
};

/* Shared with child processes: what they found is still there after they have crashed. */
struct arch_findings *arch_findings_new(void);

/* Register number i was found wrong. */
void arch_note(struct arch_findings *findings, int i, const char *where, uint64_t want, uint64_t got);

typedef uint64_t arch_values[ARCH_REGISTERS_MAX]; /* arranged as arch_registers[] */

void arch_compare(struct arch_findings *findings, const char *where, const uint64_t *want, const uint64_t *got);

void arch_assert_nothing_found(const struct arch_findings *findings);

/* What to load before a switch. The far side has every bit unlike the main side, but for a control word that is the
 * same in every third round; each bit takes both values in the course of a few rounds. */
enum arch_side { MAIN_SIDE, FAR_SIDE };
void arch_seed(uint64_t *values, unsigned round, enum arch_side side);

/* cede__switch_inline(), in a function. */
__attribute__((noinline)) void arch_switch_inline(void **save, void *to);

/* arch_seeded_call() for the functions of the port. `garbage` is what else lies around in registers. A switch is now
 * cede__switch(), now the inline one, in no regular order: contexts left by either are resumed by either. */
void arch_seeded_switch(const uint64_t *in, uint64_t *out, void **save, void *to, uint64_t garbage);
void arch_seeded_start(const uint64_t *in, uint64_t *out, void **save, void *top, void *(*entry)(void *), void *arg);
void arch_seeded_inspect(const uint64_t *in, uint64_t *out, void *on, void (*fn)(void *), void *arg);

/* One context for tests of registers: arch_far_side() loads `in`, switches to `main`, stores `out`, for ever. */
struct arch_far {
    void *main, *context;
    arch_values in, out;
    uint64_t garbage;
};
void *arch_far_side(void *far);

/* A suite of the tests that START_TEST() has defined. */
Suite *arch_suite(const char *name, const TTest *const *const *tests, size_t count);

#endif
