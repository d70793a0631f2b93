/* SPDX-License-Identifier: MIT */
/* cede's echo server, by either of its pollers. */
#ifndef CEDE_BENCH_ECHO_CEDE_H
#define CEDE_BENCH_ECHO_CEDE_H

#include "echo.h"

/* poller: as in struct cede_run_attr. */
void echo_cede_serve(long connections, const char *poller);

#endif
