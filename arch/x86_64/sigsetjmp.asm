; SPDX-License-Identifier: MIT
;
; __sigsetjmp(3) in front of libc's, for libcede-posix; see arch/sigsetjmp.h. A function that returns twice cannot be
; written in C around another one.
;
; ABI: as switch.asm. Saved: rdi and rsi, which libc's function is to get as they came. Not saved: all else that a
; caller of any function expects to lose. The return address stays where it was, for libc's function keeps it.

default rel
%include "nasm.inc"

        object

        extern  cede__posix_before_sigsetjmp

; int __sigsetjmp(struct __jmp_buf_tag *env, int savemask);
;
; entry:  rdi = env, esi = savemask, [rsp] = where the caller continues, also after a jump
; exit:   by a jump, in libc's function as if it had been called
        global  __sigsetjmp:function default (sigsetjmp_length)
function cede__posix_sigsetjmp
        lea     rsp, [rsp - 24]
        cfa     32
        mov     [rsp], rdi                      ; save rdi
        mov     [rsp + 8], rsi                  ; save rsi
        call    cede__posix_before_sigsetjmp
        mov     rdi, [rsp]                      ; restore rdi
        mov     rsi, [rsp + 8]                  ; restore rsi
        lea     rsp, [rsp + 24]
        cfa     8
        jmp     rax
end_function

__sigsetjmp equ cede__posix_sigsetjmp
sigsetjmp_length equ $ - cede__posix_sigsetjmp
