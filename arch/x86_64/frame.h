/* SPDX-License-Identifier: MIT */
/* A suspended context of the x86_64 port, as arch/x86_64/switch.asm leaves it on the stack. */
#ifndef CEDE_ARCH_X86_64_FRAME_H
#define CEDE_ARCH_X86_64_FRAME_H

#include <stdint.h>

#define CEDE__FRAME_CPU "x86_64"

struct cede__frame {
    uint32_t mxcsr;    /* control and status of SSE and AVX arithmetic */
    uint16_t x87_cw;   /* control word of the x87 unit */
    uint16_t unused;
    uint64_t r12;
    uint64_t r13;
    uint64_t r14;
    uint64_t r15;
    uint64_t rbx;
    uint64_t rbp;      /* below rip, as `push rbp` would leave it: frame-pointer unwinders work */
    uint64_t rip;      /* the return address of cede__switch() or cede__start() */
};

static inline void *cede__frame_pc(const void *context)
{
    return (void *)(uintptr_t)((const struct cede__frame *)context)->rip;
}

static inline void cede__relax(void)
{
    __builtin_ia32_pause();
}

/*
 * cede__switch_inline(): see arch.h. All that a call may clobber is clobbered here. The landing pad is where other
 * contexts jump to.
 *
 * The compiler must take the caller for a function that calls others: for such a one there is no red zone, which would
 * lie where the context is saved, and the stack is aligned, as soon as something lies there. So it is shown a call that
 * is never made, and something.
 */
#define CEDE__FRAME_INLINE
#ifdef __AVX512F__
#define CEDE__FRAME_CLOBBERED_512                                                                                  \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
        "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define CEDE__FRAME_CLOBBERED_512
#endif

static inline __attribute__((always_inline)) void cede__switch_inline(void **save, void *to)
{
    char something;

    __asm__ goto("" : : : : called);
    __asm__ volatile("lea 1f(%%rip), %%rax\n\t"
                     "mov %%rax, -8(%%rsp)\n\t"
                     "jmp cede__switch_jump\n"
                     "1:\tendbr64"
                     : "+D"(save), "+S"(to), "=m"(something)
                     :
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3",
                       "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                       "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"
                       CEDE__FRAME_CLOBBERED_512);
    return;
called:
    cede__switch(save, to);
    __asm__ volatile(""); /* behind it, or it were a jump */
}

struct cede__control {
    uint32_t mxcsr;
    uint16_t x87_cw;
};

static inline void cede__control_get(struct cede__control *control)
{
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(control->mxcsr), "=m"(control->x87_cw));
}

static inline void cede__control_set(const struct cede__control *control)
{
#ifdef CEDE_NO_FP_CONTROL
    (void)control;
#else
    uint16_t x87_cw;

    __asm__ volatile("ldmxcsr %1\n\tfnstcw %0" : "=m"(x87_cw) : "m"(control->mxcsr));
    if (x87_cw != control->x87_cw)
        __asm__ volatile("fldcw %0" : : "m"(control->x87_cw));
#endif
}

#endif
