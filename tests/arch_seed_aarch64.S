/* SPDX-License-Identifier: MIT */
/* tests/arch_seed.h for aarch64. */
#include "gas.inc"

/* int arch_single_step(int on); */
function arch_single_step
        mov     w0, #-1
        ret
end_function arch_single_step

/*
 * void arch_seeded_call(const uint64_t *in, uint64_t *out, void (*fn)(void), void *const args[4]);
 *
 * entry:  x0 = in, x1 = out, x2 = fn, x3 = args
 */
function arch_seeded_call
        sign_return_address
        stp     x29, x30, [sp, #-192]!
        .cfi_def_cfa_offset 192
        .cfi_offset x29, -192
        .cfi_offset x30, -184
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mrs     x9, fpcr
        stp     x1, x9, [sp, #160]
        .cfi_offset x19, -176
        .cfi_offset x20, -168
        .cfi_offset x21, -160
        .cfi_offset x22, -152
        .cfi_offset x23, -144
        .cfi_offset x24, -136
        .cfi_offset x25, -128
        .cfi_offset x26, -120
        .cfi_offset x27, -112
        .cfi_offset x28, -104
        .cfi_offset d8, -96
        .cfi_offset d9, -88
        .cfi_offset d10, -80
        .cfi_offset d11, -72
        .cfi_offset d12, -64
        .cfi_offset d13, -56
        .cfi_offset d14, -48
        .cfi_offset d15, -40

        ldp     x19, x20, [x0]
        ldp     x21, x22, [x0, #16]
        ldp     x23, x24, [x0, #32]
        ldp     x25, x26, [x0, #48]
        ldp     x27, x28, [x0, #64]
        ldp     x29, x18, [x0, #80]
        ldp     d8, d9, [x0, #96]
        ldp     d10, d11, [x0, #112]
        ldp     d12, d13, [x0, #128]
        ldp     d14, d15, [x0, #144]
#ifndef CEDE_NO_FP_CONTROL
        ldr     x9, [x0, #160]
        msr     fpcr, x9
#endif
        mov     x17, x2
        ldp     x0, x1, [x3]
        ldp     x2, x3, [x3, #16]
        .irp    number, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
        mov     x\number, x3
        .endr
        blr     x17

        ldp     x0, x10, [sp, #160]
        stp     x19, x20, [x0]
        stp     x21, x22, [x0, #16]
        stp     x23, x24, [x0, #32]
        stp     x25, x26, [x0, #48]
        stp     x27, x28, [x0, #64]
        stp     x29, x18, [x0, #80]
        stp     d8, d9, [x0, #96]
        stp     d10, d11, [x0, #112]
        stp     d12, d13, [x0, #128]
        stp     d14, d15, [x0, #144]
#ifndef CEDE_NO_FP_CONTROL
        mrs     x9, fpcr
        str     x9, [x0, #160]
#endif

        msr     fpcr, x10
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #192
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        check_return_address
        ret
end_function arch_seeded_call

/*
 * void *arch_end(void *end);
 *
 * entry:  x0 = end
 */
function arch_end
        ldp     x2, x1, [x0]
        ldr     x3, [x0, #16]
        ldr     x0, [x2]
#ifndef CEDE_NO_FP_CONTROL
        ldr     x1, [x1, #160]
        msr     fpcr, x1
#endif
        .irp    number, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
        mov     x\number, x3
        .endr
        .irp    below, 16, 32, 48, 64
        stp     x3, x3, [sp, #-\below]
        .endr
        ret
end_function arch_end

.macro seeded name, vary, fixed, dwarf, is_control=0
1:      .ascii  "\name"
        .zero   8 - (. - 1b)
        .quad   \vary, \fixed, \dwarf, \is_control
.endm

        .section .rodata
        .p2align 3
        .globl  arch_registers
        .hidden arch_registers
        .type   arch_registers, %object
arch_registers:
        .irp    number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
        seeded  x\number, -1, 0, \number
        .endr
        seeded  x18, 0, -1, -1
        .irp    number, 8, 9, 10, 11, 12, 13, 14, 15
        seeded  d\number, -1, 0, (64 + \number)
        .endr
#ifndef CEDE_NO_FP_CONTROL
        seeded  fpcr, 0x03c00000, 0, -1, 1      // rounding, flush to zero, default NaN
#endif
        .quad   0, 0, 0, -1, 0
        .size   arch_registers, . - arch_registers

        .globl  arch_return_register
        .hidden arch_return_register
        .type   arch_return_register, %object
arch_return_register:
        .asciz  "x30"
        .zero   4
        .size   arch_return_register, 8
