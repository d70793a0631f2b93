/* SPDX-License-Identifier: MIT */
/*
 * The contract between cede and a CPU.
 *
 * A port is one folder, arch/<cpu>/, named as CMake's CMAKE_SYSTEM_PROCESSOR names the CPU, with
 *
 *     switch.asm (NASM) or switch.S (GNU as)   the four routines declared below
 *     frame.h                                  what a suspended context looks like in memory
 *
 * and nothing else: no field of a C structure is known to the assembly. A suspended context is one pointer,
 * the stack pointer at which the callee-saved registers of its ABI lie. arch/README.md tells how to write a
 * port and which command says whether it is right.
 *
 * All four routines are hidden, typed, sized, 64-byte aligned, carry unwind data, and start with the CPU's
 * landing pad where it has one (endbr64, bti c).
 */
#ifndef CEDE_ARCH_H
#define CEDE_ARCH_H

/*
 * Suspends the caller and resumes the context `to`.
 *
 * Pushes every callee-saved register of the ABI on the current stack, including the floating-point control words
 * (unless built with CEDE_FP_CONTROL=OFF) but not the status flags, which no call preserves; stores the resulting stack
 * pointer in *save, then takes `to` as the stack pointer, pops the registers found there and returns into that context,
 * from the call of cede__switch() or cede__start() that suspended it.
 * `to` has been consumed when this returns: it must not be resumed a second time.
 */
void cede__switch(void **save, void *to);

/*
 * Suspends the caller as cede__switch() does, and calls entry(arg) on the empty stack below `top` (16-byte aligned).
 * What entry() returns is the context to resume; the stack below `top` is then free. The floating-point control words
 * are those of the caller: see cede__control_set().
 *
 * Nothing is written to the new stack but a return address. Calls and returns stay paired for the CPU that predicts
 * returns: entry() returns to its caller, and what it resumes is returned to in place of the caller of cede__start().
 */
void cede__start(void **save, void *top, void *(*entry)(void *), void *arg);

/*
 * The outermost frame of every context; never called from C. cede__start() goes through it to call the entry function.
 * Unwinders stop at it: its return address is marked undefined, so every backtrace of a task ends cleanly with this
 * name.
 */
void cede__entry(void);

/*
 * Calls fn(arg) on top of the suspended context `on`, which stays suspended and unchanged; returns when fn returns.
 * While fn runs, an unwinder sees the frames of `on` above fn, as if the suspended call itself had called fn: that is
 * how one task prints another task's backtrace.
 * fn may use what is left of that stack and must return normally: it must not switch, throw or longjmp.
 */
void cede__inspect(void *on, void (*fn)(void *), void *arg);

/*
 * Each frame.h defines, in C:
 *
 *   #define CEDE__FRAME_CPU "x86_64"         the port's name
 *   struct cede__frame { ... };              the saved state in memory order, first field at the saved stack pointer; a
 *                                            comment on each field names the register
 *   static inline void *cede__frame_pc(const void *context);
 *                                            where a suspended context will continue (for debuggers and for the dump
 *                                            of a task that cannot be unwound)
 *   static inline void cede__relax(void);    says to the CPU that this loop waits for another one
 *   struct cede__control { ... };            the floating-point control words: rounding, exception masks, flush to zero
 *   static inline void cede__control_get(struct cede__control *control);
 *                                            those of the caller
 *   static inline void cede__control_set(const struct cede__control *control);
 *                                            makes them the caller's, which is cheap if they are already. For entry
 *                                            functions: a new task must not inherit whatever ran before it
 */
#include "frame.h"

/*
 * cede__switch() for where the runtime itself waits, inline: a port may define it in frame.h, with CEDE__FRAME_INLINE,
 * if its CPU predicts a jump to many places better than a return to where the last call did not come from. Contexts
 * that were left by either are resumed by either.
 */
#ifndef CEDE__FRAME_INLINE
static inline void cede__switch_inline(void **save, void *to)
{
    cede__switch(save, to);
}
#endif

#endif
