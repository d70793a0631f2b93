/* SPDX-License-Identifier: MIT */
/*
 * Making and closing descriptors under libc's names. None of these waits; they are here so that the runtime hears when
 * a number comes to mean something else, and so they go to cede also outside tasks.
 */
#include <cede/file.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/resource.h>

#include "name.h"

#define DEFINE(type, call, parameters, arguments) \
    __typeof__(cede_##call) cede__posix_##call;   \
    CEDE__POSIX_EXPORT(call, call);               \
    type cede__posix_##call parameters            \
    {                                             \
        return cede_##call arguments;             \
    }                                             \
    _Static_assert(1, "a semicolon follows")

DEFINE(int, socket, (int domain, int type, int protocol), (domain, type, protocol));
DEFINE(int, socketpair, (int domain, int type, int protocol, int fds[2]), (domain, type, protocol, fds));
DEFINE(int, pipe2, (int fds[2], int flags), (fds, flags));
DEFINE(int, dup, (int fd), (fd));
DEFINE(int, dup3, (int fd, int newfd, int flags), (fd, newfd, flags));
DEFINE(int, close, (int fd), (fd));
CEDE__POSIX_EXPORT(__close, close);
DEFINE(int, close_range, (unsigned first, unsigned last, int flags), (first, last, flags));

int cede__posix_pipe(int fds[2]);
CEDE__POSIX_EXPORT(pipe, pipe);
CEDE__POSIX_EXPORT(__pipe, pipe);
int cede__posix_pipe(int fds[2])
{
    return cede_pipe2(fds, 0);
}

/* Linux before 5.9 has no close_range(2): what is open is asked one by one. */
static void close_each(int first)
{
    struct rlimit limit;
    int fd, end = first;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        end = limit.rlim_cur < INT_MAX ? (int)limit.rlim_cur : INT_MAX;
    for (fd = first; fd < end; fd++)
        cede_close(fd);
}

void cede__posix_closefrom(int first);
CEDE__POSIX_EXPORT(closefrom, closefrom);
void cede__posix_closefrom(int first)
{
    int saved = errno;

    first = first < 0 ? 0 : first;
    if (cede_close_range((unsigned)first, UINT_MAX, 0) != 0)
        close_each(first);
    errno = saved;
}

/* dup2(2) of a number to itself does nothing, where dup3(2) fails. */
CEDE__POSIX_EXPORT(dup2, dup2);
CEDE__POSIX_EXPORT(__dup2, dup2);
int cede__posix_dup2(int fd, int newfd)
{
    if (fd == newfd)
        return cede_fcntl(fd, F_GETFD) < 0 ? -1 : fd;
    return cede_dup3(fd, newfd, 0);
}

/* cede takes care of the commands that it has to know of. The others are libc's: some it turns into other commands, and
 * F_SETLKW is a cancellation point. */
__typeof__(cede_fcntl) cede__posix_fcntl;
CEDE__POSIX_EXPORT(fcntl, fcntl);
CEDE__POSIX_EXPORT(fcntl64, fcntl);
CEDE__POSIX_EXPORT(__fcntl, fcntl);
int cede__posix_fcntl(int fd, int command, ...)
{
    __typeof__(&cede_fcntl) plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_fcntl);
    unsigned long argument; /* an int, a pointer or nothing: all come in the same place, and the kernel knows which */
    va_list arguments;

    va_start(arguments, command);
    argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
    case F_GETFL:
    case F_SETFL:
        return cede_fcntl(fd, command, (int)argument);
    case F_SETLKW:
    case F_OFD_SETLKW:
        if (CEDE__POSIX_WAITS())
            CEDE__POSIX_RETURN(int, cede_fcntl_lock(fd, command, (struct flock *)argument));
        break;
    }
    return plain ? plain(fd, command, argument) : cede_fcntl(fd, command, argument);
}
