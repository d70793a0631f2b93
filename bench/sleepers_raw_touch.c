/* SPDX-License-Identifier: MIT */
/*
 * Nobody sleeps: one page is touched for each sleeper that there would be, side by side. What is left of another
 * subject's time is what everything else of a task may take, if a task has a page of its own.
 */
#include <limits.h>
#include <sys/mman.h>

#include "sleepers.h"

enum { PAGE_BYTES = 4096 };

static void measure(const struct bench_case *which)
{
    size_t bytes = (size_t)which->n * PAGE_BYTES, at;
    char *pages;

    sleepers_start();
    pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED || madvise(pages, bytes, MADV_NOHUGEPAGE) != 0)
        bench_fail("mmap");
    for (at = 0; at < bytes; at += PAGE_BYTES)
        pages[at] = 1;
    sleepers_report_time();
    munmap(pages, bytes);
}

BENCH_SUBJECT("raw-touch", measure, LONG_MAX)
