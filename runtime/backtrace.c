/* SPDX-License-Identifier: MIT */
/* Backtraces; see backtrace.h. */
#include "backtrace.h"

#include <unwind.h>

#include "../arch/arch.h"
#include "symbol.h"

static _Unwind_Reason_Code collect(struct _Unwind_Context *frame, void *arg)
{
    struct cede__backtrace *backtrace = arg;
    int interrupted = 0;
    uintptr_t ip = _Unwind_GetIPInfo(frame, &interrupted), sp = _Unwind_GetCFA(frame);

    if (backtrace->to_interrupt && interrupted) {
        backtrace->count = 0; /* what came so far is the handler */
        backtrace->to_interrupt = false;
    }
    if (!ip || sp <= backtrace->above)
        return _URC_NO_REASON;
    backtrace->sp = sp;
    if (!interrupted)
        ip--;
    if (backtrace->count < CEDE__BACKTRACE_FIRST)
        backtrace->first[backtrace->count] = ip;
    backtrace->last[backtrace->count % CEDE__BACKTRACE_LAST] = ip;
    return ++backtrace->count < CEDE__BACKTRACE_MOST ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void take(struct cede__backtrace *backtrace, uintptr_t above, bool to_interrupt)
{
    backtrace->sp = above;
    backtrace->count = 0;
    backtrace->above = above;
    backtrace->to_interrupt = to_interrupt;
    _Unwind_Backtrace(collect, backtrace);
}

/* Its own frame and those of its callees lie at and below its frame address: that is why it must have one. */
__attribute__((noinline)) void cede__backtrace_here(struct cede__backtrace *backtrace)
{
    take(backtrace, (uintptr_t)__builtin_frame_address(0), false);
}

void cede__backtrace_interrupted(struct cede__backtrace *backtrace)
{
    take(backtrace, 0, true);
}

/* `above` is the context itself: what lies deeper is cede__inspect() and us. */
static void take_on_top(void *arg)
{
    struct cede__backtrace *backtrace = arg;

    take(backtrace, backtrace->above, false);
}

void cede__backtrace_suspended(struct cede__backtrace *backtrace, void *context)
{
    backtrace->above = (uintptr_t)context;
    cede__inspect(context, take_on_top, backtrace);
}

void cede__backtrace_print_frame(struct cede__report *report, unsigned number, uintptr_t address)
{
    struct cede__symbol symbol;

    cede__symbol_find(address, &symbol);
    cede__report_text(report, "    #");
    cede__report_decimal(report, number);
    cede__report_text(report, " ");
    cede__report_hex(report, address);
    if (symbol.name[0]) {
        cede__report_text(report, " ");
        cede__report_text(report, symbol.name);
        cede__report_text(report, "+");
        cede__report_hex(report, symbol.name_offset);
    }
    if (symbol.module) {
        cede__report_text(report, " (");
        cede__report_text(report, symbol.module);
        cede__report_text(report, "+");
        cede__report_hex(report, symbol.offset);
        cede__report_text(report, ")");
    }
    cede__report_text(report, "\n");
}

void cede__backtrace_print(const struct cede__backtrace *backtrace, struct cede__report *report)
{
    unsigned number, left_out, count = backtrace->count;

    for (number = 0; number < count && number < CEDE__BACKTRACE_FIRST; number++)
        cede__backtrace_print_frame(report, number, backtrace->first[number]);
    if (count > CEDE__BACKTRACE_FIRST + CEDE__BACKTRACE_LAST) {
        left_out = count - CEDE__BACKTRACE_FIRST - CEDE__BACKTRACE_LAST;
        cede__report_text(report, "    ... ");
        cede__report_decimal(report, left_out);
        cede__report_text(report, " more ...\n");
        number += left_out;
    }
    for (; number < count; number++)
        cede__backtrace_print_frame(report, number, backtrace->last[number % CEDE__BACKTRACE_LAST]);
    if (count == CEDE__BACKTRACE_MOST)
        cede__report_text(report, "    ... and more\n");
}
