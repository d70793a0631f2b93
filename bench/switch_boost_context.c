/* SPDX-License-Identifier: MIT */
/*
 * Boost.Context's jump_fcontext(), the layer below its classes: assembly with a C interface, which its header declares
 * for C++ only. Where it jumps to is handed the context that it came from, and saves it there.
 */
#include <limits.h>
#include <stddef.h>

struct transfer {
    void *from, *data;
};

struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *stack_top, size_t size, void (*fn)(struct transfer));

struct context {
    struct context *next;
    long laps;
    void (*entry)(void *);
    void *saved;
};

/* What arrives when we are back is from whoever jumped here. */
static inline void switch_to(struct context *from, struct context *to)
{
    struct transfer came = jump_fcontext(to->saved, from);

    ((struct context *)came.data)->saved = came.from;
}

static void begin(struct transfer maker)
{
    struct context *self = maker.data;
    struct transfer came = jump_fcontext(maker.from, NULL);

    ((struct context *)came.data)->saved = came.from;
    self->entry(self);
}

static void make(struct context *context, char *stack, size_t size, void (*entry)(void *), void *arg)
{
    (void)arg;
    context->entry = entry;
    context->saved = make_fcontext(stack + size, size, begin);
    context->saved = jump_fcontext(context->saved, context).from;
}

#include "switch_shapes.h"

static void measure(const struct bench_case *which)
{
    measure_switch(which, 20000000);
}

BENCH_SUBJECT("boost-context", measure, LONG_MAX)
