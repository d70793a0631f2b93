/* SPDX-License-Identifier: MIT */
/* cede, with each engine. */
#include <cede.h>
#include <limits.h>

#include "file.h"

static const struct file_calls calls = {cede_pread, cede_pwrite, cede_stat, cede_open, cede_rename, cede_close};

static int app(void *which)
{
    file_measure(which, &calls);
    return 0;
}

static void run(const struct bench_case *which, const char *engine)
{
    const struct cede_run_attr attr = {.files = engine};

    if (cede_run_attr(&attr, app, (void *)which) != 0)
        bench_fail("cede_run_attr");
}

static void measure(const struct bench_case *which)
{
    run(which, "ring");
}

static void measure_pool(const struct bench_case *which)
{
    run(which, "pool");
}

static struct bench_subject pool = {.name = "cede-pool", .measure = measure_pool, .max_n = LONG_MAX};
__attribute__((constructor)) static void add_pool(void)
{
    bench_subject_add(&pool);
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
