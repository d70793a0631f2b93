/* SPDX-License-Identifier: MIT */
/*
 * Contexts: a suspended flow of control on a stack. The switch of arch/, plus what the sanitizers must hear about it.
 * An entry function must begin with cede__sanitizer_arrive(), and end with cede__context_end().
 */
#ifndef CEDE_RUNTIME_CONTEXT_H
#define CEDE_RUNTIME_CONTEXT_H

#include "../arch/arch.h"
#include "sanitizer.h"

/* Suspends the caller, which runs on `from`, into *save, and resumes `to`, which lies on `on`. */
static inline void cede__context_switch(void **save, struct cede__sanitizer *from, void *to, struct cede__sanitizer *on)
{
    cede__sanitizer_leave(from, on, false);
    cede__switch_inline(save, to);
    cede__sanitizer_arrive(from);
}

/* Suspends the caller, which runs on `from`, into *save, and calls entry(arg) below `top` on the empty stack `on`. */
static inline void cede__context_start(void **save, struct cede__sanitizer *from, struct cede__sanitizer *on, void *top,
                                       void *(*entry)(void *), void *arg)
{
    cede__sanitizer_leave(from, on, false);
    cede__start(save, top, entry, arg);
    cede__sanitizer_arrive(from);
}

/* What an entry function must return, from a function marked CEDE__CONTEXT_ENTRY, to end itself and resume `to`. */
static inline __attribute__((always_inline)) void *cede__context_end(struct cede__sanitizer *from, void *to,
                                                                     struct cede__sanitizer *on)
{
    cede__sanitizer_leave(from, on, true);
    return to;
}

/* What a context that nobody will resume is saved into. Not a local variable: when ASan looks for uses after return, it
 * keeps those on a stack of its own, which is gone as soon as ours is said to be dying. */
static _Thread_local void *cede__context_nobody;

/* The two that follow are for a caller that will never be resumed, and is not about to return from its entry
 * function. */
static inline __attribute__((noreturn)) void cede__context_leave(struct cede__sanitizer *from, void *to,
                                                                 struct cede__sanitizer *on)
{
    cede__sanitizer_leave(from, on, true);
    cede__switch(&cede__context_nobody, to);
    __builtin_unreachable();
}

static inline __attribute__((noreturn)) void cede__context_leave_start(struct cede__sanitizer *from,
                                                                       struct cede__sanitizer *on, void *top,
                                                                       void *(*entry)(void *), void *arg)
{
    cede__sanitizer_leave(from, on, true);
    cede__start(&cede__context_nobody, top, entry, arg);
    __builtin_unreachable();
}

#endif
