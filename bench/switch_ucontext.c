/* SPDX-License-Identifier: MIT */
/* swapcontext(3), which saves the signal mask with a system call. */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

struct context {
    struct context *next;
    long laps;
    void (*entry)(void *);
    ucontext_t saved;
};

static inline void switch_to(struct context *from, struct context *to)
{
    swapcontext(&from->saved, &to->saved);
}

/* makecontext(3) passes ints. */
static void enter(unsigned high, unsigned low)
{
    struct context *self = (struct context *)((uintptr_t)high << 32 | low);

    self->entry(self);
}

static void make(struct context *context, char *stack, size_t size, void (*entry)(void *), void *arg)
{
    getcontext(&context->saved);
    context->saved.uc_stack.ss_sp = stack;
    context->saved.uc_stack.ss_size = size;
    context->entry = entry;
    makecontext(&context->saved, (void (*)(void))enter, 2, (unsigned)((uintptr_t)arg >> 32), (unsigned)(uintptr_t)arg);
}

#include "switch_shapes.h"

static void measure(const struct bench_case *which)
{
    measure_switch(which, 1000000);
}

BENCH_SUBJECT("ucontext", measure, LONG_MAX)
