/* SPDX-License-Identifier: MIT */
/* Streams: open, close, dial, serve; see cede/stream.h. */
#include "stream.h"

#include <cede/defer.h>
#include <cede/io.h>
#include <cede/net.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "buffer.h"
#include "sys.h"

void cede__stream_compact(struct cede__stream_buffer *buffer)
{
    size_t held = cede__stream_held(buffer);

    if (buffer->start == 0)
        return;
    memmove(buffer->bytes, buffer->bytes + buffer->start, held);
    buffer->start = 0;
    buffer->end = held;
}

int cede__stream_hold(struct cede__stream_buffer *buffer)
{
    if (buffer->bytes)
        return 0;
    buffer->borrowed = cede__buffer_own();
    if (!buffer->borrowed)
        return -1;
    buffer->bytes = buffer->borrowed->bytes;
    return 0;
}

int cede__stream_grow(struct cede__stream_buffer *buffer)
{
    size_t held = cede__stream_held(buffer);
    char *bytes = malloc(buffer->size);

    if (!bytes)
        return -1;
    if (held > 0)
        memcpy(bytes, buffer->bytes + buffer->start, held);
    cede__stream_give(buffer);
    buffer->bytes = bytes;
    buffer->allocated = true;
    buffer->end = held;
    return 0;
}

void cede__stream_give(struct cede__stream_buffer *buffer)
{
    buffer->start = buffer->end = 0;
    if (!buffer->borrowed)
        return;
    cede__buffer_disown(buffer->borrowed);
    buffer->borrowed = NULL;
    buffer->bytes = NULL;
}

int cede__stream_fail(int error)
{
    errno = error;
    return -1;
}

int cede__stream_enter(struct cede_stream *stream)
{
    if (!stream)
        return cede__stream_fail(EINVAL);
    if (stream->closed)
        return cede__stream_fail(EBADF);
    stream->users++;
    return 0;
}

static void free_buffer(struct cede__stream_buffer *buffer)
{
    cede__stream_give(buffer);
    if (buffer->allocated)
        free(buffer->bytes);
}

/* The last one to leave a stream that is closed frees it. Keeps errno. */
static void release(struct cede_stream *stream)
{
    int saved = errno;

    if (--stream->users == 0 && stream->gone) {
        free_buffer(&stream->in);
        free_buffer(&stream->out);
        free(stream);
    }
    errno = saved;
}

ssize_t cede__stream_leave(struct cede_stream *stream, ssize_t result)
{
    if (stream->gone)
        result = cede__stream_fail(EBADF);
    release(stream);
    return result;
}

/* ---- open ---- */

static bool is_socket(int fd)
{
    int type;
    socklen_t size = sizeof type;

    return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

static size_t size_of(size_t asked)
{
    return asked ? asked : CEDE_STREAM_SIZE;
}

static int check_open(int fd)
{
    return cede__sys_fcntl(fd, F_GETFD, 0) < 0 ? -1 : 0;
}

struct cede_stream *cede_stream_open_pair(int read_fd, int write_fd, const struct cede_stream_attr *attr)
{
    static const struct cede_stream_attr none;
    struct cede_stream *stream;
    int saved = errno;

    if (!attr)
        attr = &none;
    if ((attr->read_buffer && !attr->read_size) || (attr->write_buffer && !attr->write_size)) {
        errno = EINVAL;
        return NULL;
    }
    if (read_fd < 0 && write_fd < 0) {
        errno = EBADF;
        return NULL;
    }
    if ((read_fd >= 0 && check_open(read_fd) != 0) || (write_fd >= 0 && check_open(write_fd) != 0))
        return NULL;
    stream = malloc(sizeof *stream);
    if (!stream)
        return NULL;
    *stream = (struct cede_stream){.read_fd = read_fd < 0 ? -1 : read_fd, .write_fd = write_fd < 0 ? -1 : write_fd,
                                   .socket = is_socket(write_fd), .keep_open = attr->keep_open,
                                   .in = {.bytes = attr->read_buffer, .size = size_of(attr->read_size)},
                                   .out = {.bytes = attr->write_buffer, .size = size_of(attr->write_size)}};
    if (stream->in.size > PTRDIFF_MAX || stream->out.size > PTRDIFF_MAX - stream->in.size) {
        errno = ENOMEM;
    } else if (stream->out.bytes || write_fd < 0 || stream->out.size <= CEDE_BUFFER_SIZE
               || cede__stream_grow(&stream->out) == 0) {
        errno = saved;
        return stream;
    }
    free(stream);
    return NULL;
}

struct cede_stream *cede_stream_open(int fd, const struct cede_stream_attr *attr)
{
    return cede_stream_open_pair(fd, fd, attr);
}

int cede_stream_fd(const struct cede_stream *stream)
{
    if (!stream)
        return cede__stream_fail(EINVAL);
    if (stream->read_fd < 0 && stream->write_fd < 0)
        return cede__stream_fail(EBADF);
    return stream->read_fd >= 0 ? stream->read_fd : stream->write_fd;
}

/* ---- close ---- */

/* Gives up the descriptors; whoever waits for one of them in another call fails with EBADF. 0, or -1 with errno. */
static int shut(struct cede_stream *stream)
{
    int fds[] = {stream->read_fd, stream->write_fd}, i, result = 0;

    if (stream->gone)
        return 0;
    stream->closed = stream->gone = true;
    stream->read_fd = stream->write_fd = -1;
    for (i = 0; i < 2; i++) {
        if (fds[i] < 0 || (i == 1 && fds[1] == fds[0]))
            continue;
        if (!stream->keep_open)
            result |= cede_close(fds[i]);
        else if (stream->users > 1)
            cede_fd_closes(fds[i]);
    }
    return result;
}

int cede_stream_close(struct cede_stream *stream)
{
    int result = 0, error;

    if (!stream)
        return 0;
    if (cede__stream_enter(stream) != 0)
        return -1;
    stream->closed = true;
    if (stream->write_fd >= 0 && !stream->write_ended && (cede__stream_held(&stream->out) > 0 || stream->users > 1))
        result = cede__stream_flush(stream);
    error = errno;
    if (shut(stream) != 0 && result == 0)
        result = -1;
    else
        errno = error;
    release(stream);
    return result;
}

int cede_stream_abort(struct cede_stream *stream)
{
    int result;

    if (!stream)
        return 0;
    stream->users++; /* also while another task closes it, which no other call may */
    result = shut(stream);
    release(stream);
    return result;
}

/* ---- clients and servers ---- */

/* A stream over what was just made. */
static struct cede_stream *open_or_close(int fd, const struct cede_stream_attr *attr)
{
    struct cede_stream *stream;
    int error;

    if (fd < 0)
        return NULL;
    stream = cede_stream_open(fd, attr);
    if (!stream) {
        error = errno;
        cede_close(fd);
        errno = error;
    }
    return stream;
}

struct cede_stream *cede_stream_dial(const char *address, const struct cede_stream_attr *attr)
{
    return open_or_close(cede_dial(address), attr);
}

struct cede_stream *cede_stream_accept(int fd, const struct cede_stream_attr *attr)
{
    return open_or_close(cede_accept4(fd, NULL, NULL, SOCK_CLOEXEC), attr);
}

/* In the frame of cede_stream_serve(), which the connections' tasks do not outlive. */
struct service {
    struct cede_stream_attr attr;
    cede_stream_serve_fn *handler;
    void *arg;
};

static int serve_stream(int fd, void *arg)
{
    struct service *service = arg;
    struct cede_stream *stream = cede_stream_open(fd, &service->attr);

    if (!stream)
        return -1;
    cede_defer(cede_stream_close, stream); /* the handler may call cede_exit() */
    return service->handler(stream, service->arg);
}

int cede_stream_serve(int fd, const struct cede_stream_attr *attr, cede_stream_serve_fn *handler, void *arg)
{
    struct service service = {.handler = handler, .arg = arg};

    if (attr && (attr->read_buffer || attr->write_buffer))
        return cede__stream_fail(EINVAL);
    if (attr)
        service.attr = *attr;
    service.attr.keep_open = 1; /* cede_serve() closes them */
    return cede_serve(fd, handler ? serve_stream : NULL, &service);
}
