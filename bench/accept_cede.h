/* SPDX-License-Identifier: MIT */
/* cede's server for short connections, by either of its pollers. */
#ifndef CEDE_BENCH_ACCEPT_CEDE_H
#define CEDE_BENCH_ACCEPT_CEDE_H

#include "accept.h"

/* cede_serve() in a runtime with that poller; ends the process. nonblocking: the listener has O_NONBLOCK. */
void accept_cede_serve(long messages, const char *poller, bool nonblocking);

/* The same over io_uring, if that is to be had. */
void accept_cede_measure_io_uring(const struct bench_case *which, server_serve *serve);

#endif
