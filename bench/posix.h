/* SPDX-License-Identifier: MIT */
/* What posix.c asks. */
#ifndef CEDE_BENCH_POSIX_H
#define CEDE_BENCH_POSIX_H

#include <poll.h>
#include <sys/types.h>

#include "harness.h"

/* A subject's three calls. */
struct posix_calls {
    ssize_t (*read)(int fd, void *into, size_t size);
    ssize_t (*recv)(int fd, void *into, size_t size, int flags);
    int (*poll)(struct pollfd *fds, nfds_t count, int timeout_ms);
};

/* Measures the case with these calls in a task, or outside any; with a baseline, also what they cost more than that. */
void posix_measure_in_task(const struct bench_case *which, const struct posix_calls *calls,
                           const struct posix_calls *baseline);
void posix_measure_outside(const struct bench_case *which, const struct posix_calls *calls);

#endif
