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

; void arch_seeded_call(const uint64_t *in, uint64_t *out, void (*fn)(void), void *const args[4]);
;
; entry:  rdi = in, rsi = out, rdx = fn, rcx = args
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
        mov     rdi, [rcx]
        mov     rsi, [rcx + 8]
        mov     rdx, [rcx + 16]
        mov     rcx, [rcx + 24]
        mov     rax, rcx
        mov     r8, rcx
        mov     r9, rcx
        mov     r10, rcx
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

; void *arch_end(void *end);
;
; entry:  rdi = end
function arch_end
        mov     rax, [rdi]
        mov     rax, [rax]
        mov     rsi, [rdi + 8]
        mov     rcx, [rdi + 16]
%ifndef CEDE_NO_FP_CONTROL
        ldmxcsr [rsi + 48]
        fldcw   [rsi + 56]
%endif
        mov     rdx, rcx
        mov     rsi, rcx
        mov     rdi, rcx
        mov     r8, rcx
        mov     r9, rcx
        mov     r10, rcx
        mov     r11, rcx
%assign below 8
%rep 8
        mov     [rsp - below], rcx
%assign below below + 8
%endrep
        ret
end_function

%macro seeded 5                                 ; name, vary, fixed, dwarf, is_control
%%name: db      %1
        times   8 - ($ - %%name) db 0
        dq      %2, %3, %4, %5
%endmacro

        section .rodata align=8
        global  arch_registers:data hidden
arch_registers:
        seeded  'rbx', -1, 0, DWARF_rbx, 0
        seeded  'rbp', -1, 0, DWARF_rbp, 0
        seeded  'r12', -1, 0, DWARF_r12, 0
        seeded  'r13', -1, 0, DWARF_r13, 0
        seeded  'r14', -1, 0, DWARF_r14, 0
        seeded  'r15', -1, 0, DWARF_r15, 0
%ifndef CEDE_NO_FP_CONTROL
        seeded  'mxcsr', 0xe040, 0x1f80, -1, 1  ; flush to zero, rounding, denormals are zero; exceptions masked
        seeded  'x87cw', 0x0e00, 0x007f, -1, 1  ; rounding, precision; exceptions masked, and a bit that is always set
%endif
        seeded  '', 0, 0, -1, 0

        global  arch_return_register:data hidden
arch_return_register:
        db      'rip', 0, 0, 0, 0, 0
