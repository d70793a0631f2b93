/* SPDX-License-Identifier: MIT */
/*
 * How sigsetjmp(3) can be watched: what libcede-posix needs of a CPU to keep the signal masks of threads that are tasks
 * beside those that libc keeps. Optional: arch/<cpu>/sigsetjmp.asm or sigsetjmp.S defines it. Without that file a jump
 * restores the mask that all threads have in common.
 */
#ifndef CEDE_ARCH_SIGSETJMP_H
#define CEDE_ARCH_SIGSETJMP_H

struct __jmp_buf_tag;

/* Exported as __sigsetjmp, which is what sigsetjmp(3) is a macro for. Calls the following with its own arguments, and
 * goes on with the function that that returns. Its caller must see nothing of this: libc's function keeps where it
 * returns to, and the registers. */
void cede__posix_sigsetjmp(void);

typedef void cede__posix_sigsetjmp_fn(void);

/* Must not park. */
cede__posix_sigsetjmp_fn *cede__posix_before_sigsetjmp(struct __jmp_buf_tag *env, int savemask)
    __attribute__((visibility("hidden")));

#endif
