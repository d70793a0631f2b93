/* SPDX-License-Identifier: MIT */
/* The conformance test of a port: what an unwinder sees of its contexts. See arch_harness.h. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unwind.h>

#include "arch_harness.h"
#include "harness.h"

/* The functions on a stack, innermost first. Frames without a pc are an unwinder's way to say "end". */
struct trace {
    void *function[64];
    int depth;
};

static _Unwind_Reason_Code trace_frame(struct _Unwind_Context *context, void *arg)
{
    struct trace *t = arg;

    if (!_Unwind_GetIP(context))
        return _URC_NO_REASON;
    if (t->depth == sizeof t->function / sizeof *t->function)
        return _URC_END_OF_STACK;
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

static void assert_trace_begins(const struct trace *t, void *const *expected, int depth)
{
    ck_assert_int_ge(t->depth, depth);
    for (int i = 0; i < depth; i++)
        ck_assert_msg(t->function[i] == expected[i], "frame %d is in the function at %p instead of %p", i,
                      t->function[i], expected[i]);
}

static void assert_trace(const struct trace *t, void *const *expected, int depth)
{
    assert_trace_begins(t, expected, depth);
    ck_assert_int_eq(t->depth, depth);
}

/* ---- one context beside the main one ---- */

static struct {
    void *main;    /* the main stack's context while the far one runs */
    void *far;     /* the far context while the main stack runs */
    struct trace trace;
} here;

__attribute__((noinline)) static void to_main(void)
{
    cede__switch(&here.far, here.main);
    __asm__ volatile("");
}

static void to_far(void)
{
    cede__switch(&here.main, here.far);
}

__attribute__((noinline)) static void start_far(char *top, void *(*entry)(void *), void *arg)
{
    cede__start(&here.main, top, entry, arg);
    __asm__ volatile("");
}

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

static void *trace_then_park(void *depth)
{
    while (here.main)
        trace_deep((int)(intptr_t)depth);
    return NULL;
}

/* What a context that entered trace_then_park(2) looks like from trace_here(). */
static void *const deep_trace[] = {
    ADDRESS(trace_here), ADDRESS(trace_deep), ADDRESS(trace_deep), ADDRESS(trace_deep), ADDRESS(trace_then_park),
    ADDRESS(cede__entry),
};
enum { DEEP = sizeof deep_trace / sizeof deep_trace[0] };

/* ---- backtraces ---- */

START_TEST(test_backtrace)
{
    start_far(arch_stack_new(), trace_then_park, (void *)2);
    assert_trace(&here.trace, deep_trace, DEEP);
    here.trace.depth = 0;
    to_far(); /* resumed once, unwound again */
    assert_trace(&here.trace, deep_trace, DEEP);
}
END_TEST

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
        start_far(s->lowest + (above ? 3 : 1) * ARCH_STACK_BYTES, trace_then_park, (void *)2);
        for (int i = 0; i < 100; i++, s->resumed++)
            to_far();
        *(above ? &s->above : &s->below) = here.trace;
    }
    return NULL;
}

START_TEST(test_below_and_above)
{
    struct three_stacks s = {0};
    pthread_t thread;
    pthread_attr_t attributes;

    s.lowest = mmap(NULL, 3 * ARCH_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(s.lowest, MAP_FAILED);
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstack(&attributes, s.lowest + ARCH_STACK_BYTES, ARCH_STACK_BYTES), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, switch_below_and_above, &s), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(s.resumed, 200);
    assert_trace(&s.below, deep_trace, DEEP);
    assert_trace(&s.above, deep_trace, DEEP);
}
END_TEST

START_TEST(test_inspect)
{
    static void *const expected[] = {
        ADDRESS(trace_here), ADDRESS(cede__inspect), ADDRESS(to_main),         ADDRESS(trace_deep),
        ADDRESS(trace_deep), ADDRESS(trace_deep),    ADDRESS(trace_then_park), ADDRESS(cede__entry),
    };
    static char before[ARCH_STACK_BYTES];
    struct trace seen;
    char *top = arch_stack_new();
    size_t live;

    start_far(top, trace_then_park, (void *)2);
    live = (size_t)(top - (char *)here.far);
    memcpy(before, here.far, live);
    for (int i = 0; i < 3; i++) {
        cede__inspect(here.far, trace_here, &seen);
        assert_trace(&seen, expected, sizeof expected / sizeof *expected);
        ck_assert_msg(memcmp(before, here.far, live) == 0, "cede__inspect changed the suspended context");
    }
    here.trace.depth = 0;
    to_far();
    assert_trace(&here.trace, deep_trace, DEEP);
}
END_TEST

static char *pc_of_main;

static void *look_back(void *seen)
{
    cede__inspect(here.main, trace_here, seen);
    pc_of_main = cede__frame_pc(here.main);
    return here.main;
}

/* A context that cede__start() has suspended is one like any other. */
START_TEST(test_inspect_starter)
{
    static void *const expected[] = {ADDRESS(trace_here), ADDRESS(cede__inspect), ADDRESS(start_far)};
    struct trace seen, own;

    trace_here(&own);
    start_far(arch_stack_new(), look_back, &seen);
    assert_trace_begins(&seen, expected, sizeof expected / sizeof *expected);
    ck_assert_ptr_eq(seen.function[seen.depth - 1], own.function[own.depth - 1]);
    ck_assert_ptr_eq(_Unwind_FindEnclosingFunction(pc_of_main - 1), ADDRESS(start_far));
}
END_TEST

START_TEST(test_frame_pc)
{
    char *pc;

    start_far(arch_stack_new(), trace_then_park, (void *)2);
    pc = cede__frame_pc(here.far);
    ck_assert_msg(_Unwind_FindEnclosingFunction(pc - 1) == ADDRESS(to_main), "pc is not behind the call");
}
END_TEST

/* ---- registers ---- */

/*
 * Compares the registers that an unwinder finds for the caller of the port with the seeds of that side: whatever the
 * unwind data gets wrong has a name.
 */
struct unwound {
    struct arch_findings findings;
    struct arch_far far;
    arch_values main_seeds;
    uintptr_t far_low, far_top; /* the far side's stack */
    void *of_port;              /* the frame before this one, if it belongs to the port */
    int compared, compared_in_start;
};

static bool of_port(void *function)
{
    return function == ADDRESS(cede__switch) || function == ADDRESS(arch_switch_inline)
           || function == ADDRESS(cede__start) || function == ADDRESS(cede__inspect);
}

static _Unwind_Reason_Code compare_frame(struct _Unwind_Context *context, void *arg)
{
    struct unwound *u = arg;
    void *function = (void *)_Unwind_GetRegionStart(context);

    if (u->of_port && function == ADDRESS(arch_seeded_call)) {
        uintptr_t cfa = _Unwind_GetCFA(context);
        bool far = cfa > u->far_low && cfa <= u->far_top;
        const uint64_t *want = far ? u->far.in : u->main_seeds;

        for (int i = 0; arch_registers[i].name[0]; i++) {
            uint64_t got;

            if (arch_registers[i].dwarf < 0)
                continue;
            got = _Unwind_GetGR(context, (int)arch_registers[i].dwarf);
            if (got != want[i])
                arch_note(&u->findings, i, far ? "when unwound in the context" : "when unwound on the main side",
                          want[i], got);
        }
        u->compared++;
        u->compared_in_start += u->of_port == ADDRESS(cede__start);
    }
    u->of_port = of_port(function) ? function : NULL;
    return _URC_NO_REASON;
}

static void compare_unwound(void *arg)
{
    struct unwound *u = arg;

    u->of_port = NULL;
    _Unwind_Backtrace(compare_frame, u);
}

static void begin_unwound(struct unwound *u)
{
    char *top = arch_stack_new();

    u->far_low = (uintptr_t)top - ARCH_STACK_BYTES;
    u->far_top = (uintptr_t)top;
    arch_seed(u->main_seeds, 1, MAIN_SIDE);
    arch_seed(u->far.in, 1, FAR_SIDE);
    cede__start(&u->far.main, top, arch_far_side, &u->far);
}

START_TEST(test_inspect_unwinds_registers)
{
    static struct unwound u;

    begin_unwound(&u);
    cede__inspect(u.far.context, compare_unwound, &u);
    arch_assert_nothing_found(&u.findings);
    ck_assert_int_eq(u.compared, 1);
}
END_TEST

/* ---- at every instruction ---- */

static struct unwound stepped;
static void *outermost; /* function of the main stack */
static int ended_in_entry, ended_in_outermost;
static char stepped_failure[128];

static void unwind_one_step(int signal)
{
    static struct trace trace;
    void *last;

    (void)signal;
    compare_unwound(&stepped);
    trace_here(&trace);
    last = trace.function[trace.depth - 1];
    if (last == ADDRESS(cede__entry))
        ended_in_entry++;
    else if (last == outermost)
        ended_in_outermost++;
    else if (!stepped_failure[0])
        snprintf(stepped_failure, sizeof stepped_failure, "a backtrace ends in the function at %p", last);
}

static void do_nothing(void *unused)
{
    (void)unused;
}

/* Profilers and debuggers stop a task at any instruction: the unwind data must hold at each of them. */
START_TEST(test_unwind_every_instruction)
{
    static char alternate_stack[64 * 1024];
    stack_t alternate = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    struct sigaction action = {.sa_handler = unwind_one_step, .sa_flags = SA_ONSTACK};
    struct arch_end end = {&stepped.far.context, stepped.main_seeds, 0};
    struct trace trace;
    arch_values out;
    char *top = arch_stack_new();

    begin_unwound(&stepped);
    trace_here(&trace);
    outermost = trace.function[trace.depth - 1];
    sigaltstack(&alternate, NULL);
    sigaction(SIGTRAP, &action, NULL);
    if (arch_single_step(1) != 0) {
        printf("test_unwind_every_instruction: skipped, " CEDE__FRAME_CPU " cannot step itself\n");
        return;
    }
    for (int i = 0; i < 10; i++) {
        arch_seeded_switch(stepped.main_seeds, out, &stepped.far.main, stepped.far.context, 0);
        arch_seeded_inspect(stepped.main_seeds, out, stepped.far.context, do_nothing, NULL);
        arch_seeded_start(stepped.main_seeds, out, &stepped.far.main, top, arch_end, &end);
    }
    arch_single_step(0);
    arch_assert_nothing_found(&stepped.findings);
    ck_assert_str_eq(stepped_failure, "");
    ck_assert_int_gt(stepped.compared, 100);
    ck_assert_int_gt(stepped.compared_in_start, 10);
    ck_assert_int_gt(ended_in_entry, 100);
    ck_assert_int_gt(ended_in_outermost, 100);
}
END_TEST

Suite *suite(void)
{
    static const TTest *const *const tests[] = {
        &test_backtrace, &test_below_and_above, &test_inspect, &test_inspect_starter, &test_frame_pc,
        &test_inspect_unwinds_registers, &test_unwind_every_instruction,
    };

    return arch_suite("arch_unwind", tests, sizeof tests / sizeof *tests);
}
