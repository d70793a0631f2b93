/* SPDX-License-Identifier: MIT */
/* GNU Pth: pth_spawn() and pth_join(). */
#include <pth.h>

#include "harness.h"

typedef pth_t spawn_thread;

static pth_attr_t attr;

static void *nothing(void *unused)
{
    return unused;
}

static void create(pth_t *thread)
{
    if (!(*thread = pth_spawn(attr, nothing, NULL)))
        bench_fail("pth_spawn");
}

static void join(pth_t thread)
{
    pth_join(thread, NULL);
}

#include "spawn_threads.h"

static void measure(const struct bench_case *which)
{
    if (!pth_init())
        bench_fail("pth_init");
    attr = pth_attr_new();
    pth_attr_set(attr, PTH_ATTR_STACK_SIZE, 64 << 10);
    measure_threads(which, 10000, 200000);
}

BENCH_SUBJECT("pth", measure, 1000)
