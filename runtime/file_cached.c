/* SPDX-License-Identifier: MIT */
/* Paths in the kernel's cache of names; see file_cached.h. */
#include "file_cached.h"

#include <linux/openat2.h>

#include "sys.h"

static int open_cached(int directory, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_CACHED};

    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static bool status_of(int fd, struct statx *status)
{
    return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, status) == 0;
}

static bool opens_at_once(const struct statx *status)
{
    return S_ISREG(status->stx_mode) || S_ISDIR(status->stx_mode);
}

/* Its status, and a descriptor that is good for nothing else; -1: not cached. */
static int look_up(int directory, const char *path, int flags, struct statx *status)
{
    int fd = open_cached(directory, path, O_PATH | O_CLOEXEC | flags);

    if (fd >= 0 && !status_of(fd, status)) {
        cede__sys_close(fd);
        return -1;
    }
    return fd;
}

int cede__file_open_cached(int directory, const char *path, int flags)
{
    struct statx before, opened;
    int fd;

    /* Making and cutting off files is never done without waiting. */
    if (flags & (O_CREAT | O_TRUNC | O_PATH) || (flags & O_TMPFILE) == O_TMPFILE)
        return -1;
    fd = look_up(directory, path, flags & O_NOFOLLOW, &before);
    if (fd < 0)
        return -1;
    cede__sys_close(fd);
    if (!opens_at_once(&before))
        return -1;
    /* Somebody may be putting a FIFO in its place just now: so as if it were one. */
    fd = open_cached(directory, path, flags | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (status_of(fd, &opened) && opens_at_once(&opened)
        && (flags & O_NONBLOCK || cede__sys_fcntl(fd, F_SETFL, (unsigned)flags & ~(unsigned)O_NONBLOCK) == 0))
        return fd;
    cede__sys_close(fd);
    return -1;
}

bool cede__file_status_cached(int directory, const char *path, int flags, struct statx *status)
{
    int fd;

    if (flags & ~AT_SYMLINK_NOFOLLOW)
        return false;
    fd = look_up(directory, path, flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0, status);
    if (fd >= 0)
        cede__sys_close(fd);
    return fd >= 0;
}
