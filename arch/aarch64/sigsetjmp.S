/* SPDX-License-Identifier: MIT */
/*
 * __sigsetjmp(3) in front of libc's; see arch/sigsetjmp.h, and the reference port.
 *
 * ABI: as switch.S. Saved: x0 and x1, which libc's function is to get as they came, x29 and x30.
 */
#include "gas.inc"

/*
 * int __sigsetjmp(struct __jmp_buf_tag *env, int savemask);
 *
 * entry:  x0 = env, w1 = savemask, x30 = where the caller continues, also after a jump
 * exit:   by a jump, in libc's function as if it had been called. By x16, from which a landing pad for calls may be
 *         entered
 */
function cede__posix_sigsetjmp
        sign_return_address
        stp     x29, x30, [sp, #-32]!           // save x29 x30
        .cfi_def_cfa_offset 32
        .cfi_offset x29, -32
        .cfi_offset x30, -24
        stp     x0, x1, [sp, #16]               // save x0 x1
        bl      cede__posix_before_sigsetjmp
        mov     x16, x0
        ldp     x0, x1, [sp, #16]               // restore x0 x1
        ldp     x29, x30, [sp], #32             // restore x29 x30
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        check_return_address
        br      x16
end_function cede__posix_sigsetjmp

        .globl  __sigsetjmp
        .type   __sigsetjmp, %function
        .set    __sigsetjmp, cede__posix_sigsetjmp
        .size   __sigsetjmp, . - cede__posix_sigsetjmp
