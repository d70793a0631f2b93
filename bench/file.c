/* SPDX-License-Identifier: MIT */
/*
 * What does a call about a file cost, in its different ways: made in place, through io_uring, on a helper thread? One
 * call at a time, from one task: what a task waits, not what a disk can do. The directory is /var/tmp.
 */
#include "file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct bench_case cases[] = {
    {"file: read 4 KiB, in the page cache", 1, FILE_READ, BENCH_TINY},
    {"file: read 4 KiB, not in the page cache", 1, FILE_READ_COLD, BENCH_TINY},
    {"file: write 4 KiB", 1, FILE_WRITE, BENCH_TINY},
    {"file: stat, its name cached", 1, FILE_STAT, BENCH_TINY},
    {"file: open and close, its name cached", 1, FILE_OPEN, BENCH_TINY},
    {"file: rename", 1, FILE_RENAME, BENCH_TINY},
};

enum { BLOCKS = 4096 };

static char directory[] = "/var/tmp/cede-bench-file-XXXXXX";
static char block[FILE_BLOCK];

/* A file of BLOCKS blocks, on the disk. */
static int make(const struct file_calls *calls)
{
    int fd, i;

    if (!mkdtemp(directory) || chdir(directory) != 0)
        bench_fail("mkdtemp");
    fd = calls->open("a", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (i = 0; i < BLOCKS; i++)
        if (write(fd, block, sizeof block) != sizeof block)
            bench_fail("write");
    if (fsync(fd) != 0)
        bench_fail("fsync");
    return fd;
}

static void forget_cache(int fd)
{
    /* Random: or the kernel reads ahead what is to be measured. */
    if (posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        bench_fail("posix_fadvise");
}

static int one(const struct bench_case *which, const struct file_calls *calls, int fd, long i)
{
    off_t offset = i * 769 % BLOCKS * FILE_BLOCK; /* far from the last, and each block once */
    struct stat status;

    switch (which->shape) {
    case FILE_READ:
    case FILE_READ_COLD:
        return calls->pread(fd, block, sizeof block, offset) == sizeof block ? 0 : -1;
    case FILE_WRITE:
        return calls->pwrite(fd, block, sizeof block, offset) == sizeof block ? 0 : -1;
    case FILE_STAT:
        return calls->stat("a", &status);
    case FILE_OPEN:
        fd = calls->open("a", O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -1 : calls->close(fd);
    default:
        return i % 2 ? calls->rename("b", "a") : calls->rename("a", "b");
    }
}

void file_measure(const struct bench_case *which, const struct file_calls *calls)
{
    long count = which->shape == FILE_READ_COLD ? bench_count(BLOCKS / 2) : bench_count(20000), i;
    int fd = make(calls);
    int64_t start;

    if (which->shape == FILE_READ_COLD)
        forget_cache(fd);
    else
        for (i = 0; i < count / 4; i++)
            if (one(which, calls, fd, i) != 0)
                bench_fail("warming up");
    count += count % 2; /* the name is what it was */
    start = bench_now();
    for (i = 0; i < count; i++)
        if (one(which, calls, fd, i) != 0)
            bench_fail(which->question);
    bench_report(NULL, "ns", (double)(bench_now() - start) / (double)count);
    calls->close(fd);
    unlink("a");
    unlink("b");
    if (chdir("/") != 0 || rmdir(directory) != 0)
        bench_fail("rmdir");
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
