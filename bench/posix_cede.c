/* SPDX-License-Identifier: MIT */
/* cede's own names, in a task. */
#include <cede.h>
#include <limits.h>

#include "posix.h"

static void measure(const struct bench_case *which)
{
    static const struct posix_calls calls = {cede_read, cede_recv, cede_poll};

    posix_measure_in_task(which, &calls, NULL);
}

BENCH_SUBJECT("cede", measure, LONG_MAX)
