/* SPDX-License-Identifier: MIT */
/* Calls about regular files, on a file system that takes its time; see row.h. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "raw.h"
#include "row.h"
#include "slow.h"

static int prepare(struct state *s, enum fuse_opcode slow)
{
    if (slow_mount(slow, s->longer ? 600 : DELAY_MS) != 0)
        return -1;
    if (slow == FUSE_OPEN)
        return 0;
    s->fd[0] = open("slow/a", O_RDWR);
    s->fd[1] = open("slow/b", O_RDWR);
    return s->fd[0] < 0 || s->fd[1] < 0 ? -1 : 0;
}

static int make_slow_open(struct state *s)
{
    return prepare(s, FUSE_OPEN);
}

static int make_slow_read(struct state *s)
{
    return prepare(s, FUSE_READ) != 0 ? -1 : socketpair(AF_UNIX, SOCK_STREAM, 0, s->fd + 2);
}

static int make_slow_write(struct state *s)
{
    return prepare(s, FUSE_WRITE);
}

static int make_slow_sync(struct state *s)
{
    return prepare(s, FUSE_FSYNC);
}

static int make_slow_copy(struct state *s)
{
    return prepare(s, FUSE_COPY_FILE_RANGE);
}

/* The flags are no constant, or there would be nothing to check under _FORTIFY_SOURCE. */
static int by_open(struct state *s)
{
    return open("slow/a", O_RDONLY | (int)s->number) < 0 ? -1 : 0;
}

static int by_openat(struct state *s)
{
    return openat(AT_FDCWD, "slow/a", O_RDONLY | (int)s->number) < 0 ? -1 : 0;
}

static int by_fopen(struct state *s)
{
    (void)s;
    return fopen("slow/a", "r") ? 0 : -1;
}

static int by_read(struct state *s)
{
    char buffer[8];

    return expect(read(s->fd[0], buffer, s->number ? (size_t)s->number : 8), 8);
}

static int by_readv(struct state *s)
{
    char buffer[8];
    struct iovec iov = {buffer, 8};

    return expect(readv(s->fd[0], &iov, 1), 8);
}

static int by_pread(struct state *s)
{
    char buffer[8];

    return expect(pread(s->fd[0], buffer, s->number ? (size_t)s->number : 8, 0), 8);
}

static int by_preadv(struct state *s)
{
    char buffer[8];
    struct iovec iov = {buffer, 8};

    return expect(preadv(s->fd[0], &iov, 1, 0), 8);
}

static int by_preadv2(struct state *s)
{
    char buffer[8];
    struct iovec iov = {buffer, 8};

    return expect(preadv2(s->fd[0], &iov, 1, 0, 0), 8);
}

static int by_write(struct state *s)
{
    return expect(write(s->fd[0], "12345678", 8), 8);
}

static int by_writev(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};

    return expect(writev(s->fd[0], &iov, 1), 8);
}

static int by_pwrite(struct state *s)
{
    return expect(pwrite(s->fd[0], "12345678", 8, 0), 8);
}

static int by_pwritev(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};

    return expect(pwritev(s->fd[0], &iov, 1, 0), 8);
}

static int by_pwritev2(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};

    return expect(pwritev2(s->fd[0], &iov, 1, 0, 0), 8);
}

static int by_fsync(struct state *s)
{
    return (int)fsync(s->fd[0]);
}

static int by_fdatasync(struct state *s)
{
    return (int)fdatasync(s->fd[0]);
}

static int by_copy_file_range(struct state *s)
{
    return expect(copy_file_range(s->fd[0], NULL, s->fd[1], NULL, 8, 0), 8);
}

static int by_sendfile(struct state *s)
{
    return expect(sendfile(s->fd[3], s->fd[0], NULL, 8), 8);
}

extern const struct row ROWS(file)[];
const struct row ROWS(file)[] = {
    {"open, file", .prepare = make_slow_open, .call_it = by_open},
    {"open, file", INSIDE, .prepare = make_slow_open, .call_it = by_fopen},
    {"openat, file", RAW_TOO, .prepare = make_slow_open, .call_it = by_openat},
    {"fopen, file", .prepare = make_slow_open, .call_it = by_fopen},
    {"read, file", RAW_TOO, .prepare = make_slow_read, .call_it = by_read},
    {"readv, file", RAW_TOO, .prepare = make_slow_read, .call_it = by_readv},
    {"pread, file", RAW_TOO, .prepare = make_slow_read, .call_it = by_pread},
    {"preadv, file", .prepare = make_slow_read, .call_it = by_preadv},
    {"preadv2, file", .prepare = make_slow_read, .call_it = by_preadv2},
    {"write, file", RAW_TOO, .prepare = make_slow_write, .call_it = by_write},
    {"writev, file", RAW_TOO, .prepare = make_slow_write, .call_it = by_writev},
    {"pwrite, file", RAW_TOO, .prepare = make_slow_write, .call_it = by_pwrite},
    {"pwritev, file", .prepare = make_slow_write, .call_it = by_pwritev},
    {"pwritev2, file", .prepare = make_slow_write, .call_it = by_pwritev2},
    {"fsync", RAW_TOO, .prepare = make_slow_sync, .call_it = by_fsync},
    {"fdatasync", RAW_TOO, .prepare = make_slow_sync, .call_it = by_fdatasync},
    {"copy_file_range", RAW_TOO, .prepare = make_slow_copy, .call_it = by_copy_file_range},
    {"sendfile, from a file", RAW_TOO, .prepare = make_slow_read, .call_it = by_sendfile},
    {"getrandom", .why = "it waits only in the first moments after a machine was started, when no test can run"},
    {0},
};
