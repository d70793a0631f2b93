/* SPDX-License-Identifier: MIT */
/* Calls about files, in the way of each subject. */
#ifndef CEDE_BENCH_FILE_H
#define CEDE_BENCH_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "harness.h"

enum { FILE_READ, FILE_READ_COLD, FILE_WRITE, FILE_STAT, FILE_OPEN, FILE_RENAME };
enum { FILE_BLOCK = 4096 };

struct file_calls {
    ssize_t (*pread)(int fd, void *buf, size_t count, off_t offset);
    ssize_t (*pwrite)(int fd, const void *buf, size_t count, off_t offset);
    int (*stat)(const char *path, struct stat *status);
    int (*open)(const char *path, int flags, ...);
    int (*rename)(const char *from, const char *to);
    int (*close)(int fd);
};

/* Makes the calls that the case asks for, one after the other, and reports what one of them took. */
void file_measure(const struct bench_case *which, const struct file_calls *calls);

#endif
