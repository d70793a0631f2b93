; SPDX-License-Identifier: MIT
;
; The context switch of x86_64, and the reference port: the other ports comment only what differs from here.
; arch/arch.h is the contract, arch/x86_64/frame.h the layout as C sees it, arch/nasm.inc has the macros.
;
; ABI: System V Application Binary Interface, AMD64 Architecture Processor Supplement, version 1.0,
; section 3.2.1 (registers) and 3.2.2 (stack frame).
;
; Saved, because a called function must preserve it:
;       rbx rbp r12 r13 r14 r15         on the context's own stack
;       rsp                             this is the context
;       rip                             the return address, where `call cede__switch` or cede__switch_inline() left it
;       mxcsr, x87 cw                   rounding, masks of exceptions, flush to zero, denormals are zero; and of mxcsr
;                                       also the status bits, which a caller expects to lose: cheaper than to except
;                                       them, and fetestexcept(3) tells of the context's own arithmetic
;
; Not saved, and why:
;       rax rcx rdx rsi rdi r8-r11      a caller of any function expects to lose them
;       xmm, ymm, zmm, k0-k7, mm, st    as well: no vector register is callee-saved in this ABI
;       x87 status and tag words        the register stack is empty at any call (3.2.1)
;       rflags                          the direction flag is clear at any call and return, the rest is lost
;       fs, gs                          they belong to the OS thread, and a context never changes its thread
;       signal mask                     belongs to the OS thread; saving it would cost a system call
;       shadow stack pointer            the file does not claim SHSTK (arch/nasm.inc), so the loader leaves
;                                       shadow stacks off
;
; A suspended context. Higher addresses are above; `on` is what cede__switch() or cede__start() stored in *save:
;
;       on + 64   |  frame of the caller  |     16-byte aligned: this is the CFA
;       on + 56   |  rip                  |     pushed by the `call` of that routine, or stored by cede__switch_inline()
;       on + 48   |  rbp                  |
;       on + 40   |  rbx                  |
;       on + 32   |  r15                  |
;       on + 24   |  r14                  |
;       on + 16   |  r13                  |
;       on +  8   |  r12                  |
;       on +  6   |  unused, 2 bytes      |
;       on +  4   |  x87 cw, 2 bytes      |
;       on        |  mxcsr, 4 bytes       |     16-byte aligned
;                    nothing below is live
;
; A running context. The state that was saved has been consumed; all that cede has on its stack is what cede__start()
; left there:
;
;       top       |  end of the stack     |     16-byte aligned: rsp in cede__entry
;       top -  8  |  return address       |     behind the `call` in cede__entry
;                 |  frame of entry()     |
;                 |  its callees ...      |
;       rsp ->
;
; There is no context that has not run yet: cede__start() calls the entry function at once, on an empty stack.

default rel
%include "nasm.inc"

        object

; Where the registers lie above a saved stack pointer: struct cede__frame.
%define MXCSR   rsp
%define X87_CW  rsp + 4
%define R12     rsp + 8
%define R13     rsp + 16
%define R14     rsp + 24
%define R15     rsp + 32
%define RBX     rsp + 40
%define RBP     rsp + 48
%define RIP     rsp + 56
%define FRAME   56                              ; without rip, which the call pushes

; The unwind data while rsp points at a saved context. It describes the context that is left as well as the one
; that is entered, so the exchange of rsp between them needs no unwind data of its own.
%macro cfa_of_context 0
        cfa     FRAME + 8
        saved   rbp, 16
        saved   rbx, 24
        saved   r15, 32
        saved   r14, 40
        saved   r13, 48
        saved   r12, 56
%endmacro

; What a routine does to suspend its caller. One `lea` and moves instead of pushes: three points of unwind data suffice,
; not fourteen. %1: how far down the context lies.
%macro save_context 1
        lea     rsp, [rsp - (%1)]
        cfa     FRAME + 8
%ifndef CEDE_NO_FP_CONTROL
        stmxcsr [MXCSR]                         ; save mxcsr
        fnstcw  [X87_CW]                        ; save x87cw
%endif
        mov     [R12], r12                      ; save r12
        mov     [R13], r13                      ; save r13
        mov     [R14], r14                      ; save r14
        mov     [R15], r15                      ; save r15
        mov     [RBX], rbx                      ; save rbx
        mov     [RBP], rbp                      ; save rbp
        cfa_of_context
%endmacro

; What a routine does to go on in another context, once rsp has been exchanged. mxcsr is loaded, whatever it holds: a
; comparison would have to read what stmxcsr has just stored, which takes longer than all the rest of the switch. The
; x87 control word is compared with the one that is in force, in cx, and loaded only if it differs: there the load is
; what is dear.
%macro restore_context 0
%ifndef CEDE_NO_FP_CONTROL
        ldmxcsr [MXCSR]                         ; restore mxcsr
        cmp     cx, [X87_CW]
        je      %$name + %%same_x87cw
        fldcw   [X87_CW]                        ; restore x87cw
        mark    %%same_x87cw
%endif
        mov     r12, [R12]                      ; restore r12
        mov     r13, [R13]                      ; restore r13
        mov     r14, [R14]                      ; restore r14
        mov     r15, [R15]                      ; restore r15
        mov     rbx, [RBX]                      ; restore rbx
        mov     rbp, [RBP]                      ; restore rbp
%endmacro

; The unwind data behind it: the registers are the context's own again, and its CFA is %1 above rsp.
%macro cfa_of_running 1
        cfa     %1
        same    rbp
        same    rbx
        same    r15
        same    r14
        same    r13
        same    r12
%endmacro

; void cede__switch(void **save, void *to);
;
; entry:  rdi = save, rsi = to, [rsp] = where the caller continues
; exit:   in the context `to`: rbx rbp r12-r15, mxcsr, x87 cw as they were when it called, rsp above its return
;         address; rax, rcx, rdx and the rest of the caller-saved registers hold nothing
;
; Ends with `ret` and not with a jump to the popped address: it answers the `call` that brought us here, so the
; CPU's return stack buffer still has the right depth for the callers, whose returns are then predicted.
; arch/README.md says more.
function cede__switch
        save_context FRAME
%ifndef CEDE_NO_FP_CONTROL
        movzx   ecx, word [X87_CW]              ; read x87cw
%endif
        mov     [rdi], rsp
        mov     rsp, rsi

        mark    resume                          ; cx = x87 cw as it is now; cede__entry joins here
        restore_context
        lea     rsp, [rsp + FRAME]
        cfa_of_running 8
        ret
end_function

; Entered by the jump in cede__switch_inline() (frame.h), never called.
;
; entry:  rdi = save, rsi = to, [rsp - 8] = where the caller continues
; exit:   as cede__switch, by a jump
;
; Neither calls nor returns: the return stack buffer is as it was for the callers, and where this ends is predicted from
; what has run before, so that it may be another place each time. `ret` would go astray whenever the context that comes
; next was left elsewhere.
function cede__switch_jump
        entered_by_jump
        save_context FRAME + 8
%ifndef CEDE_NO_FP_CONTROL
        movzx   ecx, word [X87_CW]              ; read x87cw
%endif
        mov     [rdi], rsp
        mov     rsp, rsi
        restore_context
        mov     rdx, [RIP]                      ; restore rip
        lea     rsp, [rsp + FRAME + 8]
        cfa_of_running 0
        jmp     rdx
end_function

; void cede__entry(void);
;
; entry:  by a jump of cede__start to `begin`: rsi = top, rbx = entry, rdi = arg
; exit:   in the context that entry() returned, as cede__switch leaves it
;
; Its own return address is marked undefined, which is how DWARF says "outermost frame". The x87 control word is
; read by way of the red zone of a stack that is about to be given up.
function cede__entry
        outermost
        mark    begin
        mov     rsp, rsi
        call    rbx
%ifndef CEDE_NO_FP_CONTROL
        fnstcw  [rsp - 12]                      ; read x87cw
        movzx   ecx, word [rsp - 12]            ; read x87cw
%endif
        mov     rsp, rax
        jmp     cede__switch + resume
end_function

; void cede__start(void **save, void *top, void *(*entry)(void *), void *arg);
;
; entry:  rdi = save, rsi = top, rdx = entry, rcx = arg, [rsp] = where the caller continues
; exit:   as cede__switch, when the caller's context is resumed
;
; Enters cede__entry by a jump, so that calls and returns stay paired: the `ret` that resumes a context after entry(arg)
; has returned answers the `call` of cede__start. rbp = 0 ends a walk along frame pointers.
function cede__start
        save_context FRAME
        mov     [rdi], rsp
        mov     rbx, rdx
        mov     rdi, rcx
        xor     ebp, ebp
        jmp     cede__entry + begin
end_function

; void cede__inspect(void *on, void (*fn)(void *), void *arg);
;
; entry:  rdi = on, rsi = fn, rdx = arg
; within fn: rsp + 8 = on (16-byte aligned before the call, as the ABI demands), rdi = arg,
;         rbx = our own stack pointer, rbp = on + 48, where the context's rbp and rip lie like any frame's
; exit:   as any function
;
; While fn runs, the unwind data of this frame describes the suspended context, so an unwinder goes from fn
; through here to the caller of the cede__switch() that suspended it. Only memory below `on` is written.
function cede__inspect
        lea     rsp, [rsp - 16]
        cfa     24
        mov     [rsp], rbx                      ; save rbx
        mov     [rsp + 8], rbp                  ; save rbp
        cfa     24
        saved   rbx, 24
        saved   rbp, 16
        mov     rbx, rsp
        mov     rsp, rdi
        cfa_of_context
        lea     rbp, [RBP]
        mov     rdi, rdx
        call    rsi
        mov     rsp, rbx
        cfa     24
        saved   rbx, 24
        saved   rbp, 16
        same    r15
        same    r14
        same    r13
        same    r12
        mov     rbx, [rsp]                      ; restore rbx
        mov     rbp, [rsp + 8]                  ; restore rbp
        lea     rsp, [rsp + 16]
        cfa     8
        same    rbx
        same    rbp
        ret
end_function
