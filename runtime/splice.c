/* SPDX-License-Identifier: MIT */
/*
 * From one descriptor to another inside the kernel: sendfile, splice, tee, copy_file_range; see cede/io.h and
 * cede/file.h.
 *
 * Not all of them can be told not to wait, and not for both ends. So the ends get O_NONBLOCK, for just the call, as
 * connect does (socket.c). That means nothing to a file, whose data may have to come from a disk first: it is read into
 * the kernel's cache before, piece by piece.
 */
#include <cede/file.h>
#include <cede/io.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "call.h"
#include "offload.h"
#include "retry.h"
#include "sys.h"

enum { PIECE = 128 * 1024 }; /* what the kernel reads ahead at once, by default */

struct splice {
    const char *what;
    long number;
    int in, out;
    void *in_offset, *out_offset;
    size_t size;    /* that is left */
    bool from_file;
    unsigned flags; /* SPLICE_F_*, but for sendfile */
};

/* Returns the flags to be given back to restore(), or -1. */
static int set_nonblocking(int fd)
{
    int flags = cede__sys_fcntl(fd, F_GETFL, 0);

    if (flags >= 0 && !(flags & O_NONBLOCK))
        cede__sys_fcntl(fd, F_SETFL, (unsigned)flags | O_NONBLOCK);
    return flags;
}

static void restore(int fd, int flags)
{
    if (flags >= 0 && !(flags & O_NONBLOCK))
        cede__sys_fcntl(fd, F_SETFL, (unsigned)flags);
}

static bool is_file(int fd)
{
    struct cede__call call;
    int saved = errno;
    bool file = cede__call_begin(&call, fd, CEDE__READS, "sendfile") == 0 && call.record->kind == CEDE__FD_FILE;

    errno = saved;
    return file;
}

/* Has the next piece read into the kernel's cache. 0, or -1: the wait for it was ended; all other errors are for the
 * call itself to find. */
static int fetch(const struct splice *s)
{
    int64_t at = s->in_offset ? *(const int64_t *)s->in_offset : syscall(SYS_lseek, s->in, 0, SEEK_CUR);
    char byte;

    return at >= 0 && cede_pread(s->in, &byte, 1, at) < 0 && cede_check() != 0 ? -1 : 0;
}

static size_t piece_of(const struct splice *s)
{
    return s->from_file && s->size > PIECE ? PIECE : s->size;
}

static ssize_t call(const struct splice *s, unsigned flags)
{
    switch (s->number) {
    case SYS_sendfile:
        return syscall(SYS_sendfile, s->out, s->in, s->in_offset, piece_of(s));
    case SYS_tee:
        return syscall(SYS_tee, s->in, s->out, s->size, flags);
    default:
        return syscall(SYS_splice, s->in, s->in_offset, s->out, s->out_offset, piece_of(s), flags);
    }
}

static ssize_t attempt(const struct splice *s)
{
    int in = set_nonblocking(s->in), out = set_nonblocking(s->out), error;
    ssize_t n = call(s, s->flags | SPLICE_F_NONBLOCK);

    error = errno;
    restore(s->out, out);
    restore(s->in, in);
    errno = error;
    return n;
}

/* Waits for the end that is not ready; where both say they are, for a moment. 0, or -1 with errno. */
static int await(const struct splice *s, struct cede__retry *retry)
{
    bool writes = cede__call_ready(s->in, POLLIN);
    struct cede__call wait;

    if (writes && cede__call_ready(s->out, POLLOUT))
        return cede__retry_wait(retry, s->what, INT64_MAX);
    if (cede__call_begin(&wait, writes ? s->out : s->in, writes ? CEDE__WRITES : CEDE__READS, s->what) != 0)
        return -1;
    return cede__call_wait(&wait);
}

static bool is_nonblocking(int fd)
{
    int flags = cede__sys_fcntl(fd, F_GETFL, 0);

    return flags >= 0 && flags & O_NONBLOCK;
}

static ssize_t run(struct splice *s)
{
    bool waits = !(s->flags & SPLICE_F_NONBLOCK) && !is_nonblocking(s->in) && !is_nonblocking(s->out);
    struct cede__retry retry = {0};
    ssize_t done = 0, n;
    int saved = errno;

    s->from_file = s->number != SYS_tee && is_file(s->in);
    for (;;) {
        n = s->from_file && fetch(s) != 0 ? -1 : attempt(s);
        if (n > 0) {
            done += n;
            s->size -= (size_t)n;
        }
        /* A blocking sendfile goes on until all is sent; the others stop at what there is. */
        if (n == 0 || (n > 0 && (s->number != SYS_sendfile || s->size == 0)) || (n < 0 && errno != EAGAIN) || !waits)
            break;
        if (n < 0 && await(s, &retry) != 0)
            break;
    }
    cede__sched_tick(cede__worker);
    if (done > 0)
        errno = saved;
    return done > 0 ? done : n;
}

ssize_t cede_sendfile(int out, int in, off_t *offset, size_t count)
{
    struct splice s = {.what = "sendfile", .number = SYS_sendfile, .in = in, .out = out, .in_offset = offset,
                       .size = count};

    return cede__in_task() ? run(&s) : syscall(SYS_sendfile, out, in, offset, count);
}

ssize_t cede_splice(int in, int64_t *in_offset, int out, int64_t *out_offset, size_t size, unsigned flags)
{
    struct splice s = {.what = "splice", .number = SYS_splice, .in = in, .out = out, .in_offset = in_offset,
                       .out_offset = out_offset, .size = size, .flags = flags};

    return cede__in_task() ? run(&s) : syscall(SYS_splice, in, in_offset, out, out_offset, size, flags);
}

ssize_t cede_tee(int in, int out, size_t size, unsigned flags)
{
    struct splice s = {.what = "tee", .number = SYS_tee, .in = in, .out = out, .size = size, .flags = flags};

    return cede__in_task() ? run(&s) : syscall(SYS_tee, in, out, size, flags);
}

/* ---- copy_file_range: from file to file, on a helper ---- */

struct copy {
    struct cede__job job;
    int in, out;
    int64_t in_offset, out_offset;
    bool has_in, has_out;
    size_t size;
    ssize_t result;
    int error;
};

static void copy_run(struct cede__job *job)
{
    struct copy *copy = CEDE__CONTAINER(job, struct copy, job);

    copy->result = syscall(SYS_copy_file_range, copy->in, copy->has_in ? &copy->in_offset : NULL, copy->out,
                           copy->has_out ? &copy->out_offset : NULL, copy->size, 0);
    copy->error = errno;
}

static void copy_release(struct cede__job *job)
{
    free(CEDE__CONTAINER(job, struct copy, job));
}

ssize_t cede_copy_file_range(int in, int64_t *in_offset, int out, int64_t *out_offset, size_t size, unsigned flags)
{
    struct copy *copy;
    ssize_t result;

    if (!cede__in_task() || flags)
        return syscall(SYS_copy_file_range, in, in_offset, out, out_offset, size, flags);
    copy = malloc(sizeof *copy);
    if (!copy)
        return -1;
    *copy = (struct copy){.job = {.what = "copy_file_range", .run = copy_run, .release = copy_release},
                          .in = in, .out = out, .has_in = in_offset, .has_out = out_offset, .size = size,
                          .in_offset = in_offset ? *in_offset : 0, .out_offset = out_offset ? *out_offset : 0};
    if (cede__offload(&copy->job) != 0)
        return -1;
    result = copy->result;
    if (result >= 0 && in_offset)
        *in_offset = copy->in_offset;
    if (result >= 0 && out_offset)
        *out_offset = copy->out_offset;
    if (result < 0)
        errno = copy->error;
    free(copy);
    return result;
}
