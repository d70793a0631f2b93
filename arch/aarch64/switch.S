/* SPDX-License-Identifier: MIT */
/*
 * The context switch of aarch64. Only what differs from the reference port is explained here: read
 * arch/x86_64/switch.asm first. arch/gas.inc has the macros.
 *
 * ABI: Procedure Call Standard for the Arm 64-bit Architecture (AAPCS64), 2023Q3, "Machine Registers" (6.1),
 * "The Stack" and "The Frame Pointer" (in 6.4).
 *
 * Saved, because a called function must preserve it:
 *      x19-x28 x29 d8-d15 sp           of v8-v15 only the low 64 bits are callee-saved
 *      x30                             the return address, signed with the stack pointer of the caller
 *      fpcr                            rounding, flush to zero, default NaN
 *
 * Not saved, and why:
 *      x0-x17 v0-v7 v16-v31 nzcv       a caller of any function expects to lose them
 *      x18                             the platform register: never read, never written
 *      fpsr                            status bits; a caller expects to lose them
 *      z, p, ffr                       cede__switch() is not a function of the vector PCS, so a caller with
 *                                      live SVE state has saved it
 *      za, tpidr2_el0                  SME state belongs to the OS thread: no switch while ZA is live
 *      tpidr_el0                       the OS thread's
 *      gcspr_el0                       the file does not claim GCS
 *
 * A suspended context:
 *
 *      on + 176  |  frame of the caller  |     16-byte aligned: the CFA, and sp when x30 was signed
 *      on + 160  |  fpcr, unused         |
 *      on + 152  |  x30                  |     x29 and x30 together are a frame record
 *      on + 144  |  x29                  |
 *      on +  64  |  x19 ... x28          |
 *      on        |  d8 ... d15           |
 *
 * A running context: nothing of cede on its stack at all. The return address into cede__entry came in x30, and entry()
 * has put it into its own frame.
 */
#include "gas.inc"

/* Where the registers lie above a saved stack pointer: struct cede__frame. */
#define D8      sp, #0
#define D10     sp, #16
#define D12     sp, #32
#define D14     sp, #48
#define X19     sp, #64
#define X21     sp, #80
#define X23     sp, #96
#define X25     sp, #112
#define X27     sp, #128
#define X29     sp, #144
#define X30     sp, #152
#define FRAME   176

.macro cfa_of_context
        .cfi_def_cfa sp, FRAME
        .cfi_offset d8, -176
        .cfi_offset d9, -168
        .cfi_offset d10, -160
        .cfi_offset d11, -152
        .cfi_offset d12, -144
        .cfi_offset d13, -136
        .cfi_offset d14, -128
        .cfi_offset d15, -120
        .cfi_offset x19, -112
        .cfi_offset x20, -104
        .cfi_offset x21, -96
        .cfi_offset x22, -88
        .cfi_offset x23, -80
        .cfi_offset x24, -72
        .cfi_offset x25, -64
        .cfi_offset x26, -56
        .cfi_offset x27, -48
        .cfi_offset x28, -40
        .cfi_offset x29, -32
        .cfi_offset x30, -24
.endm

/* What a routine does to suspend its caller. */
.macro save_context
        sign_return_address
        .cfi_remember_state
        sub     sp, sp, #FRAME
        .cfi_def_cfa_offset FRAME
        stp     d8, d9, [D8]                    // save d8 d9
        stp     d10, d11, [D10]                 // save d10 d11
        stp     d12, d13, [D12]                 // save d12 d13
        stp     d14, d15, [D14]                 // save d14 d15
        stp     x19, x20, [X19]                 // save x19 x20
        stp     x21, x22, [X21]                 // save x21 x22
        stp     x23, x24, [X23]                 // save x23 x24
        stp     x25, x26, [X25]                 // save x25 x26
        stp     x27, x28, [X27]                 // save x27 x28
        str     x29, [X29]                      // save x29
#ifndef CEDE_NO_FP_CONTROL
        mrs     x9, fpcr                        // save fpcr
#endif
        stp     x30, x9, [X30]                  // save x30
        cfa_of_context
.endm

/*
 * void cede__switch(void **save, void *to);
 *
 * entry:  x0 = save, x1 = to, x30 = where the caller continues
 * exit:   in the context `to`: x19-x29, d8-d15, fpcr as they were when it called
 *
 * x30 travels with fpcr and not with x29: if its restore is lost nothing else can be tested, so it has a line
 * of its own. fpcr is written only if it changes, as in the reference port; it has no status bits to leave out.
 */
function cede__switch
        save_context

        mov     x10, sp
        str     x10, [x0]
        mov     sp, x1

.Lresume:                                       // x9 = fpcr as it is now; cede__entry joins here
        ldp     x30, x10, [X30]                 // restore x30
#ifndef CEDE_NO_FP_CONTROL
        cmp     x9, x10
        b.eq    1f
        msr     fpcr, x10                       // restore fpcr
1:
#endif
        ldr     x29, [X29]                      // restore x29
        ldp     x27, x28, [X27]                 // restore x27 x28
        ldp     x25, x26, [X25]                 // restore x25 x26
        ldp     x23, x24, [X23]                 // restore x23 x24
        ldp     x21, x22, [X21]                 // restore x21 x22
        ldp     x19, x20, [X19]                 // restore x19 x20
        ldp     d14, d15, [D14]                 // restore d14 d15
        ldp     d12, d13, [D12]                 // restore d12 d13
        ldp     d10, d11, [D10]                 // restore d10 d11
        ldp     d8, d9, [D8]                    // restore d8 d9
        add     sp, sp, #FRAME
        .cfi_restore_state
        check_return_address
        ret
end_function cede__switch

/*
 * void cede__entry(void);
 *
 * entry:  by a jump of cede__start to .Lbegin: x1 = top, x19 = entry, x0 = arg
 * exit:   in the context that entry() returned, as cede__switch leaves it
 */
function cede__entry, outermost=x30
.Lbegin:
        mov     sp, x1
        blr     x19
#ifndef CEDE_NO_FP_CONTROL
        mrs     x9, fpcr                        // read fpcr
#endif
        mov     sp, x0
        b       .Lresume
end_function cede__entry

/*
 * void cede__start(void **save, void *top, void *(*entry)(void *), void *arg);
 *
 * entry:  x0 = save, x1 = top, x2 = entry, x3 = arg, x30 = where the caller continues
 * exit:   as cede__switch, when the caller's context is resumed
 */
function cede__start
        save_context
        mov     x10, sp
        str     x10, [x0]
        mov     x19, x2
        mov     x0, x3
        mov     x29, xzr
        b       .Lbegin
end_function cede__start

/*
 * void cede__inspect(void *on, void (*fn)(void *), void *arg);
 *
 * entry:  x0 = on, x1 = fn, x2 = arg
 * within fn: sp = on, x0 = arg, x19 = our own stack pointer, x29 = on + 144, the context's frame record
 * exit:   as any function
 *
 * The context's x30 is signed like ours, so the state of the signature never changes for the unwinder.
 */
function cede__inspect
        sign_return_address
        sub     sp, sp, #32
        .cfi_def_cfa_offset 32
        str     x29, [sp]                       // save x29
        str     x30, [sp, #8]                   // save x30
        str     x19, [sp, #16]                  // save x19
        .cfi_offset x29, -32
        .cfi_offset x30, -24
        .cfi_offset x19, -16
        mov     x19, sp
        .cfi_remember_state
        mov     sp, x0
        cfa_of_context
        add     x29, sp, #(FRAME - 32)
        mov     x0, x2
        blr     x1
        mov     sp, x19
        .cfi_restore_state
        ldr     x19, [sp, #16]                  // restore x19
        ldr     x30, [sp, #8]                   // restore x30
        ldr     x29, [sp]                       // restore x29
        add     sp, sp, #32
        .cfi_def_cfa_offset 0
        .cfi_restore x19
        .cfi_restore x30
        .cfi_restore x29
        check_return_address
        ret
end_function cede__inspect
