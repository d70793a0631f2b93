/* SPDX-License-Identifier: MIT */
/* The least that a context of the C library costs: ucontext_t and a stack without a guard, all in one mapping. */
#include <limits.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "memory.h"

static ucontext_t home, *newest;

static void park(void)
{
    swapcontext(newest, &home);
}

/* The context lies at the top of its own stack. */
static void make(char *stack)
{
    ucontext_t *context = (ucontext_t *)(stack + MEMORY_STACK_BYTES) - 1;

    getcontext(context);
    context->uc_stack.ss_sp = stack;
    context->uc_stack.ss_size = (size_t)((char *)context - stack);
    makecontext(context, park, 0);
    newest = context;
    swapcontext(&home, context);
}

static void measure(const struct bench_case *which)
{
    struct memory_mark before = memory_mark();
    size_t bytes = (size_t)which->n * MEMORY_STACK_BYTES, at;
    char *stacks;

    before = memory_mark(); /* reading it has brought the C library's own memory */
    stacks = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED)
        bench_fail("mmap");
    madvise(stacks, bytes, MADV_NOHUGEPAGE);
    for (at = 0; at < bytes; at += MEMORY_STACK_BYTES)
        make(stacks + at);
    memory_report(&before, which);
}

BENCH_SUBJECT("ucontext", measure, LONG_MAX)
