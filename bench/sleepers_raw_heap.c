/* SPDX-License-Identifier: MIT */
/* No tasks at all: due times in a binary heap, and one thread that sleeps until the first. */
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "sleepers.h"

static int64_t *heap; /* heap[1] is the first */
static long size;

static void insert(int64_t due_ns)
{
    long at;

    for (at = ++size; at > 1 && heap[at / 2] > due_ns; at /= 2)
        heap[at] = heap[at / 2];
    heap[at] = due_ns;
}

static int64_t take_first(void)
{
    int64_t first = heap[1], last = heap[size--];
    long at = 1, child;

    for (; (child = 2 * at) <= size; at = child) {
        if (child < size && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= last)
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

static void measure(const struct bench_case *which)
{
    struct timespec due;

    heap = malloc(((size_t)which->n + 1) * sizeof *heap);
    if (!heap)
        bench_fail("malloc");
    sleepers_start();
    for (long i = 0; i < which->n; i++)
        insert(bench_now() + sleepers_duration_ns());
    while (size) {
        due = (struct timespec){.tv_sec = heap[1] / 1000000000, .tv_nsec = heap[1] % 1000000000};
        if (bench_now() < heap[1])
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        sleepers_woke(take_first());
    }
    sleepers_report(which);
    free(heap);
}

BENCH_SUBJECT("raw-heap", measure, LONG_MAX)
