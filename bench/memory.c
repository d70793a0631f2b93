/* SPDX-License-Identifier: MIT */
/*
 * What does a parked task cost that has a stack of 64 KiB and has used almost nothing of it?
 *
 * RSS is what smaps_rollup counts, page tables are VmPTE; the kernel's own memory (16 KiB of stack and more for each
 * thread) is in neither.
 */
#include "memory.h"

#include <stdio.h>
#include <string.h>

static const struct bench_case cases[] = {
    {"parked task", 1000, 0, BENCH_TINY_ONLY},
    {"parked task", 10000, 0, BENCH_QUICK},
    {"parked task", 100000, 0, BENCH_QUICK},
    {"parked task", 1000000, 0, BENCH_FULL},
};

/* Bytes, from a line of a file under /proc that gives kB. */
static double proc_bytes(const char *path, const char *key)
{
    FILE *in = fopen(path, "r");
    char line[256];
    long kilobytes = -1;

    if (!in)
        bench_fail(path);
    while (kilobytes < 0 && fgets(line, sizeof line, in))
        if (strncmp(line, key, strlen(key)) == 0)
            sscanf(line + strlen(key), " %ld kB", &kilobytes);
    fclose(in);
    return (double)kilobytes * 1024;
}

struct memory_mark memory_mark(void)
{
    return (struct memory_mark){.rss = proc_bytes("/proc/self/smaps_rollup", "Rss:"),
                                .page_tables = proc_bytes("/proc/self/status", "VmPTE:"),
                                .at_ns = bench_now()};
}

void memory_report(const struct memory_mark *before, const struct bench_case *which)
{
    int64_t now_ns = bench_now();
    struct memory_mark after = memory_mark();
    double n = (double)which->n;

    bench_report("RSS", "B", (after.rss - before->rss) / n);
    bench_report("page tables", "B", (after.page_tables - before->page_tables) / n);
    bench_report("time to make and park", "ns", (double)(now_ns - before->at_ns) / n);
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
