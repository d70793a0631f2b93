/* SPDX-License-Identifier: MIT */
/*
 * The conformance test of a port, arch/<cpu>/: it links the port and tests/arch_seed_<cpu> and nothing else of
 * cede. A failure names the register. What happens on a context's stack is recorded there and asserted on the
 * main stack: a failed assertion would longjmp across stacks when CK_FORK=no.
 */
#define _GNU_SOURCE
#include <check.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include "arch.h"
#include "arch_seed.h"

#define STACK_BYTES ((size_t)256 * 1024)
#define GUARD_BYTES ((size_t)64 * 1024)

/* A stack with no access above and below it, so that a switch that loses its way crashes there. */
static char *stack_new(void)
{
    char *map = mmap(NULL, STACK_BYTES + 2 * GUARD_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    ck_assert_int_eq(mprotect(map + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE), 0);
    return map + GUARD_BYTES + STACK_BYTES;
}

/* Memory that a child process shares with the test: what it found is still there after it has crashed. */
static void *shared_new(size_t size)
{
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    return map;
}

/* Runs body(arg) in a child process; returns what waitpid(2) says of it. */
static int run_in_child(void (*body)(void *), void *arg)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        body(arg);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/* ---- seeds ---- */

typedef void call(void *, void *, void *);

/* Function types of C only: the callee takes its arguments from the same registers. */
static call *const switch_call = (call *)(void (*)(void))cede__switch;
static call *const inspect_call = (call *)(void (*)(void))cede__inspect;

typedef uint64_t registers[ARCH_REGISTERS_MAX];

enum side { MAIN_SIDE, FAR_SIDE };

/* The far side has every bit unlike the main side; each bit takes both values in the course of a few rounds. */
static void seed(registers values, unsigned round, enum side side)
{
    uint64_t state = round;
    for (int i = 0; arch_registers[i].name[0]; i++) {
        const struct arch_register *r = &arch_registers[i];
        state += 0x9e3779b97f4a7c15u;
        uint64_t bits = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
        bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
        bits ^= bits >> 31;
        values[i] = ((side == FAR_SIDE ? ~bits : bits) & r->vary) | r->fixed;
    }
}

/* The names of the registers that were found wrong, and the first difference. */
struct findings {
    char names[ARCH_REGISTERS_MAX * 9];
    char first[128];
};

static void note(struct findings *f, int i, const char *where, uint64_t want, uint64_t got)
{
    char name[16];
    snprintf(name, sizeof name, " %s", arch_registers[i].name);
    if (!f->first[0])
        snprintf(f->first, sizeof f->first, "%s is %#llx instead of %#llx %s", name + 1, (unsigned long long)got,
                 (unsigned long long)want, where);
    char *known = strstr(f->names, name);
    size_t length = strlen(name);
    if (!known || (known[length] != ' ' && known[length] != '\0'))
        strcat(f->names, name);
}

static void compare(struct findings *f, const char *where, const registers want, const registers got)
{
    for (int i = 0; arch_registers[i].name[0]; i++)
        if ((want[i] ^ got[i]) & (arch_registers[i].vary | arch_registers[i].fixed))
            note(f, i, where, want[i], got[i]);
}

static void assert_nothing_found(const struct findings *f)
{
    ck_assert_msg(!f->names[0], "registers changed:%s (%s)", f->names, f->first);
}

/* ---- backtraces ---- */

/* The functions on a stack, innermost first. Frames without a pc are an unwinder's way to say "end". */
struct trace {
    void *function[32];
    uintptr_t cfa[32];
    int depth;
};

static _Unwind_Reason_Code trace_frame(struct _Unwind_Context *context, void *arg)
{
    struct trace *t = arg;
    if (!_Unwind_GetIP(context))
        return _URC_NO_REASON;
    if (t->depth == 32)
        return _URC_END_OF_STACK;
    t->cfa[t->depth] = _Unwind_GetCFA(context);
    t->function[t->depth++] = (void *)_Unwind_GetRegionStart(context);
    return _URC_NO_REASON;
}

/* Here and below: the empty asm behind a call keeps it from being a tail call, so that its caller has a frame. */
__attribute__((noinline)) static void trace_here(void *arg)
{
    struct trace *t = arg;
    t->depth = 0;
    _Unwind_Backtrace(trace_frame, t);
    __asm__ volatile("");
}

static void assert_trace(const struct trace *t, void *const *expected, int depth)
{
    ck_assert_int_eq(t->depth, depth);
    for (int i = 0; i < depth; i++)
        ck_assert_msg(t->function[i] == expected[i], "frame %d is in the function at %p instead of %p", i, t->function[i],
                      expected[i]);
}

#define ADDRESS(function) ((void *)(uintptr_t)(function))

/* ---- one context beside the main one, for most tests ---- */

static struct {
    void *main;    /* context of the main stack while the far one runs */
    void *far;     /* the far context while the main stack runs */
    uintptr_t cfa; /* of the entry function */
    uintptr_t aligned;
    void *arg;
    long switches;
    int rounding;
    struct trace trace;
} here;

__attribute__((noinline)) static void to_main(void)
{
    cede__switch(&here.far, here.main);
    __asm__ volatile("");
}

static void to_far(void) { cede__switch(&here.main, here.far); }

/* ---- entry ---- */

static void record_entry(void *arg)
{
    _Alignas(16) volatile char local = 0;
    here.cfa = (uintptr_t)__builtin_dwarf_cfa();
    here.aligned = (uintptr_t)&local;
    here.arg = arg;
    for (;;)
        to_main();
}

START_TEST(test_entry_argument)
{
    int something;
    here.far = cede__frame_fresh(stack_new(), record_entry, &something);
    to_far();
    ck_assert_ptr_eq(here.arg, &something);
}
END_TEST

/* The stack is aligned whichever 16-byte slot it starts at, as colouring makes it start anywhere. */
START_TEST(test_entry_alignment)
{
    char *top = stack_new();
    for (int slot = 0; slot < 16; slot++) {
        here.far = cede__frame_fresh(top - 16 * slot, record_entry, NULL);
        ck_assert_uint_eq((uintptr_t)here.far % 16, 0);
        to_far();
        volatile uintptr_t cfa = here.cfa, local = here.aligned; /* the compiler believes them to be aligned */
        ck_assert_uint_eq(cfa % 16, 0);
        ck_assert_uint_eq(local % 16, 0);
        ck_assert_uint_le(cfa, (uintptr_t)(top - 16 * slot));
    }
}
END_TEST

static void return_from_entry(void *arg) { (void)arg; }

static void resume_returning_entry(void *top)
{
    here.far = cede__frame_fresh(top, return_from_entry, NULL);
    to_far();
}

START_TEST(test_entry_return_traps)
{
    int status = run_in_child(resume_returning_entry, stack_new());
    ck_assert_msg(WIFSIGNALED(status) && (WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGTRAP),
                  "no trap when the entry function returned: wait status %#x", (unsigned)status);
}
END_TEST

/*
 * Which register carries the entry function and its argument is the port's choice. To name the one that is lost
 * without jumping to nowhere, all registers of the main side hold the address of a function that may be called:
 * one of them stray(), the others landing().
 */
static struct {
    void *main, *dead;
    bool strayed;
    void *arg;
} first;

static void landing(void *arg)
{
    first.arg = arg;
    cede__switch(&first.dead, first.main);
}

static void stray(void *arg)
{
    first.strayed = true;
    landing(arg);
}

static void resume_fresh_contexts(void *findings)
{
    char *top = stack_new();
    for (int i = 0; arch_registers[i].name[0]; i++) {
        if (arch_registers[i].vary != UINT64_MAX)
            continue;
        registers in, out;
        for (int j = 0; arch_registers[j].name[0]; j++)
            in[j] = ((uintptr_t)(j == i ? stray : landing) & arch_registers[j].vary) | arch_registers[j].fixed;
        first.strayed = false;
        void *fresh = cede__frame_fresh(top, landing, &first);
        arch_seeded_call(in, out, switch_call, &first.main, fresh, NULL);
        if (first.strayed || first.arg == ADDRESS(stray))
            note(findings, i, "in cede__entry", (uintptr_t)(first.strayed ? ADDRESS(landing) : &first), in[i]);
    }
}

START_TEST(test_first_resume)
{
    struct findings *findings = shared_new(sizeof *findings);
    int status = run_in_child(resume_fresh_contexts, findings);
    assert_nothing_found(findings);
    ck_assert_msg(status == 0, "the first resume of a context crashed (wait status %#x): the stack pointer or %s is lost",
                  (unsigned)status, arch_return_register);
}
END_TEST

/* ---- registers ---- */

static struct {
    void *main, *far;
    registers in, out;
} seeded;

static void seeded_far_side(void *arg)
{
    (void)arg;
    for (;;)
        arch_seeded_call(seeded.in, seeded.out, switch_call, &seeded.far, seeded.main, NULL);
}

START_TEST(test_registers)
{
    struct findings findings = { 0 };
    registers in, out, want;
    seeded.far = cede__frame_fresh(stack_new(), seeded_far_side, NULL);
    for (unsigned round = 0; round < 1000; round++) {
        seed(in, round, MAIN_SIDE);
        seed(seeded.in, round, FAR_SIDE);
        arch_seeded_call(in, out, switch_call, &seeded.main, seeded.far, NULL);
        compare(&findings, "on the main side", in, out);
        if (round > 0) {
            seed(want, round - 1, FAR_SIDE);
            compare(&findings, "in the context", want, seeded.out);
        }
    }
    assert_nothing_found(&findings);
}
END_TEST

static void walk_nothing(void *arg) { *(int *)arg += 1; }

static void inspect_with_seeds(void *findings)
{
    int walked = 0;
    seeded.far = cede__frame_fresh(stack_new(), seeded_far_side, NULL);
    cede__switch(&seeded.main, seeded.far);
    for (unsigned round = 0; round < 100; round++) {
        registers in, out;
        seed(in, round, MAIN_SIDE);
        arch_seeded_call(in, out, inspect_call, seeded.far, ADDRESS(walk_nothing), &walked);
        compare(findings, "after cede__inspect", in, out);
    }
    if (walked != 100)
        _exit(1);
}

START_TEST(test_inspect_registers)
{
    struct findings *findings = shared_new(sizeof *findings);
    int status = run_in_child(inspect_with_seeds, findings);
    assert_nothing_found(findings);
    ck_assert_msg(status == 0, "cede__inspect crashed (wait status %#x): the stack pointer or %s is lost", (unsigned)status,
                  arch_return_register);
}
END_TEST

/* ---- control words of floating-point arithmetic, seen through fenv.h ---- */

static void round_upward(void *arg)
{
    (void)arg;
    here.rounding = fegetround();
    fesetround(FE_UPWARD);
    to_main();
    for (;;) {
        here.rounding = fegetround();
        to_main();
    }
}

START_TEST(test_rounding_mode)
{
    fesetround(FE_DOWNWARD);
    here.far = cede__frame_fresh(stack_new(), round_upward, NULL);
    fesetround(FE_TOWARDZERO);
    to_far();
#ifndef CEDE_NO_FP_CONTROL
    ck_assert_msg(here.rounding == FE_DOWNWARD, "a fresh context has rounding mode %d, not its creator's", here.rounding);
    ck_assert_msg(fegetround() == FE_TOWARDZERO, "the context's rounding mode %d reached the main stack", fegetround());
    to_far();
    ck_assert_msg(here.rounding == FE_UPWARD, "the context lost its rounding mode, has %d", here.rounding);
    ck_assert_int_eq(fegetround(), FE_TOWARDZERO);
#else
    ck_assert_msg(here.rounding == FE_TOWARDZERO, "CEDE_NO_FP_CONTROL, yet the switch changed the rounding mode");
    ck_assert_msg(fegetround() == FE_UPWARD, "CEDE_NO_FP_CONTROL, yet the switch changed the rounding mode");
#endif
}
END_TEST

/* ---- many switches, and stacks on either side ---- */

static void count_switches(void *arg)
{
    (void)arg;
    for (;; here.switches++)
        to_main();
}

START_TEST(test_million_switches)
{
    here.far = cede__frame_fresh(stack_new(), count_switches, NULL);
    to_far();
    for (int i = 0; i < 500000; i++)
        to_far();
    ck_assert_int_eq(here.switches, 500000);
}
END_TEST

__attribute__((noinline)) static void trace_deep(int depth)
{
    if (depth > 0) {
        trace_deep(depth - 1);
    } else {
        trace_here(&here.trace);
        to_main();
    }
    __asm__ volatile("");
}

static void trace_then_park(void *arg)
{
    for (;;)
        trace_deep((int)(intptr_t)arg);
}

/* What a context that entered trace_then_park(2) looks like from trace_here(). */
static void *const deep_trace[] = {
    ADDRESS(trace_here),      ADDRESS(trace_deep),  ADDRESS(trace_deep), ADDRESS(trace_deep),
    ADDRESS(trace_then_park), ADDRESS(cede__entry),
};
enum { DEEP = sizeof deep_trace / sizeof deep_trace[0] };

/* A thread's stack in the middle of three: its contexts lie below and above it. */
struct three_stacks {
    char *lowest;
    int resumed;
    struct trace below, above;
};

static void *switch_below_and_above(void *arg)
{
    struct three_stacks *s = arg;
    for (int above = 0; above < 2; above++) {
        here.far = cede__frame_fresh(s->lowest + (above ? 3 : 1) * STACK_BYTES, trace_then_park, (void *)2);
        for (int i = 0; i < 100; i++, s->resumed++)
            to_far();
        *(above ? &s->above : &s->below) = here.trace;
    }
    return NULL;
}

START_TEST(test_below_and_above)
{
    struct three_stacks s = { 0 };
    pthread_t thread;
    pthread_attr_t attributes;
    s.lowest = mmap(NULL, 3 * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(s.lowest, MAP_FAILED);
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstack(&attributes, s.lowest + STACK_BYTES, STACK_BYTES), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, switch_below_and_above, &s), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(s.resumed, 200);
    assert_trace(&s.below, deep_trace, DEEP);
    assert_trace(&s.above, deep_trace, DEEP);
}
END_TEST

/* ---- unwinding ---- */

START_TEST(test_backtrace)
{
    here.far = cede__frame_fresh(stack_new(), trace_then_park, (void *)2);
    to_far();
    assert_trace(&here.trace, deep_trace, DEEP);
    to_far(); /* resumed once, unwound again */
    assert_trace(&here.trace, deep_trace, DEEP);
}
END_TEST

START_TEST(test_inspect)
{
    static void *const expected[] = {
        ADDRESS(trace_here), ADDRESS(cede__inspect), ADDRESS(to_main),         ADDRESS(trace_deep),
        ADDRESS(trace_deep), ADDRESS(trace_deep),    ADDRESS(trace_then_park), ADDRESS(cede__entry),
    };
    static char before[STACK_BYTES];
    struct trace seen;
    char *top = stack_new();
    here.far = cede__frame_fresh(top, trace_then_park, (void *)2);
    to_far();
    size_t live = (size_t)(top - (char *)here.far);
    memcpy(before, here.far, live);
    for (int i = 0; i < 3; i++) {
        cede__inspect(here.far, trace_here, &seen);
        assert_trace(&seen, expected, 8);
        ck_assert_msg(memcmp(before, here.far, live) == 0, "cede__inspect changed the suspended context");
    }
    here.trace.depth = 0;
    to_far();
    assert_trace(&here.trace, deep_trace, DEEP);
}
END_TEST

START_TEST(test_inspect_fresh)
{
    static void *const expected[] = { ADDRESS(trace_here), ADDRESS(cede__inspect), ADDRESS(cede__entry) };
    struct trace seen;
    here.far = cede__frame_fresh(stack_new(), trace_then_park, (void *)2);
    cede__inspect(here.far, trace_here, &seen);
    assert_trace(&seen, expected, 3);
    to_far();
    assert_trace(&here.trace, deep_trace, DEEP);
}
END_TEST

START_TEST(test_frame_pc)
{
    here.far = cede__frame_fresh(stack_new(), trace_then_park, (void *)2);
    char *pc = cede__frame_pc(here.far);
    ck_assert_msg(_Unwind_FindEnclosingFunction(pc - 1) == ADDRESS(cede__entry), "fresh: pc is not in cede__entry");
    to_far();
    pc = cede__frame_pc(here.far);
    ck_assert_msg(_Unwind_FindEnclosingFunction(pc - 1) == ADDRESS(to_main), "parked: pc is not behind the call");
}
END_TEST

/*
 * Compares the registers that an unwinder finds for the caller of cede__switch() or cede__inspect() with the seeds
 * of that side: whatever the unwind data gets wrong has a name.
 */
struct unwound {
    struct findings findings;
    registers main_seeds, far_seeds;
    uintptr_t stack_low, stack_top; /* of the far side */
    bool in_port;                   /* the frame before this one belongs to the port */
    int compared;
};

static bool of_port(void *function)
{
    return function == ADDRESS(cede__switch) || function == ADDRESS(cede__inspect);
}

static _Unwind_Reason_Code compare_frame(struct _Unwind_Context *context, void *arg)
{
    struct unwound *u = arg;
    void *function = (void *)_Unwind_GetRegionStart(context);
    if (u->in_port && function == ADDRESS(arch_seeded_call)) {
        uintptr_t cfa = _Unwind_GetCFA(context);
        bool far = cfa > u->stack_low && cfa <= u->stack_top;
        const uint64_t *want = far ? u->far_seeds : u->main_seeds;
        for (int i = 0; arch_registers[i].name[0]; i++) {
            if (arch_registers[i].dwarf < 0)
                continue;
            uint64_t got = _Unwind_GetGR(context, (int)arch_registers[i].dwarf);
            if (got != want[i])
                note(&u->findings, i, far ? "when unwound in the context" : "when unwound on the main side", want[i], got);
        }
        u->compared++;
    }
    u->in_port = of_port(function);
    return _URC_NO_REASON;
}

static void compare_unwound(void *arg)
{
    struct unwound *u = arg;
    u->in_port = false;
    _Unwind_Backtrace(compare_frame, u);
}

static void unwound_init(struct unwound *u)
{
    char *top = stack_new();
    *u = (struct unwound){ .stack_low = (uintptr_t)top - STACK_BYTES, .stack_top = (uintptr_t)top };
    seed(u->main_seeds, 1, MAIN_SIDE);
    seed(u->far_seeds, 1, FAR_SIDE);
    memcpy(seeded.in, u->far_seeds, sizeof seeded.in);
    seeded.far = cede__frame_fresh(top, seeded_far_side, NULL);
}

START_TEST(test_inspect_unwinds_registers)
{
    static struct unwound u;
    unwound_init(&u);
    cede__switch(&seeded.main, seeded.far);
    cede__inspect(seeded.far, compare_unwound, &u);
    assert_nothing_found(&u.findings);
    ck_assert_int_eq(u.compared, 1);
}
END_TEST

static struct unwound stepped;
static struct trace stepped_trace;
static char stepped_failure[128];

static void unwind_one_step(int signal)
{
    (void)signal;
    compare_unwound(&stepped);
    trace_here(&stepped_trace);
    void *last = stepped_trace.function[stepped_trace.depth - 1];
    uintptr_t cfa = stepped_trace.cfa[stepped_trace.depth - 1];
    bool far = cfa > stepped.stack_low && cfa <= stepped.stack_top;
    if ((far && last != ADDRESS(cede__entry)) && !stepped_failure[0])
        snprintf(stepped_failure, sizeof stepped_failure, "a backtrace of the context ends in the function at %p", last);
}

/* Profilers and debuggers stop a task at any instruction: the unwind data must hold at each of them. */
START_TEST(test_unwind_every_instruction)
{
    static char alternate_stack[64 * 1024];
    stack_t alternate = { .ss_sp = alternate_stack, .ss_size = sizeof alternate_stack };
    struct sigaction action = { .sa_handler = unwind_one_step, .sa_flags = SA_ONSTACK };
    registers out;
    int walked = 0;
    unwound_init(&stepped);
    sigaltstack(&alternate, NULL);
    sigaction(SIGTRAP, &action, NULL);
    if (arch_single_step(1) != 0) {
        printf("test_unwind_every_instruction: skipped, " CEDE__FRAME_CPU " cannot step itself\n");
        return;
    }
    for (int i = 0; i < 3; i++) {
        arch_seeded_call(stepped.main_seeds, out, switch_call, &seeded.main, seeded.far, NULL);
        arch_seeded_call(stepped.main_seeds, out, inspect_call, seeded.far, ADDRESS(walk_nothing), &walked);
    }
    arch_single_step(0);
    assert_nothing_found(&stepped.findings);
    ck_assert_str_eq(stepped_failure, "");
    ck_assert_int_gt(stepped.compared, 100);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_first_resume,       test_registers,        test_inspect_registers,
        test_entry_argument,     test_entry_alignment,  test_entry_return_traps,
        test_rounding_mode,      test_million_switches, test_below_and_above,
        test_backtrace,          test_inspect,          test_inspect_fresh,
        test_frame_pc,           test_inspect_unwinds_registers,
        test_unwind_every_instruction,
    };
    Suite *suite = suite_create("arch/" CEDE__FRAME_CPU);
    TCase *port = tcase_create("port");
    tcase_set_timeout(port, 30);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(port, tests[i]);
    suite_add_tcase(suite, port);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
