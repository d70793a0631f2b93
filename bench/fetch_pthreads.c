/* SPDX-License-Identifier: MIT */
/* curl_easy_perform() in threads, on one CPU. libcede-posix is in this program too: some nanoseconds for each call. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "fetch.h"

static void *fetch(void *unused)
{
    CURL *curl = fetch_new();

    fetch_done(curl, curl_easy_perform(curl));
    return unused;
}

static void measure(const struct bench_case *which)
{
    pthread_t *threads = malloc((size_t)which->n * sizeof *threads);
    pthread_attr_t attr;

    if (!threads)
        bench_fail("malloc");
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 << 10);
    fetch_start();
    for (long i = 0; i < which->n; i++) {
        errno = pthread_create(&threads[i], &attr, fetch, NULL);
        if (errno)
            bench_fail("pthread_create");
    }
    for (long i = 0; i < which->n; i++)
        pthread_join(threads[i], NULL);
    fetch_report(which);
    free(threads);
}

BENCH_SUBJECT("pthreads", measure, LONG_MAX)
