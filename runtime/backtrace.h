/* SPDX-License-Identifier: MIT */
/*
 * Backtraces of the caller, of the code that a signal interrupted, and of a suspended context.
 *
 * Taking one and printing it are separate: it is taken on the stack that it describes, where there may be little room,
 * and printed where there is enough.
 */
#ifndef CEDE_RUNTIME_BACKTRACE_H
#define CEDE_RUNTIME_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"

enum {
    CEDE__BACKTRACE_FIRST = 32,       /* of a longer one, so many newest frames are kept ... */
    CEDE__BACKTRACE_LAST = 16,        /* ... and so many oldest */
    CEDE__BACKTRACE_MOST = 1 << 16,   /* frames looked at: an endless recursion on a stack of 1 GiB takes too long */
    CEDE__BACKTRACE_ROOM = 12 * 1024, /* bytes of stack that taking one needs, with the unwinder's own frames */
};

struct cede__backtrace {
    uintptr_t sp;      /* the stack pointer in the oldest frame seen: says on which stack all this is (on aarch64,
                          what the unwinder tells of an interrupted frame lies on the handler's stack) */
    unsigned count;    /* frames seen */
    uintptr_t above;   /* while it is taken: frames up to this stack pointer do not count ... */
    bool to_interrupt; /* ... nor do those that are newer than the first one interrupted by a signal */
    /* Addresses within the instruction that was interrupted, or in the calls: one less than return addresses. */
    uintptr_t first[CEDE__BACKTRACE_FIRST];
    uintptr_t last[CEDE__BACKTRACE_LAST]; /* by number of the frame modulo its size */
};

/* Takes that of the caller, whose own frame is the first. */
void cede__backtrace_here(struct cede__backtrace *backtrace);

/* In a signal handler: takes that of the code which the signal interrupted. */
void cede__backtrace_interrupted(struct cede__backtrace *backtrace);

/* Takes that of a suspended context, on its own stack: CEDE__BACKTRACE_ROOM must be left there. */
void cede__backtrace_suspended(struct cede__backtrace *backtrace, void *context);

/* One line for each frame: "    #0 0x4017a3 fetch+0x53 (program+0x17a3)". */
void cede__backtrace_print(const struct cede__backtrace *backtrace, struct cede__report *report);

/* The line of one frame. */
void cede__backtrace_print_frame(struct cede__report *report, unsigned number, uintptr_t address);

#endif
