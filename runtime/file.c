/* SPDX-License-Identifier: MIT */
/* Calls about files; see cede/file.h. Reading and writing begins in io.c and comes here when it has to wait. */
#include <cede/file.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "descriptor.h"
#include "file.h"
#include "file_cached.h"
#include "sys.h"

enum { POOL_CHUNK = 1 << 20 }; /* what a helper reads or writes at a time: it needs a buffer for all of it */

/* ---- reading and writing ---- */

bool cede__file_in_memory(int fd)
{
    struct statfs status;

    if (syscall(SYS_fstatfs, fd, &status) != 0)
        return false;
    switch ((unsigned long)status.f_type) { /* not proc and its like: some of their files wait for events */
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
    case HUGETLBFS_MAGIC:
        return true;
    default:
        return false;
    }
}

static size_t total(const struct iovec *iov, size_t count)
{
    size_t sum = 0;

    while (count-- > 0)
        sum += iov++->iov_len;
    return sum;
}

ssize_t cede__file_transfer(const struct cede__call *call, const struct iovec *iov, size_t iov_count, int64_t offset,
                            bool *more)
{
    bool writes = call->direction == CEDE__WRITES;
    size_t size = total(iov, iov_count);
    struct iovec part;
    struct cede__file_call file = {.what = call->what, .fd = call->fd, .other_fd = -1};

    *more = size > POOL_CHUNK && !cede__file_ring(call->worker);
    if (*more) {
        part = (struct iovec){iov->iov_base, iov->iov_len < POOL_CHUNK ? iov->iov_len : POOL_CHUNK};
        iov = &part;
        iov_count = 1;
        size = part.iov_len;
    }
    file.entry.opcode = writes ? IORING_OP_WRITEV : IORING_OP_READV;
    file.entry.flags = call->record->waits_in_place ? IOSQE_ASYNC : 0;
    file.entry.fd = call->fd;
    file.entry.addr = (uintptr_t)iov;
    file.entry.len = (unsigned)iov_count;
    file.entry.off = (uint64_t)offset;
    if (offset < 0)
        file.number = writes ? SYS_write : SYS_read;
    else
        file.number = writes ? SYS_pwrite64 : SYS_pread64;
    file.arguments[0] = call->fd;
    file.arguments[2] = (long)size;
    file.arguments[3] = offset;
    file.memory[0] = (struct cede__file_memory){.iov = iov, .iov_count = iov_count, .size = size, .argument = 1,
                                                .way = writes ? CEDE__FILE_IN : CEDE__FILE_OUT_RESULT};
    return cede__file_call(&file);
}

/* ---- descriptors ---- */

static int sync_file(int fd, const char *what, long number, unsigned flags)
{
    struct cede__file_call call = {
        .what = what, .fd = fd, .other_fd = -1, .number = number, .arguments = {fd},
        .entry = {.opcode = IORING_OP_FSYNC, .fd = fd, .fsync_flags = flags}};

    return cede__in_task() ? (int)cede__file_call(&call) : (int)syscall(number, fd);
}

int cede_fsync(int fd)
{
    return sync_file(fd, "fsync", SYS_fsync, 0);
}

int cede_fdatasync(int fd)
{
    return sync_file(fd, "fdatasync", SYS_fdatasync, IORING_FSYNC_DATASYNC);
}

/* ---- paths ---- */

/* A path as memory of a call. iov must live as long as the call. NULL is the kernel's to complain of. */
static void add_path(struct cede__file_call *call, int which, int argument, const char *path, struct iovec *iov)
{
    call->arguments[argument] = (long)path;
    if (!path)
        return;
    *iov = (struct iovec){(void *)path, strlen(path) + 1};
    call->memory[which] = (struct cede__file_memory){.iov = iov, .iov_count = 1, .size = iov->iov_len,
                                                     .argument = (uint8_t)argument, .way = CEDE__FILE_IN};
}

static int open_file(int directory, const char *path, int flags, unsigned mode)
{
    struct cede__file_call call = {
        .what = "open", .fd = directory, .other_fd = -1, .opens = true, .number = SYS_openat,
        .arguments = {directory, 0, flags, mode},
        /* Asynchronous from the start: tried in place first, a FIFO would be opened as if with O_NONBLOCK. */
        .entry = {.opcode = IORING_OP_OPENAT, .flags = IOSQE_ASYNC, .fd = directory, .addr = (uintptr_t)path,
                  .len = mode, .open_flags = (unsigned)flags}};
    struct iovec iov;
    int fd;

    if (!cede__in_task())
        return (int)syscall(SYS_openat, directory, path, flags, mode);
    fd = cede__file_open_cached(directory, path, flags);
    if (fd < 0) {
        add_path(&call, 0, 1, path, &iov);
        fd = (int)cede__file_call(&call);
    }
    cede__descriptor_made(fd, CEDE__FD_UNKNOWN);
    return fd;
}

/* Only these flags come with a mode. */
static bool has_mode(int flags)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

int cede_open(const char *path, int flags, ...)
{
    va_list arguments;
    unsigned mode = 0;

    va_start(arguments, flags);
    if (has_mode(flags))
        mode = va_arg(arguments, unsigned);
    va_end(arguments);
    return open_file(AT_FDCWD, path, flags, mode);
}

int cede_openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    unsigned mode = 0;

    va_start(arguments, flags);
    if (has_mode(flags))
        mode = va_arg(arguments, unsigned);
    va_end(arguments);
    return open_file(directory, path, flags, mode);
}

static int rename_file(int from_directory, const char *from, int to_directory, const char *to)
{
    struct cede__file_call call = {
        .what = "rename", .fd = from_directory, .other_fd = to_directory, .number = SYS_renameat2,
        .arguments = {from_directory, 0, to_directory, 0, 0},
        .entry = {.opcode = IORING_OP_RENAMEAT, .fd = from_directory, .addr = (uintptr_t)from,
                  .len = (unsigned)to_directory, .addr2 = (uintptr_t)to}};
    struct iovec iov[2];

    if (!cede__in_task())
        return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
    add_path(&call, 0, 1, from, &iov[0]);
    add_path(&call, 1, 3, to, &iov[1]);
    return (int)cede__file_call(&call);
}

int cede_rename(const char *from, const char *to)
{
    return rename_file(AT_FDCWD, from, AT_FDCWD, to);
}

int cede_renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return rename_file(from_directory, from, to_directory, to);
}

static int unlink_file(const char *what, int directory, const char *path, int flags)
{
    struct cede__file_call call = {
        .what = what, .fd = directory, .other_fd = -1, .number = SYS_unlinkat, .arguments = {directory, 0, flags},
        .entry = {.opcode = IORING_OP_UNLINKAT, .fd = directory, .addr = (uintptr_t)path,
                  .unlink_flags = (unsigned)flags}};
    struct iovec iov;

    if (!cede__in_task())
        return (int)syscall(SYS_unlinkat, directory, path, flags);
    add_path(&call, 0, 1, path, &iov);
    return (int)cede__file_call(&call);
}

int cede_unlink(const char *path)
{
    return unlink_file("unlink", AT_FDCWD, path, 0);
}

int cede_unlinkat(int directory, const char *path, int flags)
{
    return unlink_file("unlink", directory, path, flags);
}

int cede_rmdir(const char *path)
{
    return unlink_file("rmdir", AT_FDCWD, path, AT_REMOVEDIR);
}

int cede_mkdir(const char *path, mode_t mode)
{
    struct cede__file_call call = {
        .what = "mkdir", .fd = -1, .other_fd = -1, .number = SYS_mkdirat, .arguments = {AT_FDCWD, 0, mode},
        .entry = {.opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = (uintptr_t)path, .len = mode}};
    struct iovec iov;

    if (!cede__in_task())
        return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    add_path(&call, 0, 1, path, &iov);
    return (int)cede__file_call(&call);
}

/* ---- status ---- */

static struct timespec time_of(const struct statx_timestamp *stamp)
{
    return (struct timespec){.tv_sec = stamp->tv_sec, .tv_nsec = stamp->tv_nsec};
}

static int deliver_status(const struct statx *from, struct stat *to)
{
    *to = (struct stat){
        .st_dev = makedev(from->stx_dev_major, from->stx_dev_minor),
        .st_ino = from->stx_ino,
        .st_mode = from->stx_mode,
        .st_nlink = from->stx_nlink,
        .st_uid = from->stx_uid,
        .st_gid = from->stx_gid,
        .st_rdev = makedev(from->stx_rdev_major, from->stx_rdev_minor),
        .st_size = (off_t)from->stx_size,
        .st_blksize = (blksize_t)from->stx_blksize,
        .st_blocks = (blkcnt_t)from->stx_blocks,
        .st_atim = time_of(&from->stx_atime),
        .st_mtim = time_of(&from->stx_mtime),
        .st_ctim = time_of(&from->stx_ctime),
    };
    return 0;
}

static int status_of(const char *what, int directory, const char *path, struct stat *status, int flags)
{
    struct statx found;
    struct cede__file_call call = {
        .what = what, .fd = directory, .other_fd = -1, .number = SYS_statx,
        .arguments = {directory, 0, flags, STATX_BASIC_STATS},
        .entry = {.opcode = IORING_OP_STATX, .fd = directory, .addr = (uintptr_t)path, .len = STATX_BASIC_STATS,
                  .addr2 = (uintptr_t)&found, .statx_flags = (unsigned)flags}};
    struct iovec iov, out = {&found, sizeof found};

    if (!cede__in_task() || flags & AT_EMPTY_PATH) {
        if (syscall(SYS_statx, directory, path, flags, STATX_BASIC_STATS, &found) != 0)
            return -1;
    } else if (!cede__file_status_cached(directory, path, flags, &found)) {
        add_path(&call, 0, 1, path, &iov);
        call.memory[1] = (struct cede__file_memory){.iov = &out, .iov_count = 1, .size = sizeof found, .argument = 4,
                                                    .way = CEDE__FILE_OUT};
        if (cede__file_call(&call) != 0)
            return -1;
    }
    if (!status) {
        errno = EFAULT;
        return -1;
    }
    return deliver_status(&found, status);
}

int cede_stat(const char *path, struct stat *status)
{
    return status_of("stat", AT_FDCWD, path, status, 0);
}

int cede_lstat(const char *path, struct stat *status)
{
    return status_of("lstat", AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

int cede_fstatat(int directory, const char *path, struct stat *status, int flags)
{
    return status_of("fstatat", directory, path, status, flags);
}

int cede_fstat(int fd, struct stat *status)
{
    return status_of("fstat", fd, "", status, AT_EMPTY_PATH);
}
