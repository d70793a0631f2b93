/* SPDX-License-Identifier: MIT */
/* Reading and writing under libc's names; those that _FORTIFY_SOURCE puts in their place are in fortify.c. */
#include <cede/file.h>
#include <errno.h>

#include "name.h"

_Static_assert(sizeof(off_t) == 8, "pread64 is pread");

/* A call that stdio makes inside libc as well: what it has to undo comes before a jump. */
#define FORWARD_STDIO(call, parameters, arguments)                                                              \
    __typeof__(cede_##call) cede__posix_##call;                                                                 \
    CEDE__POSIX_EXPORT(call, call);                                                                             \
    CEDE__POSIX_EXPORT(__##call, call);                                                                         \
    ssize_t cede__posix_##call parameters                                                                       \
    {                                                                                                           \
        __typeof__(&cede_##call) plain;                                                                         \
        ssize_t result;                                                                                         \
                                                                                                                \
        if (cede__posix_stdio_calls) {                                                                          \
            cede__posix_stdio_calls = false;                                                                    \
            result = cede_##call arguments;                                                                     \
            cede__posix_stdio_calls = true;                                                                     \
            return result;                                                                                      \
        }                                                                                                       \
        if (CEDE__POSIX_WAITS())                                                                                \
            CEDE__POSIX_RETURN(ssize_t, cede_##call arguments);                                                 \
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

CEDE__POSIX_FORWARD(ssize_t, preadv, (int fd, const struct iovec *iov, int iovcnt, off_t offset),
                    (fd, iov, iovcnt, offset));
CEDE__POSIX_EXPORT(preadv64, preadv);
CEDE__POSIX_FORWARD(ssize_t, pwritev, (int fd, const struct iovec *iov, int iovcnt, off_t offset),
                    (fd, iov, iovcnt, offset));
CEDE__POSIX_EXPORT(pwritev64, pwritev);

CEDE__POSIX_FORWARD(int, fsync, (int fd), (fd));
CEDE__POSIX_FORWARD(int, fdatasync, (int fd), (fd));

CEDE__POSIX_FORWARD(ssize_t, sendfile, (int out, int in, off_t *offset, size_t count), (out, in, offset, count));
CEDE__POSIX_EXPORT(sendfile64, sendfile);
CEDE__POSIX_FORWARD(ssize_t, splice,
                    (int in, int64_t *in_offset, int out, int64_t *out_offset, size_t size, unsigned flags),
                    (in, in_offset, out, out_offset, size, flags));
CEDE__POSIX_FORWARD(ssize_t, tee, (int in, int out, size_t size, unsigned flags), (in, out, size, flags));
CEDE__POSIX_FORWARD(ssize_t, copy_file_range,
                    (int in, int64_t *in_offset, int out, int64_t *out_offset, size_t size, unsigned flags),
                    (in, in_offset, out, out_offset, size, flags));

CEDE__POSIX_FORWARD(int, flock, (int fd, int operation), (fd, operation));
CEDE__POSIX_FORWARD(int, lockf, (int fd, int command, off_t length), (fd, command, length));
CEDE__POSIX_EXPORT(lockf64, lockf);

/* Flags other than 0 make it another call: RWF_NOWAIT asks not to wait, the rest is about how a disk is written. An
 * offset of -1 means the descriptor's own position. */
#define FORWARD_FLAGS(call, without, plainly)                                                                   \
    ssize_t cede__posix_##call(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);           \
    CEDE__POSIX_EXPORT(call, call);                                                                             \
    ssize_t cede__posix_##call(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)            \
    {                                                                                                           \
        __typeof__(&cede__posix_##call) plain;                                                                  \
                                                                                                                \
        if (flags == 0 && CEDE__POSIX_WAITS())                                                                  \
            CEDE__POSIX_RETURN(ssize_t, offset == -1 ? plainly(fd, iov, iovcnt) : without(fd, iov, iovcnt, offset)); \
        plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_##call);                                 \
        if (plain)                                                                                              \
            return plain(fd, iov, iovcnt, offset, flags);                                                       \
        errno = ENOSYS;                                                                                         \
        return -1;                                                                                              \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

FORWARD_FLAGS(preadv2, cede_preadv, cede_readv);
CEDE__POSIX_EXPORT(preadv64v2, preadv2);
FORWARD_FLAGS(pwritev2, cede_pwritev, cede_writev);
CEDE__POSIX_EXPORT(pwritev64v2, pwritev2);
