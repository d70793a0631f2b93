/* SPDX-License-Identifier: MIT */
/* Stack overflow: says whose stack it was, before the crash takes its normal course. */
#ifndef CEDE_RUNTIME_OVERFLOW_H
#define CEDE_RUNTIME_OVERFLOW_H

#include <signal.h>

/* An OS thread's alternate signal stack: a handler cannot run on the stack that has just overflowed. */
struct cede__overflow {
    char *mapping;    /* NULL: the thread had one that will do */
    stack_t previous;
};

/*
 * To be called by each OS thread that is about to run tasks; the first call also installs handlers for SIGSEGV and
 * SIGBUS, in front of those that are there. Returns 0, or -1 with errno ENOMEM.
 *
 * A fault in the guard of a stack of this thread's tasks is reported to standard error: the task's name, the size, and
 * the backtrace of the fault. Then the previous action is put back and the faulting instruction runs again, so that a
 * debugger, a core file, or the handler that was there before sees the crash itself. Every other fault goes to the
 * previous action at once.
 */
int cede__overflow_enter(struct cede__overflow *overflow);

/* Puts the previous alternate stack back. */
void cede__overflow_leave(struct cede__overflow *overflow);

#endif
