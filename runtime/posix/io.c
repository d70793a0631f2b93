/* SPDX-License-Identifier: MIT */
/* Reading and writing under libc's names; those that _FORTIFY_SOURCE puts in their place are in fortify.c. */
#include "name.h"

_Static_assert(sizeof(off_t) == 8, "pread64 is pread");

CEDE__POSIX_FORWARD(ssize_t, read, (int fd, void *buf, size_t count), (fd, buf, count));
CEDE__POSIX_EXPORT(__read, read);

CEDE__POSIX_FORWARD(ssize_t, write, (int fd, const void *buf, size_t count), (fd, buf, count));
CEDE__POSIX_EXPORT(__write, write);

CEDE__POSIX_FORWARD(ssize_t, readv, (int fd, const struct iovec *iov, int iovcnt), (fd, iov, iovcnt));
CEDE__POSIX_FORWARD(ssize_t, writev, (int fd, const struct iovec *iov, int iovcnt), (fd, iov, iovcnt));

CEDE__POSIX_FORWARD(ssize_t, pread, (int fd, void *buf, size_t count, off_t offset), (fd, buf, count, offset));
CEDE__POSIX_EXPORT(pread64, pread);
CEDE__POSIX_EXPORT(__pread64, pread);

CEDE__POSIX_FORWARD(ssize_t, pwrite, (int fd, const void *buf, size_t count, off_t offset), (fd, buf, count, offset));
CEDE__POSIX_EXPORT(pwrite64, pwrite);
CEDE__POSIX_EXPORT(__pwrite64, pwrite);
