/* SPDX-License-Identifier: MIT */
/* GNU Pth's threads that wait for a condition; the scheduler looks through all of them. */
#include <pth.h>

#include "memory.h"

static pth_cond_t end = PTH_COND_INIT;
static pth_mutex_t lock = PTH_MUTEX_INIT;
static long parked;

static void *park(void *unused)
{
    pth_mutex_acquire(&lock, FALSE, NULL);
    parked++;
    pth_cond_await(&end, &lock, NULL);
    pth_mutex_release(&lock);
    return unused;
}

static void measure(const struct bench_case *which)
{
    struct memory_mark before = memory_mark();
    pth_attr_t attr;

    if (!pth_init())
        bench_fail("pth_init");
    attr = pth_attr_new();
    pth_attr_set(attr, PTH_ATTR_STACK_SIZE, MEMORY_STACK_BYTES);
    before = memory_mark(); /* reading it has brought the C library's own memory */
    for (long i = 0; i < which->n; i++)
        if (!pth_spawn(attr, park, NULL))
            bench_fail("pth_spawn");
    while (parked < which->n)
        pth_yield(NULL);
    memory_report(&before, which);
}

BENCH_SUBJECT("pth", measure, 1000)
