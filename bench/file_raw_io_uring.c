/* SPDX-License-Identifier: MIT */
/* Every call as a request to io_uring, submitted and waited for in one system call. */
#include <fcntl.h>
#include <liburing.h>
#include <limits.h>
#include <stdarg.h>

#include "file.h"

static struct io_uring ring;

static int wait_for(void)
{
    struct io_uring_cqe *done;
    int result;

    if (io_uring_submit_and_wait(&ring, 1) < 0 || io_uring_peek_cqe(&ring, &done) != 0)
        bench_fail("io_uring_submit_and_wait");
    result = done->res;
    io_uring_cqe_seen(&ring, done);
    return result;
}

static ssize_t ring_pread(int fd, void *buf, size_t count, off_t offset)
{
    io_uring_prep_read(io_uring_get_sqe(&ring), fd, buf, (unsigned)count, (unsigned long long)offset);
    return wait_for();
}

static ssize_t ring_pwrite(int fd, const void *buf, size_t count, off_t offset)
{
    io_uring_prep_write(io_uring_get_sqe(&ring), fd, buf, (unsigned)count, (unsigned long long)offset);
    return wait_for();
}

static int ring_stat(const char *path, struct stat *status)
{
    struct statx found;
    int result;

    io_uring_prep_statx(io_uring_get_sqe(&ring), AT_FDCWD, path, 0, STATX_BASIC_STATS, &found);
    result = wait_for();
    status->st_size = (off_t)found.stx_size;
    return result;
}

static int ring_open(const char *path, int flags, ...)
{
    va_list arguments;
    unsigned mode;

    va_start(arguments, flags);
    mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    io_uring_prep_openat(io_uring_get_sqe(&ring), AT_FDCWD, path, flags, mode);
    return wait_for();
}

static int ring_rename(const char *from, const char *to)
{
    io_uring_prep_renameat(io_uring_get_sqe(&ring), AT_FDCWD, from, AT_FDCWD, to, 0);
    return wait_for();
}

static int ring_close(int fd)
{
    io_uring_prep_close(io_uring_get_sqe(&ring), fd);
    return wait_for();
}

static void measure(const struct bench_case *which)
{
    static const struct file_calls calls = {ring_pread, ring_pwrite, ring_stat, ring_open, ring_rename, ring_close};

    if (io_uring_queue_init(64, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) != 0)
        bench_fail("io_uring_queue_init");
    file_measure(which, &calls);
    io_uring_queue_exit(&ring);
}

BENCH_SUBJECT("raw-io_uring", measure, LONG_MAX)
