/* SPDX-License-Identifier: MIT */
/*
 * The bare switch, for `cede bench`: contexts in a ring, with no scheduler. The port is in this program twice: as it is
 * when it saves the floating-point control words, and, by other names, as CEDE_FP_CONTROL=OFF would build it.
 *
 * Never instrumented: sanitizers are not told of these switches.
 */
#include "../../arch/arch.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

enum {
    MANY = 1000,
    STACK_BYTES = 17 * 4096, /* an odd number of pages, as the runtime's: no power of two, or they fight for the TLB */
    COLOUR_BYTES = 64,       /* and tops that differ, or they fight for the cache */
    COLOURS = 16,
};

/* The port without control words: the build renames its routines. */
void cede__switch_no_control(void **save, void *to);
void cede__start_no_control(void **save, void *top, void *(*entry)(void *), void *arg);

struct context {
    void *saved;
    struct context *next;
    long laps; /* of the first: after these it goes home */
};

struct beginning {
    void *maker;
    struct context *made;
};

static void *home;

/* A ring of contexts by one of the two ports, each called directly. The first starts the others, and ends the lap. */
#define RING(name, switch_, start_)                                                              \
    static void *name##_begin(void *arg)                                                         \
    {                                                                                            \
        struct beginning *beginning = arg;                                                       \
        struct context *me = beginning->made;                                                    \
                                                                                                 \
        switch_(&me->saved, beginning->maker);                                                   \
        for (;;) {                                                                               \
            for (long lap = me->laps; lap; lap--)                                                \
                switch_(&me->saved, me->next->saved);                                            \
            switch_(&me->saved, home);                                                           \
        }                                                                                        \
        return NULL;                                                                             \
    }                                                                                            \
    static struct bench_cost name(long n, long operations)                                       \
    {                                                                                            \
        struct context contexts[MANY];                                                           \
        struct beginning beginning;                                                              \
        struct bench_cost cost;                                                                  \
        long laps = operations / n + 1;                                                          \
        char *stacks = map_stacks(n);                                                            \
                                                                                                 \
        for (long i = 0; i < n; i++) {                                                           \
            contexts[i] = (struct context){.next = &contexts[(i + 1) % n], .laps = -1};          \
            beginning.made = &contexts[i];                                                       \
            start_(&beginning.maker, stack_top(stacks, i), name##_begin, &beginning);            \
        }                                                                                        \
        contexts[0].laps = laps / 10 + 1;                                                        \
        switch_(&home, contexts[0].saved);                                                       \
        contexts[0].laps = laps;                                                                 \
        bench_clock_begin();                                                                     \
        switch_(&home, contexts[0].saved);                                                       \
        cost = bench_clock_end(laps * n);                                                        \
        munmap(stacks, (size_t)n * STACK_BYTES);                                                 \
        return cost;                                                                             \
    }

static char *map_stacks(long n)
{
    size_t bytes = (size_t)n * STACK_BYTES;
    char *stacks = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (stacks == MAP_FAILED)
        abort();
    madvise(stacks, bytes, MADV_NOHUGEPAGE);
    return stacks;
}

static char *stack_top(char *stacks, long i)
{
    return stacks + (i + 1) * STACK_BYTES - i % COLOURS * COLOUR_BYTES;
}

RING(ring, cede__switch, cede__start)
RING(ring_no_control, cede__switch_no_control, cede__start_no_control)

struct bench_cost bench_switch_two(long operations)
{
    return ring(2, operations);
}

struct bench_cost bench_switch_two_no_control(long operations)
{
    return ring_no_control(2, operations);
}

struct bench_cost bench_switch_many(long operations)
{
    return ring(MANY, operations);
}

struct bench_cost bench_switch_many_no_control(long operations)
{
    return ring_no_control(MANY, operations);
}

static void nothing(void)
{
    __asm__ volatile("");
}

struct bench_cost bench_call(long operations)
{
    void (*volatile call)(void) = nothing;

    bench_clock_begin();
    for (long i = 0; i < operations; i++)
        call();
    return bench_clock_end(operations);
}
