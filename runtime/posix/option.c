/* SPDX-License-Identifier: MIT */
/* Calls of libc that change what the runtime has looked up about a descriptor; fcntl is in descriptor.c. */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "name.h"

/* The request is an int to one libc and an unsigned long to another; the kernel looks at 32 bits. */
int cede__posix_ioctl(int fd, unsigned long request, ...);
CEDE__POSIX_EXPORT(ioctl, ioctl);
int cede__posix_ioctl(int fd, unsigned long request, ...)
{
    __typeof__(&cede__posix_ioctl) plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_ioctl);
    va_list arguments;
    void *argument;
    int result;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (!plain) {
        errno = ENOSYS;
        return -1;
    }
    result = plain(fd, request, argument);
    if (result == 0 && (unsigned)request == FIONBIO)
        cede_fd_changed(fd); /* O_NONBLOCK */
    return result;
}

int cede__posix_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
CEDE__POSIX_EXPORT(setsockopt, setsockopt);
int cede__posix_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    __typeof__(&cede__posix_setsockopt) plain =
        (__typeof__(plain))cede__posix_plain(&cede__posix_name_setsockopt);
    int result;

    if (!plain) {
        errno = ENOSYS;
        return -1;
    }
    result = plain(fd, level, name, value, length);
    if (result == 0 && level == SOL_SOCKET)
        cede_fd_changed(fd); /* SO_RCVTIMEO, SO_SNDTIMEO, SO_RCVLOWAT */
    return result;
}
