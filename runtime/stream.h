/* SPDX-License-Identifier: MIT */
/*
 * A stream, as its parts see it: stream.c opens and closes, stream_read.c and stream_write.c have a direction each.
 *
 * A call begins with cede__stream_enter() and ends with cede__stream_leave(): in between, the memory stays, whatever
 * others do. After anything that may have waited, the descriptors may be -1.
 */
#ifndef CEDE_RUNTIME_STREAM_H
#define CEDE_RUNTIME_STREAM_H

#include <cede/stream.h>
#include <cede/sync.h>
#include <stdbool.h>
#include <stdint.h>

#include "poller_buffers.h"

/* Bytes from start to end are to be consumed, or to be written. They may be in a buffer that was borrowed for them: it
 * is the stream's alone, and no worker's, for the stream may go from one to another, and outlive both. */
struct cede__stream_buffer {
    char *bytes;                   /* NULL: to be borrowed when there is something to hold */
    struct cede__buffer *borrowed; /* where they are; NULL: in memory that stays ... */
    bool allocated;                /* ... and is to be freed with the stream */
    size_t size, start, end;
};

struct cede_stream {
    struct cede__stream_buffer in, out;
    struct cede_mutex writing; /* whoever writes `out` out, or makes room in it; appending to it takes no lock */
    int read_fd, write_fd;     /* may be the same; -1: none, or closed */
    uint32_t users;            /* calls that have begun and not ended */
    uint32_t wanting;          /* writers that wait for room: others must not take it from them */
    bool socket;               /* write_fd is one */
    bool keep_open;            /* the descriptors are not ours */
    bool reading;              /* a call that reads is under way */
    bool at_end;               /* a read has said so */
    bool write_ended;          /* by cede_stream_write_eof() */
    bool closed;               /* no call may begin any more ... */
    bool gone;                 /* ... and the descriptors are closed: freed when the last call has ended */
};

static inline size_t cede__stream_held(const struct cede__stream_buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline bool cede__stream_stays(const struct cede__stream_buffer *buffer)
{
    return buffer->bytes && !buffer->borrowed;
}

/* Behind what it holds. */
static inline size_t cede__stream_room(const struct cede__stream_buffer *buffer)
{
    bool all = cede__stream_stays(buffer) || buffer->size < CEDE_BUFFER_SIZE;

    return (all ? buffer->size : CEDE_BUFFER_SIZE) - buffer->end;
}

/* Moves what it holds to the front. */
void cede__stream_compact(struct cede__stream_buffer *buffer);

/* It has, or gets, memory for something to hold: 0, or -1 with errno ENOMEM. */
int cede__stream_hold(struct cede__stream_buffer *buffer);

/* It gets memory of its own, of its whole size, for good. 0, or -1 with errno ENOMEM. */
int cede__stream_grow(struct cede__stream_buffer *buffer);

/* It holds nothing any more: gives back what it has borrowed. Keeps errno. */
void cede__stream_give(struct cede__stream_buffer *buffer);

/* -1 with this errno. */
int cede__stream_fail(int error);

/* A call begins. 0, or -1 with errno EINVAL or EBADF. */
int cede__stream_enter(struct cede_stream *stream);

/* A call ends, with this result, keeping errno; or with -1 and EBADF if the stream was closed meanwhile: the caller
 * must not take it for one that it can go on with. */
ssize_t cede__stream_leave(struct cede_stream *stream, ssize_t result);

/* In a call: writes out what the buffer holds now, behind other writers. 0, or -1 with errno. */
int cede__stream_flush(struct cede_stream *stream);

#endif
