/* SPDX-License-Identifier: MIT */
/*
 * Contexts: a suspended flow of control on a stack. The switch of arch/, plus what the sanitizers must hear about it.
 * A fresh context comes from cede__frame_fresh(); its entry function must begin with cede__sanitizer_arrive().
 */
#ifndef CEDE_RUNTIME_CONTEXT_H
#define CEDE_RUNTIME_CONTEXT_H

#include "../arch/arch.h"
#include "sanitizer.h"
#include "stack.h"

/* Suspends the caller, which runs on `from`, into *save, and resumes `to`, which lies on `on`. */
static inline void cede__context_switch(void **save, struct cede__sanitizer *from, void *to, struct cede__sanitizer *on)
{
    cede__sanitizer_leave(from, on, false);
    cede__switch(save, to);
    cede__sanitizer_arrive(from);
}

/* The same for a caller that will never be resumed. */
static inline void cede__context_leave(struct cede__sanitizer *from, void *to, struct cede__sanitizer *on)
{
    void *nobody;

    cede__sanitizer_leave(from, on, true);
    cede__switch(&nobody, to);
    __builtin_unreachable();
}

#endif
