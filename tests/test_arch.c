/* SPDX-License-Identifier: MIT */
/* The conformance test of a port: registers, control words, how a context begins and ends. See arch_harness.h. */
#include <fenv.h>
#include <string.h>
#include <unistd.h>

#include "arch_harness.h"
#include "harness.h"

/* ---- registers ---- */

/* One of the control words in values[], in each round another one, as often as it fits into 64 bits: wherever the port
 * takes it from instead of reading it, this is what it finds, and wrongly believes that nothing has changed. */
static uint64_t control_word(const uint64_t *values, unsigned round)
{
    unsigned controls = 0, at;

    for (at = 0; arch_registers[at].name[0]; at++)
        controls += arch_registers[at].is_control != 0;
    if (controls == 0)
        return round;
    for (at = 0, round %= controls; !arch_registers[at].is_control || round-- > 0; at++) {}
    return values[at] <= UINT16_MAX ? values[at] * 0x0001000100010001 : values[at];
}

/* The far side has switched away once, with the seeds of round 0. */
static void begin_far(struct arch_far *far)
{
    arch_seed(far->in, 0, FAR_SIDE);
    cede__start(&far->main, arch_stack_new(), arch_far_side, far);
}

/* What the next resume of the far side will store has been loaded in the round before. */
static void compare_both(struct arch_findings *findings, const struct arch_far *far, unsigned round, const uint64_t *in,
                         const uint64_t *out)
{
    arch_values want;

    arch_seed(want, round - 1, FAR_SIDE);
    arch_compare(findings, "on the main side", in, out);
    arch_compare(findings, "in the context", want, far->out);
}

static void survive(void *unused)
{
    struct arch_far far = {0};
    arch_values in, out;

    (void)unused;
    arch_seed(in, 0, MAIN_SIDE);
    begin_far(&far);
    for (int i = 0; i < 20; i++)
        arch_seeded_switch(in, out, &far.main, far.context, 0);
}

/* The only test to see what can only be seen by a crash. */
START_TEST(test_return_address)
{
    int status = arch_run_in_child(survive, NULL);

    ck_assert_msg(status == 0, "a switch crashed (wait status %#x): the stack pointer or %s is lost", (unsigned)status,
                  arch_return_register);
}
END_TEST

START_TEST(test_registers)
{
    struct arch_findings findings = {0};
    struct arch_far far = {0};
    arch_values in, out, theirs;

    begin_far(&far);
    for (unsigned round = 1; round < 1000; round++) {
        memcpy(theirs, far.in, sizeof theirs);
        arch_seed(in, round, MAIN_SIDE);
        arch_seed(far.in, round, FAR_SIDE);
        far.garbage = control_word(in, round);
        arch_seeded_switch(in, out, &far.main, far.context, control_word(theirs, round));
        compare_both(&findings, &far, round, in, out);
    }
    arch_assert_nothing_found(&findings);
}
END_TEST

/* From cede__start() through an entry function, which ends with other control words, into the far side, and back. */
START_TEST(test_registers_of_start_and_end)
{
    struct arch_findings findings = {0};
    struct arch_far far = {0};
    arch_values in, out, theirs, unlike_theirs;
    char *top = arch_stack_new();

    begin_far(&far);
    for (unsigned round = 1; round < 1000; round++) {
        struct arch_end end = {&far.context, unlike_theirs, 0};

        memcpy(theirs, far.in, sizeof theirs);
        arch_seed(unlike_theirs, round - 1, MAIN_SIDE);
        end.garbage = control_word(theirs, round);
        arch_seed(in, round, MAIN_SIDE);
        arch_seed(far.in, round, FAR_SIDE);
        far.garbage = control_word(in, round);
        arch_seeded_start(in, out, &far.main, top, arch_end, &end);
        compare_both(&findings, &far, round, in, out);
    }
    arch_assert_nothing_found(&findings);
}
END_TEST

static void count_call(void *calls)
{
    *(int *)calls += 1;
}

static void inspect_with_seeds(void *findings)
{
    struct arch_far far = {0};
    arch_values in, out;
    int calls = 0;

    begin_far(&far);
    for (unsigned round = 0; round < 100; round++) {
        arch_seed(in, round, MAIN_SIDE);
        arch_seeded_inspect(in, out, far.context, count_call, &calls);
        arch_compare(findings, "after cede__inspect", in, out);
    }
    if (calls != 100)
        _exit(1);
}

START_TEST(test_inspect_registers)
{
    struct arch_findings *findings = arch_findings_new();
    int status = arch_run_in_child(inspect_with_seeds, findings);

    arch_assert_nothing_found(findings);
    ck_assert_msg(status == 0, "cede__inspect crashed (wait status %#x): the stack pointer or %s is lost",
                  (unsigned)status, arch_return_register);
}
END_TEST

/* ---- control words of floating-point arithmetic ---- */

static void get_control(struct cede__control *control)
{
    cede__control_get(control);
}

static void set_control(const struct cede__control *control)
{
    cede__control_set(control);
}

/* cede__control_set() makes the control words those that cede__control_get() saw, and changes no other register. */
START_TEST(test_control_words)
{
    struct arch_findings findings = {0};
    struct cede__control control;
    arch_values seen, in, out;

    for (unsigned round = 0; round < 1000; round++) {
        arch_seed(seen, round, FAR_SIDE);
        arch_seeded_call(seen, out, (void (*)(void))get_control, (void *[4]){&control});
        arch_compare(&findings, "after cede__control_get", seen, out);
        arch_seed(in, round, MAIN_SIDE);
        arch_seeded_call(in, out, (void (*)(void))set_control, (void *[4]){&control});
        for (int i = 0; arch_registers[i].name[0]; i++)
            if (arch_registers[i].is_control)
                in[i] = seen[i];
        arch_compare(&findings, "after cede__control_set", in, out);
    }
    arch_assert_nothing_found(&findings);
}
END_TEST

/* A context beside the main one, for the tests that follow. */
static struct {
    void *main;            /* the main stack's context while the far one runs */
    void *far;             /* the far context while the main stack runs */
    struct cede__control control;
    int rounding[4];       /* as the far side found it */
    uintptr_t cfa, local;  /* of its entry function */
    void *arg;
    long switches;
    char said[16];
} here;

static void to_main(void)
{
    cede__switch(&here.far, here.main);
}

static void to_far(void)
{
    cede__switch(&here.main, here.far);
}

static void *round_in_all_ways(void *unused)
{
    (void)unused;
    here.rounding[0] = fegetround();
    cede__control_set(&here.control);
    here.rounding[1] = fegetround();
    fesetround(FE_UPWARD);
    to_main();
    here.rounding[2] = fegetround();
    return here.main;
}

START_TEST(test_rounding_mode)
{
    int after_start, after_end;

    fesetround(FE_DOWNWARD);
    cede__control_get(&here.control);
    fesetround(FE_TOWARDZERO);
    cede__start(&here.main, arch_stack_new(), round_in_all_ways, NULL);
    after_start = fegetround();
    to_far();
    after_end = fegetround();
    ck_assert_msg(here.rounding[0] == FE_TOWARDZERO, "at entry not the caller's, but %d", here.rounding[0]);
#ifndef CEDE_NO_FP_CONTROL
    ck_assert_msg(here.rounding[1] == FE_DOWNWARD, "not what was set, but %d", here.rounding[1]);
    ck_assert_msg(here.rounding[2] == FE_UPWARD, "the context has lost its own, has %d", here.rounding[2]);
    ck_assert_msg(after_start == FE_TOWARDZERO, "%d has reached the main stack by a switch", after_start);
    ck_assert_msg(after_end == FE_TOWARDZERO, "%d has reached the main stack as the context ended", after_end);
#else
    ck_assert_msg(here.rounding[1] == FE_TOWARDZERO, "CEDE_NO_FP_CONTROL, yet cede__control_set() changed it");
    ck_assert_int_eq(here.rounding[2], FE_UPWARD);
    ck_assert_msg(after_start == FE_UPWARD, "CEDE_NO_FP_CONTROL, yet a switch changed it");
    ck_assert_msg(after_end == FE_UPWARD, "CEDE_NO_FP_CONTROL, yet the end of a context changed it");
#endif
}
END_TEST

/* ---- how a context begins and ends ---- */

static void *record_entry(void *arg)
{
    _Alignas(16) volatile char local = 0;

    here.cfa = (uintptr_t)__builtin_dwarf_cfa();
    here.local = (uintptr_t)&local;
    here.arg = arg;
    return here.main;
}

START_TEST(test_entry_argument)
{
    int something;

    cede__start(&here.main, arch_stack_new(), record_entry, &something);
    ck_assert_ptr_eq(here.arg, &something);
}
END_TEST

/* The stack is aligned whichever 16-byte slot it starts at, as colouring makes it start anywhere. */
START_TEST(test_entry_alignment)
{
    char *top = arch_stack_new();

    for (int slot = 0; slot < 16; slot++) {
        volatile uintptr_t cfa, local; /* the compiler believes them to be aligned */

        cede__start(&here.main, top - 16 * slot, record_entry, NULL);
        cfa = here.cfa;
        local = here.local;
        ck_assert_uint_eq(cfa % 16, 0);
        ck_assert_uint_eq(local % 16, 0);
        ck_assert_uint_le(cfa, (uintptr_t)(top - 16 * slot));
    }
}
END_TEST

static void *say_and_wait(void *letter)
{
    strcat(here.said, letter);
    to_main();
    strcat(here.said, letter);
    return here.main;
}

static void *say_and_give_way(void *letter)
{
    strcat(here.said, letter);
    return here.far;
}

/* The end of a context resumes the one that its entry function returns, whoever has started it, and its stack can be
 * used again. */
START_TEST(test_entry_returns_the_next_context)
{
    char *a = arch_stack_new(), *b = arch_stack_new();

    for (int round = 0; round < 2; round++) {
        cede__start(&here.main, a, say_and_wait, (void *)"a");
        strcat(here.said, "-");
        cede__start(&here.main, b, say_and_give_way, (void *)"b");
        strcat(here.said, ".");
    }
    ck_assert_str_eq(here.said, "a-ba.a-ba.");
}
END_TEST

static void *count_switches(void *unused)
{
    (void)unused;
    for (; here.switches < 500000; here.switches++)
        to_main();
    return here.main;
}

START_TEST(test_million_switches)
{
    cede__start(&here.main, arch_stack_new(), count_switches, NULL);
    for (int i = 0; i < 500000; i++)
        to_far();
    ck_assert_int_eq(here.switches, 500000);
}
END_TEST

static void *count_start(void *unused)
{
    (void)unused;
    here.switches++;
    return here.main;
}

static void *count_inline_switches(void *unused)
{
    (void)unused;
    for (; here.switches < 500000; here.switches++)
        cede__switch_inline(&here.far, here.main);
    return here.main;
}

START_TEST(test_million_inline_switches)
{
    double sum = 0;

    cede__start(&here.main, arch_stack_new(), count_inline_switches, NULL);
    for (int i = 0; i < 500000; i++, sum += 0.5) /* a vector register that the compiler has to keep itself */
        cede__switch_inline(&here.main, here.far);
    ck_assert_int_eq(here.switches, 500000);
    ck_assert(sum == 250000);
}
END_TEST

START_TEST(test_million_starts)
{
    char *top = arch_stack_new();

    for (int i = 0; i < 500000; i++)
        cede__start(&here.main, top, count_start, NULL);
    ck_assert_int_eq(here.switches, 500000);
}
END_TEST

Suite *suite(void)
{
    static const TTest *const *const tests[] = {
        &test_return_address, &test_registers, &test_registers_of_start_and_end, &test_inspect_registers,
        &test_control_words, &test_rounding_mode,
        &test_entry_argument, &test_entry_alignment, &test_entry_returns_the_next_context,
        &test_million_switches, &test_million_inline_switches, &test_million_starts,
    };

    return arch_suite("arch", tests, sizeof tests / sizeof *tests);
}
