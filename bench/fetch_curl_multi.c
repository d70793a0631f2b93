/* SPDX-License-Identifier: MIT */
/* libcurl's own way: one thread and curl_multi_poll(). */
#include <limits.h>

#include "fetch.h"

static void collect(CURLM *multi)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left))) {
        CURL *curl = message->easy_handle;
        CURLcode code = message->data.result;

        curl_multi_remove_handle(multi, curl);
        fetch_done(curl, code);
    }
}

static void measure(const struct bench_case *which)
{
    CURLM *multi;
    int running;

    fetch_start();
    multi = curl_multi_init();
    for (long i = 0; i < which->n; i++)
        if (curl_multi_add_handle(multi, fetch_new()) != CURLM_OK)
            bench_fail("curl_multi_add_handle");
    do {
        if (curl_multi_perform(multi, &running) != CURLM_OK
            || (running && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK))
            bench_fail("curl_multi");
        collect(multi);
    } while (running);
    fetch_report(which);
    curl_multi_cleanup(multi);
}

BENCH_SUBJECT("curl-multi", measure, LONG_MAX)
