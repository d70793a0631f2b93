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
    uint64_t r12;      /* fresh: the argument of the entry function */
    uint64_t r13;
    uint64_t r14;
    uint64_t r15;
    uint64_t rbx;      /* fresh: the entry function */
    uint64_t rbp;      /* below rip, as `push rbp` would leave it: frame-pointer unwinders work; fresh: 0, their end */
    uint64_t rip;      /* the return address of cede__switch(); fresh: in cede__entry() */
};

/* Bytes of the endbr64 at the start of cede__entry(). A fresh context returns to behind it, because unwinders
 * look up the byte before a return address, and that one must belong to cede__entry() too. */
enum { CEDE__FRAME_LANDING_PAD = 4 };

static inline void *cede__frame_fresh(void *top, void (*entry)(void *), void *arg)
{
    struct cede__frame *frame = (struct cede__frame *)top - 1;

    __asm__ volatile("stmxcsr %0" : "=m"(frame->mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(frame->x87_cw));
    frame->unused = 0;
    frame->r12 = (uintptr_t)arg;
    frame->r13 = 0;
    frame->r14 = 0;
    frame->r15 = 0;
    frame->rbx = (uintptr_t)entry;
    frame->rbp = 0;
    frame->rip = (uintptr_t)cede__entry + CEDE__FRAME_LANDING_PAD;
    return frame;
}

static inline void *cede__frame_pc(const void *context)
{
    return (void *)(uintptr_t)((const struct cede__frame *)context)->rip;
}

#endif
