/* SPDX-License-Identifier: MIT */
/* libc's names, which libcede-posix has taken, in a task. */
#include <cede.h>
#include <cede/posix.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix.h"

static void measure(const struct bench_case *which)
{
    const struct posix_calls calls = {read, recv, poll}, own = {cede_read, cede_recv, cede_poll};

    if (cede_posix_check() != 0) {
        fprintf(stderr, "bench: %s\n", cede_posix_problem());
        exit(1);
    }
    posix_measure_in_task(which, &calls, &own);
}

BENCH_SUBJECT("cede-posix", measure, LONG_MAX)
