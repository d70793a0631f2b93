/* SPDX-License-Identifier: MIT */
/*
 * The measurement of a bare switch, compiled anew for each subject so that its switch is called (or inlined) directly.
 * The including file defines, before:
 *
 *     struct context { struct context *next; long laps; ... };
 *     static inline void switch_to(struct context *from, struct context *to);
 *     static void make(struct context *context, char *stack, size_t size, void (*entry)(void *), void *arg);
 *
 * and then calls measure_switch(). Two traps are avoided here. Loops of identical bytes alias in the branch predictor,
 * and the compiler folds identical functions into one: each site is shifted by a different number of nops. And a
 * compiler turns a call at a function's end into a jump: KEEP() leaves something to do after it.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "switch.h"

enum {
    SITES = 8,
    STACK_BYTES = 64 << 10,
    SLOT_BYTES = STACK_BYTES + 4096, /* an odd number of pages, and tops that differ: as cede's own stacks */
    COLOURS = 16,
    COLOUR_BYTES = 64,
};

static struct context home; /* the measuring thread itself */

#define SHIFT(site) __asm__ volatile(".rept " #site "\n nop\n .endr")
#define KEEP(self)  __asm__ volatile("" : : "r"(self) : "memory")

/* The first context comes home after its laps; the others have no end. */
#define LOOP(self, site, step)                         \
    do {                                               \
        SHIFT(site);                                   \
        for (;;) {                                     \
            for (long lap = (self)->laps; lap; lap--)  \
                step;                                  \
            switch_to(self, &home);                    \
        }                                              \
    } while (0)

#define SITE(site)                                                  \
    static __attribute__((noinline)) void frame1_##site(struct context *self) \
    {                                                               \
        SHIFT(site);                                                \
        switch_to(self, self->next);                                \
        KEEP(self);                                                 \
    }                                                               \
    static __attribute__((noinline)) void frame2_##site(struct context *self) \
    {                                                               \
        SHIFT(site);                                                \
        frame1_##site(self);                                        \
        KEEP(self);                                                 \
    }                                                               \
    static __attribute__((noinline)) void frame3_##site(struct context *self) \
    {                                                               \
        SHIFT(site);                                                \
        frame2_##site(self);                                        \
        KEEP(self);                                                 \
    }                                                               \
    static void leaf_##site(void *self)                             \
    {                                                               \
        struct context *const me = self;                            \
        LOOP(me, site, switch_to(me, me->next));                    \
    }                                                               \
    static void one_deep_##site(void *self)                         \
    {                                                               \
        LOOP((struct context *)self, site, frame1_##site(self));    \
    }                                                               \
    static void three_deep_##site(void *self)                       \
    {                                                               \
        LOOP((struct context *)self, site, frame3_##site(self));    \
    }

SITE(0) SITE(1) SITE(2) SITE(3) SITE(4) SITE(5) SITE(6) SITE(7)

#define EIGHT(name) {name##0, name##1, name##2, name##3, name##4, name##5, name##6, name##7}

static void (*const entries[][SITES])(void *) = {
    [SWITCH_LEAF] = EIGHT(leaf_),
    [SWITCH_ONE_DEEP] = EIGHT(one_deep_),
    [SWITCH_THREE_DEEP] = EIGHT(three_deep_),
};

static struct context *make_contexts(const struct bench_case *which)
{
    size_t n = (size_t)which->n, at;
    struct context *contexts = calloc(n, sizeof *contexts);
    char *stacks = mmap(NULL, n * SLOT_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (!contexts || stacks == MAP_FAILED)
        bench_fail("memory for contexts");
    madvise(stacks, n * SLOT_BYTES, MADV_NOHUGEPAGE);
    for (at = 0; at < n; at++) {
        contexts[at].laps = -1;
        make(&contexts[at], stacks + at * SLOT_BYTES, SLOT_BYTES - at % COLOURS * COLOUR_BYTES,
             which->shape >= SWITCH_LEAF ? entries[which->shape][at % SITES] : leaf_0, &contexts[at]);
    }
    return contexts;
}

static void link_ring(const struct bench_case *which, struct context *contexts)
{
    size_t n = (size_t)which->n, at, other, swapped, *order = malloc(n * sizeof *order);
    uint32_t seed = 1;

    if (!order)
        bench_fail("malloc");
    for (at = 0; at < n; at++)
        order[at] = at;
    if (which->shape == SWITCH_RANDOM)
        for (at = n - 1; at > 0; at--) {
            other = bench_random(&seed) % (at + 1);
            swapped = order[at];
            order[at] = order[other];
            order[other] = swapped;
        }
    for (at = 0; at < n; at++)
        contexts[order[at]].next = &contexts[order[(at + 1) % n]];
    free(order);
}

static void measure_switch(const struct bench_case *which, long switches)
{
    struct context *contexts = make_contexts(which);
    /* Where nothing is in the cache a switch takes many times as long. */
    long laps = bench_count(which->n < 10000 ? switches : switches / 10) / which->n + 1;
    int64_t start;

    link_ring(which, contexts);
    contexts[0].laps = laps / 10 + 1;
    switch_to(&home, &contexts[0]);
    contexts[0].laps = laps;
    start = bench_now();
    switch_to(&home, &contexts[0]);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(laps * which->n));
    free(contexts);
}
