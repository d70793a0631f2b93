/* SPDX-License-Identifier: MIT */
/* Stacks from slabs; see stack.h. */
#include "stack.h"

#include <cede/task.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "environment.h"
#include "sys.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#define PIDFD_OWN_PROCESS (-10001) /* PIDFD_SELF_THREAD_GROUP, Linux 6.14: no descriptor needed */

enum {
    GUARD_BATCH = 64,      /* guards installed per system call */
    FIRST_SLAB_SLOTS = 16, /* a small program stays small; each further slab is twice as big ... */
    LAST_SLAB_SLOTS = 4096, /* ... up to this */
    COLOURS = 16,          /* different tops, one cache line apart: 1 KiB of the top page */
    COLOUR_BYTES = 64,
    SMALL_STACK = 64 << 10, /* guarded by one page: where tasks are counted in millions, page tables count as well */
    LARGEST_GUARD = 64 << 10,
};

/* One mapping. On the heap: nothing in the slab itself is touched before a task needs it. */
struct cede__stack_slab {
    struct cede__stack_slab *next;
    char *base;
    size_t bytes;
};

static pthread_once_t guard_once = PTHREAD_ONCE_INIT;
static bool guard_by_madvise; /* written once, by guard_self_test() */
static size_t page_bytes;

static void guard_self_test(void)
{
    char *page;

    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    if (cede__environment_has("CEDE_GUARD", "protect"))
        return;
    page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    /* qemu-user answers 0 and guards nothing: believe only a system call that fails to use the page. One that writes:
     * Valgrind 3.19 looks into what a system call is to read, and dies on a guard. */
    if (madvise(page, page_bytes, MADV_GUARD_INSTALL) == 0)
        guard_by_madvise = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, page) == -1 && errno == EFAULT;
    munmap(page, page_bytes);
}

const char *cede__stack_guard_kind(void)
{
    pthread_once(&guard_once, guard_self_test);
    return guard_by_madvise ? "madvise" : "mprotect";
}

size_t cede__stack_round(size_t size)
{
    pthread_once(&guard_once, guard_self_test);
    if (size < CEDE_STACK_MIN || size > CEDE_STACK_MAX)
        return 0;
    return (size + page_bytes - 1) & ~(page_bytes - 1);
}

static size_t guard_size(size_t size)
{
    size_t guard = size / 4;

    if (guard > LARGEST_GUARD)
        guard = LARGEST_GUARD;
    guard &= ~(page_bytes - 1);
    return guard && size > SMALL_STACK ? guard : page_bytes;
}

static void explain_map_count(void)
{
    static bool explained; /* racing workers at worst explain twice */

    if (explained)
        return;
    explained = true;
    fputs("cede: no memory for another stack: each one is guarded with mprotect(2) here, which takes two mappings,\n"
          "cede: and the kernel allows vm.max_map_count of them; raise it (sysctl -w vm.max_map_count=...), or use\n"
          "cede: Linux 6.13 or later, where guards take no mapping.\n", stderr);
}

/* Makes the guards of the next slots, as many as one system call takes. */
static int guard_more(struct cede__stack_pool *pool)
{
    struct iovec ranges[GUARD_BATCH];
    size_t count = 0, done;
    char *slot;

    for (slot = pool->guarded; slot < pool->end && count < (guard_by_madvise ? GUARD_BATCH : 1); slot += pool->slot)
        ranges[count++] = (struct iovec){slot, pool->guard};
    if (!guard_by_madvise) {
        if (mprotect(ranges[0].iov_base, ranges[0].iov_len, PROT_NONE) != 0) {
            explain_map_count();
            errno = ENOMEM;
            return -1;
        }
        pool->guarded += pool->slot;
        return 0;
    }
    if (count > 1 && syscall(SYS_process_madvise, PIDFD_OWN_PROCESS, ranges, count, MADV_GUARD_INSTALL, 0)
                         == (long)(count * pool->guard)) {
        pool->guarded = slot;
        return 0;
    }
    for (done = 0; done < count; done++)
        if (madvise(ranges[done].iov_base, ranges[done].iov_len, MADV_GUARD_INSTALL) != 0)
            break;
    pool->guarded += done * pool->slot;
    if (done == 0)
        errno = ENOMEM;
    return done ? 0 : -1;
}

/* A new slab, as big as planned or, where the kernel limits address space, as big as it allows. */
static int add_slab(struct cede__stack_pool *pool)
{
    struct cede__stack_slab *slab = malloc(sizeof *slab);
    size_t slots;
    char *base = MAP_FAILED;

    if (!slab)
        return -1;
    for (slots = pool->slab_slots; slots; slots /= 2) {
        base = mmap(NULL, slots * pool->slot, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (base != MAP_FAILED)
            break;
    }
    if (base == MAP_FAILED) {
        free(slab);
        errno = ENOMEM;
        return -1;
    }
    /* One touched page must cost one page, also where transparent huge pages are always on. */
    madvise(base, slots * pool->slot, MADV_NOHUGEPAGE);
    *slab = (struct cede__stack_slab){pool->slabs, base, slots * pool->slot};
    pool->slabs = slab;
    pool->carve = pool->guarded = base;
    pool->end = base + slab->bytes;
    if (pool->slab_slots < LAST_SLAB_SLOTS)
        pool->slab_slots *= 2;
    return 0;
}

static struct cede__stack *make_stack(struct cede__stack_pool *pool)
{
    struct cede__stack *stack;
    char *slot;

    if (pool->carve == pool->end && add_slab(pool) != 0)
        return NULL;
    if (pool->carve == pool->guarded && guard_more(pool) != 0)
        return NULL;
    slot = pool->carve;
    pool->carve += pool->slot;
    stack = (struct cede__stack *)(slot + pool->slot - (size_t)pool->colour * COLOUR_BYTES) - 1;
    pool->colour = (pool->colour + 1) % COLOURS;
    pool->made++;
    stack->pool = pool;
    stack->gen = NULL;
    stack->message = NULL;
    stack->bottom = slot + pool->guard;
    cede__sanitizer_stack_made(&stack->sanitizer, stack->bottom, (size_t)((char *)stack - stack->bottom));
    return stack;
}

static struct cede__stack_pool *find_pool(struct cede__stacks *stacks, size_t size)
{
    struct cede__stack_pool **link, *pool;
    size_t slot;

    for (link = &stacks->pools; (pool = *link); link = &pool->next)
        if (pool->size == size)
            break;
    if (!pool) {
        pool = calloc(1, sizeof *pool);
        if (!pool)
            return NULL;
        pool->size = size;
        pool->guard = guard_size(size);
        /* Colours and the header come on top of the size that was asked for, in at least one page of their own. */
        slot = size + pool->guard + page_bytes;
        pool->slot = slot / page_bytes % 2 ? slot : slot + page_bytes;
        pool->slab_slots = FIRST_SLAB_SLOTS;
    } else {
        *link = pool->next;
    }
    pool->next = stacks->pools; /* the one in use comes first */
    stacks->pools = pool;
    return pool;
}

struct cede__stack *cede__stack_get(struct cede__stacks *stacks, size_t size)
{
    struct cede__stack_pool *pool = find_pool(stacks, size);
    struct cede__stack *stack;

    if (!pool)
        return NULL;
    stack = cede__stack_at_hand(stacks, size);
    return stack ? stack : make_stack(pool);
}

void cede__stacks_free(struct cede__stacks *stacks)
{
    struct cede__stack_pool *pool;
    struct cede__stack_slab *slab;
    struct cede__stack *stack;

    while ((pool = stacks->pools)) {
        for (stack = pool->free; CEDE__SANITIZER_KNOWS_STACKS && stack; stack = stack->next)
            cede__sanitizer_stack_gone(&stack->sanitizer);
        while ((slab = pool->slabs)) {
            pool->slabs = slab->next;
            munmap(slab->base, slab->bytes);
            free(slab);
        }
        stacks->pools = pool->next;
        free(pool);
    }
}

size_t cede__stack_high_water(const struct cede__stack *stack)
{
    uintptr_t end = ((uintptr_t)stack + page_bytes - 1) & ~(uintptr_t)(page_bytes - 1);
    unsigned char resident[64];
    char *page, *low = stack->bottom;
    size_t pages, i;

    /* Frames are touched from the top down: the lowest resident page is the mark. (A page that was swapped out counts
     * as untouched: then the mark is too small.) */
    for (page = low; (uintptr_t)page < end; page += pages * page_bytes) {
        pages = (end - (uintptr_t)page) / page_bytes;
        if (pages > sizeof resident)
            pages = sizeof resident;
        if (mincore(page, pages * page_bytes, resident) != 0)
            return 0;
        for (i = 0; i < pages; i++)
            if (resident[i] & 1)
                return (size_t)((const char *)stack - (page + i * page_bytes));
    }
    return 0;
}
