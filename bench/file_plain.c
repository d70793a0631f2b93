/* SPDX-License-Identifier: MIT */
/* The calls themselves, which block the thread: the floor. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "file.h"

static void measure(const struct bench_case *which)
{
    static const struct file_calls calls = {pread, pwrite, stat, open, rename, close};

    file_measure(which, &calls);
}

BENCH_SUBJECT("plain", measure, LONG_MAX)
