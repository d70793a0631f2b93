/* SPDX-License-Identifier: MIT */
/* cede's echo server, by either of its pollers. */
#ifndef CEDE_BENCH_ECHO_CEDE_H
#define CEDE_BENCH_ECHO_CEDE_H

#include "echo.h"

/* poller, spin_ns: as in struct cede_run_attr. how: what each connection's task runs. */
void echo_cede_serve(long connections, const char *poller, int64_t spin_ns, int (*how)(int fd));

/* Echoes what comes from the buffers that it comes in (cede/buffer.h). */
int echo_cede_borrowing(int fd);

#endif
