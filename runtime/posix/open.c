/* SPDX-License-Identifier: MIT */
/*
 * Calls of libc that hand out or close a descriptor number, and that cede has no call of its own for: libc's own, and
 * the runtime is told.
 */
#include <cede/file.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#include "name.h"

#define MAKER(call, parameters, arguments)                                                                      \
    int cede__posix_##call parameters;                                                                          \
    CEDE__POSIX_EXPORT(call, call);                                                                             \
    int cede__posix_##call parameters                                                                           \
    {                                                                                                           \
        __typeof__(&cede__posix_##call) plain =                                                                 \
            (__typeof__(plain))cede__posix_plain(&cede__posix_name_##call);                                     \
                                                                                                                \
        return plain ? made(plain arguments) : unknown();                                                       \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

static int made(int fd)
{
    cede_fd_made(fd);
    return fd;
}

/* libc has no such call. */
static int unknown(void)
{
    errno = ENOSYS;
    return -1;
}

MAKER(eventfd, (unsigned initial, int flags), (initial, flags));
MAKER(timerfd_create, (int clock, int flags), (clock, flags));
MAKER(signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags));
MAKER(epoll_create, (int size), (size));
MAKER(epoll_create1, (int flags), (flags));
MAKER(inotify_init, (void), ());
MAKER(inotify_init1, (int flags), (flags));
MAKER(memfd_create, (const char *name, unsigned flags), (name, flags));

/* A call that may have to wait: for the other end of a FIFO. */
#define OPENER(call, waits, ours, parameters, arguments)                                                        \
    int cede__posix_##call parameters;                                                                          \
    CEDE__POSIX_EXPORT(call, call);                                                                             \
    int cede__posix_##call parameters                                                                           \
    {                                                                                                           \
        __typeof__(&cede__posix_##call) plain =                                                                 \
            (__typeof__(plain))cede__posix_plain(&cede__posix_name_##call);                                     \
                                                                                                                \
        if (cede__posix_in_task() && (waits))                                                                   \
            CEDE__POSIX_RETURN(int, ours);                                                                      \
        return plain ? made(plain arguments) : unknown();                                                       \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

OPENER(creat, true, cede_open(path, O_CREAT | O_WRONLY | O_TRUNC, mode), (const char *path, mode_t mode), (path, mode));
CEDE__POSIX_EXPORT(creat64, creat);

/* Under -D_FORTIFY_SOURCE: without a mode, which libc checks not to be needed. */
#define NEEDS_MODE(flags) ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
OPENER(__open_2, !NEEDS_MODE(flags), cede_open(path, flags), (const char *path, int flags), (path, flags));
CEDE__POSIX_EXPORT(__open64_2, __open_2);
OPENER(__openat_2, !NEEDS_MODE(flags), cede_openat(directory, path, flags),
       (int directory, const char *path, int flags), (directory, path, flags));
CEDE__POSIX_EXPORT(__openat64_2, __openat_2);

/* Only some flags come with a mode; of the others libc ignores it. */
int cede__posix_open(const char *path, int flags, ...);
CEDE__POSIX_EXPORT(open, open);
CEDE__POSIX_EXPORT(open64, open);
CEDE__POSIX_EXPORT(__open, open);
CEDE__POSIX_EXPORT(__open64, open);
int cede__posix_open(const char *path, int flags, ...)
{
    __typeof__(&cede__posix_open) plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_open);
    va_list arguments;
    unsigned mode;

    va_start(arguments, flags);
    mode = va_arg(arguments, unsigned);
    va_end(arguments);
    if (cede__posix_in_task())
        CEDE__POSIX_RETURN(int, cede_open(path, flags, mode));
    return plain ? made(plain(path, flags, mode)) : unknown();
}

int cede__posix_openat(int directory, const char *path, int flags, ...);
CEDE__POSIX_EXPORT(openat, openat);
CEDE__POSIX_EXPORT(openat64, openat);
int cede__posix_openat(int directory, const char *path, int flags, ...)
{
    __typeof__(&cede__posix_openat) plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_openat);
    va_list arguments;
    unsigned mode;

    va_start(arguments, flags);
    mode = va_arg(arguments, unsigned);
    va_end(arguments);
    if (cede__posix_in_task())
        CEDE__POSIX_RETURN(int, cede_openat(directory, path, flags, mode));
    return plain ? made(plain(directory, path, flags, mode)) : unknown();
}

/* stdio closes the descriptor inside libc. A stream in memory has none. */
int cede__posix_fclose(FILE *stream);
CEDE__POSIX_EXPORT(fclose, fclose);
int cede__posix_fclose(FILE *stream)
{
    __typeof__(&cede__posix_fclose) plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_fclose);
    int saved = errno, fd = fileno(stream);

    if (!plain)
        return unknown();
    errno = saved;
    if (fd >= 0)
        cede_fd_closes(fd);
    return plain(stream);
}
