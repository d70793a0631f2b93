/* SPDX-License-Identifier: MIT */
/* How many threads the kernel says that the process has; -1: it does not say. */
#ifndef CEDE_TESTS_OS_THREADS_H
#define CEDE_TESTS_OS_THREADS_H

#include <stdio.h>

static inline int os_threads(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];
    int threads = -1;

    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Threads: %d", &threads) == 1)
            break;
    if (status)
        fclose(status);
    return threads;
}

#endif
