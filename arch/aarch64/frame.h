/* SPDX-License-Identifier: MIT */
/* A suspended context of the aarch64 port, as arch/aarch64/switch.S leaves it on the stack. */
#ifndef CEDE_ARCH_AARCH64_FRAME_H
#define CEDE_ARCH_AARCH64_FRAME_H

#include <stdint.h>

#define CEDE__FRAME_CPU "aarch64"

struct cede__frame {
    uint64_t d8_d15[8];   /* the low halves of v8-v15 */
    uint64_t x19_x28[10];
    uint64_t x29;         /* with x30 a frame record: frame-pointer unwinders work */
    uint64_t x30;         /* the return address of cede__switch() or cede__start(), signed */
    uint64_t fpcr;        /* control word of floating-point and vector arithmetic */
    uint64_t unused;
};

static inline void *cede__frame_pc(const void *context)
{
    uintptr_t pc = ((const struct cede__frame *)context)->x30;
    __asm__("mov x30, %0\n\thint #7\n\tmov %0, x30" : "+r"(pc) : : "x30"); /* xpaclri: takes the signature off */
    return (void *)pc;
}

/* Longer than `yield`, which most cores take for nothing. */
static inline void cede__relax(void)
{
    __asm__ volatile("isb");
}

struct cede__control {
    uint64_t fpcr;
};

static inline void cede__control_get(struct cede__control *control)
{
    __asm__ volatile("mrs %0, fpcr" : "=r"(control->fpcr));
}

static inline void cede__control_set(const struct cede__control *control)
{
#ifdef CEDE_NO_FP_CONTROL
    (void)control;
#else
    struct cede__control now;

    cede__control_get(&now);
    if (now.fpcr != control->fpcr)
        __asm__ volatile("msr fpcr, %0" : : "r"(control->fpcr));
#endif
}

#endif
