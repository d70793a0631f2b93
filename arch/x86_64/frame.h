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
