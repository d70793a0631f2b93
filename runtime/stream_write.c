/* SPDX-License-Identifier: MIT */
/*
 * Writing to a stream; see cede/stream.h.
 *
 * While one task writes the buffer out, and waits, others may append to it: nothing else moves. Making room, and
 * everything that writes to the descriptor, is for who holds the lock.
 */
#include <cede/io.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stream.h"

static int begin(struct cede_stream *stream)
{
    int error;

    if (cede__stream_enter(stream) != 0)
        return -1;
    error = stream->write_ended ? EPIPE : stream->write_fd < 0 ? EBADF : 0;
    if (!error)
        return 0;
    errno = error;
    return (int)cede__stream_leave(stream, -1);
}

static int unlock(struct cede_stream *stream, int result)
{
    int saved = errno;

    cede_mutex_unlock(&stream->writing);
    errno = saved;
    return result;
}

/* Waits for the turn to write out. 0, or -1 with errno. */
static int lock(struct cede_stream *stream)
{
    if (cede_mutex_lock(&stream->writing) != 0)
        return -1;
    if (stream->write_ended) /* while this call waited */
        return unlock(stream, cede__stream_fail(EPIPE));
    return stream->write_fd < 0 ? unlock(stream, cede__stream_fail(EBADF)) : 0;
}

/* One write to the descriptor. */
static ssize_t transmit(struct cede_stream *stream, struct iovec *iov, size_t count)
{
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = count};

    if (!stream->socket)
        return cede_writev(stream->write_fd, iov, (int)count);
    if (count == 1)
        return cede_send(stream->write_fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    return cede_sendmsg(stream->write_fd, &msg, MSG_NOSIGNAL);
}

/* Under the lock: writes out what the buffer holds now, then size bytes of buf, of which *done have been taken in any
 * case. 0, or -1 with errno. */
static int out(struct cede_stream *stream, const char *buf, size_t size, size_t *done)
{
    struct cede__stream_buffer *buffer = &stream->out;
    size_t held = cede__stream_held(buffer), part; /* others may append meanwhile: that is their affair */
    ssize_t n = 0;

    *done = 0;
    while (n >= 0 && held + size - *done > 0) {
        char *from = held > 0 ? buffer->bytes + buffer->start : NULL;
        struct iovec iov[2] = {{from, held}, {(char *)buf + *done, size - *done}};

        if (held > 0 && size - *done > 0)
            n = transmit(stream, iov, 2);
        else
            n = transmit(stream, held > 0 ? iov : iov + 1, 1);
        if (n > 0) {
            part = (size_t)n < held ? (size_t)n : held;
            buffer->start += part;
            held -= part;
            *done += (size_t)n - part;
        }
    }
    if (cede__stream_held(buffer) == 0)
        cede__stream_give(buffer);
    return n < 0 ? -1 : 0;
}

/* There must be room, and memory. */
static void append(struct cede_stream *stream, const void *buf, size_t size)
{
    memcpy(stream->out.bytes + stream->out.end, buf, size);
    stream->out.end += size;
}

/* Under the lock: makes room, and has memory, for size bytes, not more than the buffer has. 0, or -1 with errno. */
static int reserve(struct cede_stream *stream, size_t size)
{
    size_t none;

    for (;;) {
        if (cede__stream_room(&stream->out) < size)
            cede__stream_compact(&stream->out);
        if (cede__stream_room(&stream->out) >= size)
            return cede__stream_hold(&stream->out);
        if (out(stream, NULL, 0, &none) != 0)
            return -1;
    }
}

/* Under the lock. How many of size bytes were taken; if not all, errno says why. */
static size_t put(struct cede_stream *stream, const void *buf, size_t size)
{
    size_t done;

    if (size > stream->out.size) {
        out(stream, buf, size, &done);
        return done;
    }
    if (reserve(stream, size) != 0)
        return 0;
    append(stream, buf, size);
    return size;
}

/* Whether size bytes can be appended without taking room from somebody who waits for it. */
static bool fits_now(const struct cede_stream *stream, size_t size)
{
    return size == 0 || (!stream->wanting && size <= cede__stream_room(&stream->out));
}

ssize_t cede_stream_writev(struct cede_stream *stream, const struct iovec *iov, int count)
{
    size_t total = 0, taken = 0, n;
    int i;

    if (count < 0 || (!iov && count > 0))
        return cede__stream_fail(EINVAL);
    for (i = 0; i < count; i++)
        if (__builtin_add_overflow(total, iov[i].iov_len, &total) || total > SSIZE_MAX
            || (!iov[i].iov_base && iov[i].iov_len > 0))
            return cede__stream_fail(EINVAL);
    if (begin(stream) != 0)
        return -1;
    if (fits_now(stream, total)) {
        if (total > 0 && cede__stream_hold(&stream->out) != 0)
            return cede__stream_leave(stream, -1);
        for (i = 0; i < count; i++)
            if (iov[i].iov_len > 0)
                append(stream, iov[i].iov_base, iov[i].iov_len);
        return cede__stream_leave(stream, (ssize_t)total);
    }
    stream->wanting++;
    if (lock(stream) == 0) {
        if (total > stream->out.size || reserve(stream, total) == 0)
            for (i = 0; i < count; i++) {
                if (iov[i].iov_len == 0)
                    continue;
                taken += n = put(stream, iov[i].iov_base, iov[i].iov_len);
                if (n < iov[i].iov_len)
                    break;
            }
        unlock(stream, 0);
    }
    stream->wanting--;
    return cede__stream_leave(stream, taken > 0 ? (ssize_t)taken : -1);
}

ssize_t cede_stream_write(struct cede_stream *stream, const void *buf, size_t size)
{
    struct iovec iov = {(void *)buf, size};

    return cede_stream_writev(stream, &iov, 1);
}

int cede_stream_vprintf(struct cede_stream *stream, const char *format, va_list arguments)
{
    char small[256], *text = small;
    va_list again;
    ssize_t taken;
    int length;

    if (!format)
        return cede__stream_fail(EINVAL);
    va_copy(again, arguments);
    length = vsnprintf(small, sizeof small, format, arguments);
    if (length >= (int)sizeof small) {
        text = malloc((size_t)length + 1);
        length = text ? vsnprintf(text, (size_t)length + 1, format, again) : -1;
    }
    va_end(again);
    taken = length < 0 ? -1 : cede_stream_write(stream, text, (size_t)length);
    if (text != small) {
        int saved = errno;

        free(text);
        errno = saved;
    }
    return (int)taken;
}

int cede_stream_printf(struct cede_stream *stream, const char *format, ...)
{
    va_list arguments;
    int result;

    va_start(arguments, format);
    result = cede_stream_vprintf(stream, format, arguments);
    va_end(arguments);
    return result;
}

int cede_stream_write_all(struct cede_stream *stream, const void *buf, size_t size, size_t *done)
{
    size_t taken = 0;
    int result = -1;

    if (done)
        *done = 0;
    if (!buf && size > 0)
        return cede__stream_fail(EINVAL);
    if (begin(stream) != 0)
        return -1;
    if (lock(stream) == 0)
        result = unlock(stream, out(stream, buf, size, &taken));
    if (done)
        *done = taken;
    return (int)cede__stream_leave(stream, result);
}

int cede__stream_flush(struct cede_stream *stream)
{
    size_t none;

    return lock(stream) == 0 ? unlock(stream, out(stream, NULL, 0, &none)) : -1;
}

int cede_stream_flush(struct cede_stream *stream)
{
    return begin(stream) == 0 ? (int)cede__stream_leave(stream, cede__stream_flush(stream)) : -1;
}

/* Under the lock, with the buffer written out. 0, or -1 with errno. */
static int end_writing(struct cede_stream *stream)
{
    int fd = stream->write_fd;

    if (stream->socket || fd == stream->read_fd) {
        if (shutdown(fd, SHUT_WR) != 0)
            return -1;
        stream->write_ended = true;
        return 0;
    }
    stream->write_ended = true;
    stream->write_fd = -1;
    return stream->keep_open ? 0 : cede_close(fd);
}

int cede_stream_write_eof(struct cede_stream *stream)
{
    size_t none;
    int result;

    if (begin(stream) != 0)
        return -1;
    result = lock(stream);
    if (result == 0) {
        do /* what others append meanwhile was written before the end, too */
            result = out(stream, NULL, 0, &none);
        while (result == 0 && cede__stream_held(&stream->out) > 0);
        if (result == 0)
            result = end_writing(stream);
        unlock(stream, result);
    }
    return (int)cede__stream_leave(stream, result);
}

size_t cede_stream_pending(const struct cede_stream *stream)
{
    return stream ? cede__stream_held(&stream->out) : 0;
}
