/* SPDX-License-Identifier: MIT */
/*
 * Stacks: carved from big slabs of reserved address space, each with a guard below, reused most recently used first.
 *
 *     slab:  | guard | usable ............ header colour | guard | usable ............ header colour | ...
 *              low addresses            <- grows down           high addresses
 *
 * A slot (guard + usable + rest of the page) is an odd number of pages, and the top moves down by a cyclic number of
 * cache lines from one stack to the next: equal offsets would make the hot ends of all stacks fall into the same few
 * sets of the TLB and the cache. The header lies on the stack itself, in the page that a started task touches anyway.
 *
 * Guards are MADV_GUARD_INSTALL where a self-test shows that it works (Linux 6.13; an emulator may only pretend), for
 * it does not split the mapping; else mprotect, of which the kernel allows about vm.max_map_count / 2.
 *
 * Not thread-safe: each worker has its own.
 */
#ifndef CEDE_RUNTIME_STACK_H
#define CEDE_RUNTIME_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "sanitizer.h"

#define CEDE__STACK_NAME_BYTES 32

struct cede__stack_pool;
struct cede__gen;
struct cede__error;

struct cede__stack {
    struct cede__stack *next;       /* in the pool's free list, while it is free */
    struct cede__stack_pool *pool;
    char *bottom;                   /* lowest usable byte; the guard ends here */
    char name[CEDE__STACK_NAME_BYTES]; /* room for a name that the task that runs on it gives itself ... */
    const char *given_name;         /* ... and the one it was spawned with, valid while it goes by `name` */
    struct cede__error *message;    /* of a failure; see error.h */
    struct cede__gen *gen;          /* the generator whose body runs on it; NULL: a task */
    struct cede__sanitizer sanitizer;
};

/* All stacks of one size. */
struct cede__stack_pool {
    struct cede__stack_pool *next;
    struct cede__stack *free;   /* most recently used first */
    size_t size, guard, slot;   /* bytes; size is usable, slot is the distance between two stacks */
    char *carve, *guarded, *end; /* of the newest slab: next slot to hand out, end of those with guards, end of slab */
    unsigned colour;            /* of the next stack to be made */
    size_t slab_slots;          /* how many slots the next slab is to have */
    struct cede__stack_slab *slabs;
    size_t made;                /* stacks ever made */
};

struct cede__stacks {
    struct cede__stack_pool *pools;
};

/* As a rule one of the same size as the last one, which somebody has just given back: that one, or NULL. */
static inline struct cede__stack *cede__stack_at_hand(struct cede__stacks *stacks, size_t size)
{
    struct cede__stack_pool *pool = stacks->pools;
    struct cede__stack *stack;

    if (__builtin_expect(!pool || pool->size != size || !pool->free, 0))
        return NULL;
    stack = pool->free;
    pool->free = stack->next;
    cede__sanitizer_stack_again(&stack->sanitizer);
    return stack;
}

/*
 * A stack of `size` usable bytes (already checked and rounded by cede__stack_round()); NULL with errno ENOMEM. When
 * vm.max_map_count is the cause, says so on standard error, once.
 */
struct cede__stack *cede__stack_get(struct cede__stacks *stacks, size_t size);

/* Gives a stack back. The caller may still be running on it, as long as it switches away before the next get. */
static inline void cede__stack_put(struct cede__stack *stack)
{
    stack->next = stack->pool->free;
    stack->pool->free = stack;
}

/* Unmaps everything. */
void cede__stacks_free(struct cede__stacks *stacks);

/* size rounded up to whole pages; 0 if it is out of bounds. */
size_t cede__stack_round(size_t size);

/* Where frames begin: the first byte above them, 16-byte aligned. */
static inline void *cede__stack_top(struct cede__stack *stack)
{
    return (void *)((uintptr_t)stack & ~(uintptr_t)15);
}

/* The most that was ever used of it, in bytes, to the page. */
size_t cede__stack_high_water(const struct cede__stack *stack);

/* Which means guards it: "madvise" or "mprotect". For reports. */
const char *cede__stack_guard_kind(void);

#endif
