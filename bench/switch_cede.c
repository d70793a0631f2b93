/* SPDX-License-Identifier: MIT */
/* cede's own switch: arch/<cpu>/switch, as the runtime calls it. */
#include "../arch/arch.h"

#include <limits.h>
#include <stddef.h>

struct context {
    struct context *next;
    long laps;
    void *saved;
};

static inline void switch_to(struct context *from, struct context *to)
{
    cede__switch_inline(&from->saved, to->saved);
}

struct beginning {
    void *maker;
    struct context *made;
    void (*entry)(void *);
    void *arg;
};

static void *begin(void *arg)
{
    const struct beginning beginning = *(struct beginning *)arg;

    cede__switch(&beginning.made->saved, beginning.maker);
    beginning.entry(beginning.arg);
    return NULL;
}

/* cede__start() runs the new context at once: it comes back, and waits. */
static void make(struct context *context, char *stack, size_t size, void (*entry)(void *), void *arg)
{
    struct beginning beginning = {.made = context, .entry = entry, .arg = arg};

    cede__start(&beginning.maker, stack + size, begin, &beginning);
}

#include "switch_shapes.h"

static void measure(const struct bench_case *which)
{
    measure_switch(which, 20000000);
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
