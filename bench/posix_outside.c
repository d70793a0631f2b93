/* SPDX-License-Identifier: MIT */
/* libc's names, which libcede-posix has taken, outside any task: what the rest of a program pays. */
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix.h"

static void measure(const struct bench_case *which)
{
    const struct posix_calls calls = {read, recv, poll};

    posix_measure_outside(which, &calls);
}

BENCH_SUBJECT("cede-posix-no-task", measure, LONG_MAX)
