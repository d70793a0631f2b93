/* SPDX-License-Identifier: MIT */
/* libuv: uv_queue_work(), with its four threads; the next call is made in the callback of the one before. */
#include <limits.h>
#include <stdlib.h>
#include <uv.h>

#include "harness.h"

struct client {
    uv_work_t work;
    long left;
};

static void nothing(uv_work_t *work)
{
    (void)work;
}

static void done(uv_work_t *work, int status)
{
    struct client *client = (struct client *)work;

    if (status == 0 && --client->left)
        uv_queue_work(work->loop, work, nothing, done);
}

static void clients(uv_loop_t *loop, struct client *clients, long n, long calls)
{
    for (long i = 0; i < n; i++) {
        clients[i].left = calls;
        if (uv_queue_work(loop, &clients[i].work, nothing, done) != 0)
            bench_fail("uv_queue_work");
    }
    uv_run(loop, UV_RUN_DEFAULT);
}

static void measure(const struct bench_case *which)
{
    struct client *all = calloc((size_t)which->n, sizeof *all);
    long calls = bench_count(100000) / which->n + 1;
    uv_loop_t loop;
    int64_t start;

    if (!all || uv_loop_init(&loop) != 0)
        bench_fail("uv_loop_init");
    clients(&loop, all, which->n, calls / 10 + 1);
    start = bench_now();
    clients(&loop, all, which->n, calls);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)(which->n * calls));
    free(all);
}

BENCH_SUBJECT("libuv", measure, LONG_MAX)
