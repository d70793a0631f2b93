/* SPDX-License-Identifier: MIT */
/*
 * The contract between cede and a CPU.
 *
 * A port is one folder, arch/<cpu>/, named as CMake's CMAKE_SYSTEM_PROCESSOR names the CPU, with
 *
 *     switch.asm (NASM) or switch.S (GNU as)   the three routines declared below
 *     frame.h                                  what a suspended context looks like in memory
 *
 * and nothing else: no field of a C structure is known to the assembly. A suspended context is one pointer,
 * the stack pointer at which the callee-saved registers of its ABI lie. arch/README.md tells how to write a
 * port and which command says whether it is right.
 *
 * All three routines are hidden, typed, sized, 16-byte aligned, carry unwind data, and start with the CPU's
 * landing pad where it has one (endbr64, bti c).
 */
#ifndef CEDE_ARCH_H
#define CEDE_ARCH_H

/*
 * Suspends the caller and resumes the context `to`.
 *
 * Pushes every callee-saved register of the ABI on the current stack, including the floating-point control
 * words (unless built with CEDE_FP_CONTROL=OFF), stores the resulting stack pointer in *save, then takes
 * `to` as the stack pointer, pops the registers found there and returns into that context: either from an
 * earlier call of cede__switch(), or into the entry of a context made by cede__frame_fresh().
 * `to` has been consumed when this returns: it must not be resumed a second time.
 */
void cede__switch(void **save, void *to);

/*
 * The outermost frame of every context, and never called from C: cede__frame_fresh() makes it the return
 * address of a fresh context. Calls the entry function with its argument, on a stack aligned as the ABI
 * demands at a call. The entry function must not return; if it does, the CPU traps here.
 * Unwinders stop at it: its return address is marked undefined, so every backtrace of a task ends cleanly
 * with this name.
 */
void cede__entry(void);

/*
 * Calls fn(arg) on top of the suspended context `on`, which stays suspended and unchanged; returns when fn
 * returns. While fn runs, an unwinder sees the frames of `on` above fn, as if the suspended call itself had
 * called fn: that is how one task prints another task's backtrace.
 * fn may use what is left of that stack and must return normally: it must not switch, throw or longjmp.
 */
void cede__inspect(void *on, void (*fn)(void *), void *arg);

/*
 * Each frame.h defines, in C:
 *
 *   #define CEDE__FRAME_CPU "x86_64"         the port's name
 *   struct cede__frame { ... };              the saved state in memory order, first field at the saved stack
 *                                            pointer; a comment on each field names the register
 *
 *   static inline void *cede__frame_fresh(void *top, void (*entry)(void *), void *arg);
 *                                            lays out a fresh context below `top` (16-byte aligned) that
 *                                            calls entry(arg) when first resumed, with the floating-point
 *                                            control words of the thread that calls this; returns what
 *                                            cede__switch() takes as `to`
 *   static inline void *cede__frame_pc(const void *context);
 *                                            where a suspended context will continue (for debuggers and
 *                                            for the dump of a task that cannot be unwound)
 */
#include "frame.h"

#endif
