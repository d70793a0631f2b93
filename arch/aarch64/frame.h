/* SPDX-License-Identifier: MIT */
/* A suspended context of the aarch64 port, as arch/aarch64/switch.S leaves it on the stack. */
#ifndef CEDE_ARCH_AARCH64_FRAME_H
#define CEDE_ARCH_AARCH64_FRAME_H

#include <stdint.h>
#include <string.h>

#define CEDE__FRAME_CPU "aarch64"

struct cede__frame {
    uint64_t d8_d15[8];   /* the low halves of v8-v15 */
    uint64_t x19;         /* fresh: the entry function */
    uint64_t x20;         /* fresh: the argument of the entry function */
    uint64_t x21_x28[8];
    uint64_t x29;         /* with x30 a frame record: frame-pointer unwinders work; fresh: 0, their end */
    uint64_t x30;         /* the return address of cede__switch(), signed; fresh: in cede__entry() */
    uint64_t fpcr;        /* control word of floating-point and vector arithmetic */
    uint64_t unused;
};

/* Bytes of the landing pad at the start of cede__entry(). A fresh context returns to behind it, because
 * unwinders look up the byte before a return address, and that one must belong to cede__entry() too. */
enum { CEDE__FRAME_LANDING_PAD = 4 };

static inline void *cede__frame_fresh(void *top, void (*entry)(void *), void *arg)
{
    struct cede__frame *frame = (struct cede__frame *)top - 1;

    /* cede__switch() will authenticate the return address with the stack pointer above the frame, so sign
     * it likewise: hint 8 is pacia1716, which does nothing on a CPU that cannot sign. */
    register uintptr_t pc __asm__("x17") = (uintptr_t)cede__entry + CEDE__FRAME_LANDING_PAD;
    register uintptr_t modifier __asm__("x16") = (uintptr_t)top;
    __asm__("hint #8" : "+r"(pc) : "r"(modifier));

    memset(frame, 0, sizeof *frame);
    __asm__ volatile("mrs %0, fpcr" : "=r"(frame->fpcr));
    frame->x19 = (uintptr_t)entry;
    frame->x20 = (uintptr_t)arg;
    frame->x30 = pc;
    return frame;
}

static inline void *cede__frame_pc(const void *context)
{
    /* hint 7 is xpaclri: it removes the signature from the address in x30. */
    register uintptr_t pc __asm__("x30") = ((const struct cede__frame *)context)->x30;
    __asm__("hint #7" : "+r"(pc));
    return (void *)pc;
}

#endif
