/* SPDX-License-Identifier: MIT */
/* System calls past everything. */
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix.h"

static ssize_t raw_read(int fd, void *into, size_t size)
{
    return syscall(SYS_read, fd, into, size);
}

static ssize_t raw_recv(int fd, void *into, size_t size, int flags)
{
    return syscall(SYS_recvfrom, fd, into, size, flags, NULL, NULL);
}

static int raw_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    (void)timeout_ms; /* -1 */
    return (int)syscall(SYS_ppoll, fds, count, NULL, NULL, 0); /* poll itself is not on every CPU */
}

static void measure(const struct bench_case *which)
{
    static const struct posix_calls calls = {raw_read, raw_recv, raw_poll};

    posix_measure_outside(which, &calls);
}

BENCH_SUBJECT("raw-syscall", measure, LONG_MAX)
