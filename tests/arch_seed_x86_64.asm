; SPDX-License-Identifier: MIT
; tests/arch_seed.h for x86_64.

default rel
%include "nasm.inc"

        object

; int arch_single_step(int on);
function arch_single_step
        pushfq
        cfa     16
        and     qword [rsp], ~0x100             ; TF
        shl     edi, 8
        or      [rsp], rdi
        popfq
        cfa     8
        xor     eax, eax
        ret
end_function

; void arch_seeded_call(const uint64_t *in, uint64_t *out, void (*fn)(void *, void *, void *),
;                       void *a, void *b, void *c);
;
; entry:  rdi = in, rsi = out, rdx = fn, rcx = a, r8 = b, r9 = c
function arch_seeded_call
        lea     rsp, [rsp - 72]
        cfa     80
        mov     [rsp], rbx
        mov     [rsp + 8], rbp
        mov     [rsp + 16], r12
        mov     [rsp + 24], r13
        mov     [rsp + 32], r14
        mov     [rsp + 40], r15
        stmxcsr [rsp + 48]
        fnstcw  [rsp + 52]
        mov     [rsp + 56], rsi
        cfa     80
        saved   rbx, 80
        saved   rbp, 72
        saved   r12, 64
        saved   r13, 56
        saved   r14, 48
        saved   r15, 40

        mov     rbx, [rdi]
        mov     rbp, [rdi + 8]
        mov     r12, [rdi + 16]
        mov     r13, [rdi + 24]
        mov     r14, [rdi + 32]
        mov     r15, [rdi + 40]
%ifndef CEDE_NO_FP_CONTROL
        ldmxcsr [rdi + 48]
        fldcw   [rdi + 56]
%endif
        mov     r11, rdx
        mov     rdi, rcx
        mov     rsi, r8
        mov     rdx, r9
        call    r11

        mov     rax, [rsp + 56]
        mov     [rax], rbx
        mov     [rax + 8], rbp
        mov     [rax + 16], r12
        mov     [rax + 24], r13
        mov     [rax + 32], r14
        mov     [rax + 40], r15
%ifndef CEDE_NO_FP_CONTROL
        stmxcsr [rax + 48]
        fnstcw  [rax + 56]
%endif

        mov     rbx, [rsp]
        mov     rbp, [rsp + 8]
        mov     r12, [rsp + 16]
        mov     r13, [rsp + 24]
        mov     r14, [rsp + 32]
        mov     r15, [rsp + 40]
        ldmxcsr [rsp + 48]
        fldcw   [rsp + 52]
        lea     rsp, [rsp + 72]
        cfa     8
        same    rbx
        same    rbp
        same    r12
        same    r13
        same    r14
        same    r15
        ret
end_function

%macro seeded 4                                 ; name, vary, fixed, dwarf
%%name: db      %1
        times   8 - ($ - %%name) db 0
        dq      %2, %3, %4
%endmacro

        section .rodata align=8
        global  arch_registers:data hidden
arch_registers:
        seeded  'rbx', -1, 0, DWARF_rbx
        seeded  'rbp', -1, 0, DWARF_rbp
        seeded  'r12', -1, 0, DWARF_r12
        seeded  'r13', -1, 0, DWARF_r13
        seeded  'r14', -1, 0, DWARF_r14
        seeded  'r15', -1, 0, DWARF_r15
%ifndef CEDE_NO_FP_CONTROL
        seeded  'mxcsr', 0xe040, 0x1f80, -1     ; flush to zero, rounding, denormals are zero; exceptions masked
        seeded  'x87cw', 0x0e00, 0x003f, -1     ; rounding, precision; exceptions masked
%endif
        seeded  '', 0, 0, -1

        global  arch_return_register:data hidden
arch_return_register:
        db      'rip', 0, 0, 0, 0, 0
