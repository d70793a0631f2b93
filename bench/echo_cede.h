/* SPDX-License-Identifier: MIT */
/* cede's echo servers. */
#ifndef CEDE_BENCH_ECHO_CEDE_H
#define CEDE_BENCH_ECHO_CEDE_H

#include <cede.h>

#include "echo.h"

/* echo_measure() of a server whose runtime has these attributes, and whose tasks run `echo` for a connection each. */
void echo_cede_measure(const struct bench_case *which, const struct cede_run_attr *attr, int (*echo)(int fd));

/* Echoes what comes from the buffers that it comes in (cede/buffer.h). */
int echo_cede_borrowing(int fd);

#endif
