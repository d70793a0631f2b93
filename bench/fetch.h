/* SPDX-License-Identifier: MIT */
/* What fetch.c asks. */
#ifndef CEDE_BENCH_FETCH_H
#define CEDE_BENCH_FETCH_H

#include <curl/curl.h>

#include "harness.h"

/* Begins the measurement: a server runs, on the other CPU, that answers each request after 100 ms. */
void fetch_start(void);

/* An easy handle that is ready to be performed; fetch_done() checks what has come, and frees it. Any thread. */
CURL *fetch_new(void);
void fetch_done(CURL *curl, CURLcode code);

/* Ends it, and reports. */
void fetch_report(const struct bench_case *which);

#endif
