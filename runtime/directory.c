/* SPDX-License-Identifier: MIT */
/* Going through directories; see cede/file.h. */
#include <cede/file.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "sys.h"

enum { BUFFER_BYTES = 32 << 10 };

/* What getdents64(2) writes is what readdir(3) hands out. */
_Static_assert(sizeof(((struct dirent *)NULL)->d_ino) == 8 && sizeof(((struct dirent *)NULL)->d_off) == 8
                   && offsetof(struct dirent, d_reclen) == 16 && offsetof(struct dirent, d_type) == 18
                   && offsetof(struct dirent, d_name) == 19,
               "struct dirent is the kernel's");

struct cede_dir {
    int fd;
    size_t at, end; /* of the entries that were read and not handed out yet, in bytes */
    _Alignas(8) char buffer[BUFFER_BYTES];
};

struct cede_dir *cede_fdopendir(int fd)
{
    struct cede_dir *directory;
    struct stat status;

    if (cede_fstat(fd, &status) != 0)
        return NULL;
    if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return NULL;
    }
    directory = malloc(sizeof *directory);
    if (!directory)
        return NULL;
    directory->fd = fd;
    directory->at = directory->end = 0;
    return directory;
}

struct cede_dir *cede_opendir(const char *path)
{
    int fd = cede_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
    struct cede_dir *directory;

    if (fd < 0)
        return NULL;
    directory = cede_fdopendir(fd);
    if (!directory) {
        error = errno;
        cede_close(fd);
        errno = error;
    }
    return directory;
}

/* The next entries. As getdents64(2): 0 at the end. */
static long fill(struct cede_dir *directory)
{
    struct iovec iov = {directory->buffer, sizeof directory->buffer};
    struct cede__file_call call = {
        .what = "readdir", .fd = directory->fd, .other_fd = -1, .number = SYS_getdents64,
        .arguments = {directory->fd, 0, sizeof directory->buffer},
        .memory[0] = {.iov = &iov, .iov_count = 1, .size = iov.iov_len, .argument = 1, .way = CEDE__FILE_OUT_RESULT}};

    return cede__in_task() ? cede__file_call(&call)
                           : syscall(SYS_getdents64, directory->fd, directory->buffer, sizeof directory->buffer);
}

struct dirent *cede_readdir(struct cede_dir *directory)
{
    struct dirent *entry;
    long got;

    if (!directory) {
        errno = EINVAL;
        return NULL;
    }
    if (directory->at == directory->end) {
        got = fill(directory);
        if (got <= 0)
            return NULL;
        directory->at = 0;
        directory->end = (size_t)got;
    }
    entry = (struct dirent *)(directory->buffer + directory->at);
    directory->at += entry->d_reclen;
    return entry;
}

int cede_closedir(struct cede_dir *directory)
{
    int fd;

    if (!directory) {
        errno = EINVAL;
        return -1;
    }
    fd = directory->fd;
    free(directory);
    return cede_close(fd);
}
