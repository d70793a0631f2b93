/* SPDX-License-Identifier: MIT */
/* Reading and writing under libc's names; those that _FORTIFY_SOURCE puts in their place are in fortify.c. */
#include "name.h"

_Static_assert(sizeof(off_t) == 8, "pread64 is pread");

/* A call that stdio makes inside libc as well. */
#define FORWARD_STDIO(call, parameters, arguments)                                                              \
    __typeof__(cede_##call) cede__posix_##call;                                                                 \
    CEDE__POSIX_EXPORT(call, call);                                                                             \
    CEDE__POSIX_EXPORT(__##call, call);                                                                         \
    ssize_t cede__posix_##call parameters                                                                       \
    {                                                                                                           \
        __typeof__(&cede_##call) plain;                                                                         \
        ssize_t result;                                                                                         \
                                                                                                                \
        if (CEDE__POSIX_WAITS())                                                                                \
            return cede_##call arguments;                                                                       \
        if (cede__posix_stdio_calls) {                                                                          \
            cede__posix_stdio_calls = false;                                                                    \
            result = cede_##call arguments;                                                                     \
            cede__posix_stdio_calls = true;                                                                     \
            return result;                                                                                      \
        }                                                                                                       \
        plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_##call);                                 \
        return plain ? plain arguments : cede_##call arguments;                                                 \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

FORWARD_STDIO(read, (int fd, void *buf, size_t count), (fd, buf, count));
FORWARD_STDIO(write, (int fd, const void *buf, size_t count), (fd, buf, count));

CEDE__POSIX_FORWARD(ssize_t, readv, (int fd, const struct iovec *iov, int iovcnt), (fd, iov, iovcnt));
CEDE__POSIX_FORWARD(ssize_t, writev, (int fd, const struct iovec *iov, int iovcnt), (fd, iov, iovcnt));

CEDE__POSIX_FORWARD(ssize_t, pread, (int fd, void *buf, size_t count, off_t offset), (fd, buf, count, offset));
CEDE__POSIX_EXPORT(pread64, pread);
CEDE__POSIX_EXPORT(__pread64, pread);

CEDE__POSIX_FORWARD(ssize_t, pwrite, (int fd, const void *buf, size_t count, off_t offset), (fd, buf, count, offset));
CEDE__POSIX_EXPORT(pwrite64, pwrite);
CEDE__POSIX_EXPORT(__pwrite64, pwrite);
