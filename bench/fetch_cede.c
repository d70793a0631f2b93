/* SPDX-License-Identifier: MIT */
/* curl_easy_perform() in tasks; libcede-posix makes it park. */
#include <cede.h>
#include <limits.h>

#include "fetch.h"

static int fetch(void *unused)
{
    CURL *curl = fetch_new();

    (void)unused;
    fetch_done(curl, curl_easy_perform(curl));
    return 0;
}

static int app(void *arg)
{
    const struct bench_case *which = arg;

    fetch_start();
    cede_group (group)
        for (long i = 0; i < which->n; i++)
            if (!cede_group_spawn(group, NULL, fetch, NULL))
                bench_fail("cede_group_spawn");
    fetch_report(which);
    return 0;
}

static void measure(const struct bench_case *which)
{
    if (cede_run(app, (void *)which) != 0)
        bench_fail("cede_run");
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
