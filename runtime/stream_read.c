/* SPDX-License-Identifier: MIT */
/* Reading from a stream; see cede/stream.h. */
#include <cede/gen.h>
#include <cede/io.h>
#include <errno.h>
#include <string.h>

#include "buffer.h"
#include "stream.h"

static int begin(struct cede_stream *stream)
{
    int error;

    if (cede__stream_enter(stream) != 0)
        return -1;
    error = stream->read_fd < 0 ? EBADF : stream->reading ? EBUSY : 0;
    if (error) {
        errno = error;
        return (int)cede__stream_leave(stream, -1);
    }
    stream->reading = true;
    return 0;
}

/* The caller has been told where data are that may have been consumed already: they stay until the next call. */
static ssize_t end_showing(struct cede_stream *stream, ssize_t result)
{
    stream->reading = false;
    return cede__stream_leave(stream, result);
}

static ssize_t end(struct cede_stream *stream, ssize_t result)
{
    if (cede__stream_held(&stream->in) == 0)
        cede__stream_give(&stream->in);
    return end_showing(stream, result);
}

/* One read from the descriptor: > 0, 0 at the end, or -1 with errno. */
static ssize_t receive(struct cede_stream *stream, void *buf, size_t size)
{
    ssize_t n = stream->at_end ? 0 : cede_read(stream->read_fd, buf, size);

    if (n == 0)
        stream->at_end = true;
    return n;
}

/*
 * The same into a buffer that exists when there is something to put into it, and not while the call waits.
 *
 * Not by an inlet (poller_inlet.h), which over io_uring would save a system call: what the kernel has received unasked
 * lies with one worker, while the next to read may be another thread, or nobody's task, after the end of that runtime;
 * and poll(2) would say of such a descriptor that nothing has come.
 */
static ssize_t fill_empty(struct cede_stream *stream)
{
    struct cede__stream_buffer *in = &stream->in;
    ssize_t n;

    cede__stream_give(in);
    n = stream->at_end ? 0 : cede__buffer_read(stream->read_fd, cede__stream_room(in), &in->borrowed);
    if (n == 0)
        stream->at_end = true;
    if (n <= 0)
        return n;
    in->bytes = in->borrowed->bytes;
    in->end = (size_t)n;
    if ((size_t)n == CEDE_BUFFER_SIZE && in->size > CEDE_BUFFER_SIZE)
        cede__stream_grow(in); /* there is more of the same; without memory it goes on as it is */
    return n;
}

/* The same into the buffer, which must hold less than its size. */
static ssize_t fill(struct cede_stream *stream)
{
    struct cede__stream_buffer *in = &stream->in;
    ssize_t n;

    if (cede__stream_held(in) == 0 && !cede__stream_stays(in))
        return fill_empty(stream);
    /* With little room behind the data, a move is cheaper than many small reads. */
    if (cede__stream_held(in) == 0 || cede__stream_room(in) <= in->size / 2)
        cede__stream_compact(in);
    if (cede__stream_room(in) == 0 && cede__stream_grow(in) != 0)
        return -1;
    n = receive(stream, in->bytes + in->end, cede__stream_room(in));
    if (n > 0)
        in->end += (size_t)n;
    return n;
}

/* Reads until the buffer holds size bytes, no more than fit: 1, 0 at the end, or -1 with errno. */
static ssize_t fill_up_to(struct cede_stream *stream, size_t size)
{
    ssize_t n = 1;

    while (cede__stream_held(&stream->in) < size && (n = fill(stream)) > 0)
        ;
    return n < 0 ? -1 : n > 0;
}

/* Consumes up to size bytes of what the buffer holds. */
static size_t take(struct cede_stream *stream, void *buf, size_t size)
{
    struct cede__stream_buffer *in = &stream->in;

    if (size > cede__stream_held(in))
        size = cede__stream_held(in);
    if (size > 0)
        memcpy(buf, in->bytes + in->start, size);
    in->start += size;
    return size;
}

/* The result of a read that wanted more when the end came: 0 if there was nothing, else -1. */
static ssize_t end_came(size_t had)
{
    return had > 0 ? cede__stream_fail(ENODATA) : 0;
}

ssize_t cede_stream_read(struct cede_stream *stream, void *buf, size_t size)
{
    ssize_t n = 1;

    if (!buf && size > 0)
        return cede__stream_fail(EINVAL);
    if (begin(stream) != 0)
        return -1;
    if (size == 0)
        return end(stream, 0);
    if (cede__stream_held(&stream->in) == 0) {
        cede__stream_give(&stream->in);
        if (size >= stream->in.size)
            return end(stream, receive(stream, buf, size));
        n = fill(stream);
    }
    return end(stream, n > 0 ? (ssize_t)take(stream, buf, size) : n);
}

/* Of no more than the buffer holds: what has come stays there until it is all. */
static ssize_t read_record(struct cede_stream *stream, void *buf, size_t size)
{
    ssize_t n = fill_up_to(stream, size);

    if (n > 0)
        return (ssize_t)take(stream, buf, size);
    return n < 0 ? -1 : end_came(cede__stream_held(&stream->in));
}

static ssize_t read_large(struct cede_stream *stream, char *buf, size_t size, size_t *got)
{
    ssize_t n = 1;

    *got = take(stream, buf, size);
    cede__stream_give(&stream->in);
    while (*got < size && (n = receive(stream, buf + *got, size - *got)) > 0)
        *got += (size_t)n;
    if (n > 0)
        return (ssize_t)size;
    return n < 0 ? -1 : end_came(*got);
}

ssize_t cede_stream_read_exactly(struct cede_stream *stream, void *buf, size_t size, size_t *got)
{
    size_t stored = 0;
    ssize_t n;

    if (got)
        *got = 0;
    if (!buf && size > 0)
        return cede__stream_fail(EINVAL);
    if (begin(stream) != 0)
        return -1;
    if (size > stream->in.size) {
        n = read_large(stream, buf, size, &stored);
    } else {
        n = size > 0 ? read_record(stream, buf, size) : 0;
        stored = n > 0 ? size : 0;
    }
    if (got)
        *got = stored;
    return end(stream, n);
}

/* Reads until a delimiter ends within the first `limit` bytes, which fit into the buffer. Returns where it ends; 0 if
 * the end came first; -1 with errno, EMSGSIZE if there is none. */
static ssize_t find(struct cede_stream *stream, const void *delimiter, size_t delimiter_size, size_t limit)
{
    const struct cede__stream_buffer *in = &stream->in;
    size_t searched = 0, within;
    const char *from, *hit;
    ssize_t n;

    for (;;) {
        from = cede__stream_held(in) > 0 ? in->bytes + in->start : NULL;
        within = cede__stream_held(in) < limit ? cede__stream_held(in) : limit;
        if (within >= searched + delimiter_size) {
            hit = memmem(from + searched, within - searched, delimiter, delimiter_size);
            if (hit)
                return hit - from + (ssize_t)delimiter_size;
            searched = within - delimiter_size + 1; /* no delimiter begins before */
        }
        if (within == limit)
            return cede__stream_fail(EMSGSIZE);
        n = fill(stream);
        if (n <= 0)
            return n;
    }
}

ssize_t cede_stream_read_until(struct cede_stream *stream, void *buf, size_t size, const void *delimiter,
                               size_t delimiter_size)
{
    ssize_t n;

    if (!buf || !delimiter || delimiter_size == 0)
        return cede__stream_fail(EINVAL);
    if (begin(stream) != 0)
        return -1;
    n = find(stream, delimiter, delimiter_size, size < stream->in.size ? size : stream->in.size);
    if (n > 0)
        take(stream, buf, (size_t)n);
    else if (n == 0)
        n = end_came(cede__stream_held(&stream->in));
    return end(stream, n);
}

ssize_t cede_stream_read_line(struct cede_stream *stream, char *line, size_t size)
{
    ssize_t n;

    if (!line || size < 2)
        return cede__stream_fail(EINVAL);
    if (begin(stream) != 0)
        return -1;
    n = find(stream, "\n", 1, size < stream->in.size ? size : stream->in.size);
    if (n == 0)
        n = (ssize_t)cede__stream_held(&stream->in); /* the last line has no end; there is room for it */
    if (n == (ssize_t)size)
        n = cede__stream_fail(EMSGSIZE); /* no room for '\0' */
    if (n >= 0)
        line[take(stream, line, (size_t)n)] = '\0';
    return end(stream, n);
}

/* Consumes the next line in the buffer, and puts '\0' after it: 1, 0 at the end, or -1 with errno. */
static ssize_t next_line(struct cede_stream *stream, char **line)
{
    struct cede__stream_buffer *in;
    ssize_t n;

    if (begin(stream) != 0)
        return -1;
    in = &stream->in;
    n = find(stream, "\n", 1, in->size);
    if (n > 0) {
        *line = in->bytes + in->start;
        in->start += (size_t)n;
        in->bytes[in->start - 1] = '\0';
    } else if (n == 0 && cede__stream_held(in) > 0) {
        cede__stream_compact(in); /* then there is room for one byte more, or find() had found it too long */
        *line = in->bytes;
        in->bytes[in->end] = '\0';
        in->start = in->end;
        n = 1;
    }
    return end_showing(stream, n);
}

int cede_stream_lines(struct cede_stream_lines *arg, char **item)
{
    char *line = NULL;
    ssize_t n;

    while ((n = next_line(arg->stream, &line)) > 0)
        if (cede_gen_put(item, line) != 0)
            return -1;
    return (int)n;
}

ssize_t cede_stream_peek(struct cede_stream *stream, size_t size, const void **data)
{
    ssize_t n;

    if (!data)
        return cede__stream_fail(EINVAL);
    if (begin(stream) != 0)
        return -1;
    if (size > stream->in.size)
        return end(stream, cede__stream_fail(EMSGSIZE));
    n = fill_up_to(stream, size);
    *data = cede__stream_held(&stream->in) > 0 ? stream->in.bytes + stream->in.start : NULL;
    return end_showing(stream, n < 0 ? -1 : (ssize_t)cede__stream_held(&stream->in));
}

ssize_t cede_stream_skip(struct cede_stream *stream, size_t size)
{
    if (begin(stream) != 0)
        return -1;
    if (size > cede__stream_held(&stream->in))
        size = cede__stream_held(&stream->in);
    stream->in.start += size;
    return end_showing(stream, (ssize_t)size);
}

int cede_stream_at_eof(const struct cede_stream *stream)
{
    if (!stream)
        return cede__stream_fail(EINVAL);
    if (stream->closed || stream->read_fd < 0)
        return cede__stream_fail(EBADF);
    return stream->at_end && cede__stream_held(&stream->in) == 0;
}
