/* SPDX-License-Identifier: MIT */
/* Locks on files; see cede/file.h. The kernel tells nobody when one is free: the task tries again now and then. */
#include <cede/file.h>
#include <errno.h>
#include <sys/file.h>

#include "retry.h"
#include "sched.h"
#include "sys.h"

int cede_flock(int fd, int operation)
{
    struct cede__retry retry = {0};
    int result, saved = errno;

    if (!cede__in_task() || operation & LOCK_NB || operation == LOCK_UN)
        return (int)syscall(SYS_flock, fd, operation);
    do
        result = (int)syscall(SYS_flock, fd, operation | LOCK_NB);
    while (result != 0 && errno == EWOULDBLOCK && cede__retry_wait(&retry, "flock", INT64_MAX) == 0);
    if (result == 0)
        errno = saved;
    return result;
}

/* F_SETLKW and F_OFD_SETLKW are F_SETLK and F_OFD_SETLK that wait. */
int cede_fcntl_lock(int fd, int command, struct flock *lock)
{
    struct cede__retry retry = {0};
    int result, saved = errno;

    if (!cede__in_task() || (command != F_SETLKW && command != F_OFD_SETLKW))
        return cede__sys_fcntl(fd, command, (unsigned long)lock);
    do
        result = cede__sys_fcntl(fd, command == F_SETLKW ? F_SETLK : F_OFD_SETLK, (unsigned long)lock);
    while (result != 0 && (errno == EAGAIN || errno == EACCES)
           && cede__retry_wait(&retry, "fcntl(F_SETLKW)", INT64_MAX) == 0);
    if (result == 0)
        errno = saved;
    return result;
}

int cede_lockf(int fd, int command, off_t length)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = length};

    if (!cede__in_task() || command != F_LOCK)
        return lockf(fd, command, length);
    return cede_fcntl_lock(fd, F_SETLKW, &lock);
}
