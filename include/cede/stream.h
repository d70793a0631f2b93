/* SPDX-License-Identifier: MIT */
/*
 * Streams: buffered reading and writing over any descriptor: a socket, a pipe, a terminal, a file.
 *
 *     struct cede_stream *peer = cede_stream_dial("127.0.0.1:7000", NULL);
 *     char line[256];
 *
 *     cede_stream_printf(peer, "hello %s\n", name);
 *     cede_stream_flush(peer);
 *     while (cede_stream_read_line(peer, line, sizeof line) > 0)      (0: the end, as read(2))
 *         fputs(line, stdout);
 *     cede_stream_close(peer);
 *
 * What is written lies in a buffer until it is full, or until cede_stream_flush(), write_all, write_eof or close:
 * whoever waits for an answer flushes first, as with stdio.
 *
 * A call that fails has consumed nothing: what has been read of a line or of a record so far stays in the stream, and
 * the same call, made again, goes on from there. (The one exception, read_exactly of more than a buffer, tells what it
 * has stored.) So any call may be put under a deadline, and made again after it. What has been read beyond the end of a
 * message stays for the next call: do not read from the descriptor beside the stream.
 *
 * One task may read while another writes. A second one that reads at the same time fails with EBUSY. Writers take
 * turns, first come, first served: what one call writes, up to the size of the buffer, is never mixed with another's.
 *
 * cede_stream_close() and cede_stream_abort() end the calls that other tasks are in: every one of them fails with
 * EBADF, even if it was about to succeed; but a read that gets data while the close still writes what was buffered has
 * it. The stream's memory is freed when the last has returned; afterwards nobody may use it.
 *
 * Every call may be made outside a task, where it blocks as the descriptor does. Threads: one at a time; in a runtime,
 * the tasks of this one.
 *
 * Errors that every call below may have are named here only. -1, or NULL, with errno
 *   EINVAL     stream, or what is to be read or written, is NULL
 *   EBADF      the stream is being closed, or was while the call waited; it has no descriptor for this direction
 *   ECANCELED, ETIMEDOUT  as every wait
 *   those of read(2), or of write(2) and send(2): EAGAIN if the user has set O_NONBLOCK; EPIPE, for a socket without
 *   the signal SIGPIPE, for a pipe with it
 * A call that need not wait succeeds even if the task is cancelled.
 *
 * Models: asyncio's StreamReader and StreamWriter, Go's bufio; the limit, the exact read, and what is left where.
 */
#ifndef CEDE_STREAM_H
#define CEDE_STREAM_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

struct cede_stream;

/* How a stream is to be made. Members that are 0 or NULL mean the default; more members may be added at the end. */
struct cede_stream_attr {
    size_t read_size;   /* bytes of the buffer for reading, and so the longest line; default: CEDE_STREAM_SIZE */
    size_t write_size;  /* bytes that may wait to be written before a write parks; default: CEDE_STREAM_SIZE */
    void *read_buffer;  /* memory for these; must stay valid until the stream is closed and every call on it has */
    void *write_buffer; /* returned; default: see below */
    int keep_open;      /* nonzero: the stream does not close its descriptors */
};

#define CEDE_STREAM_SIZE ((size_t)16 << 10)

/*
 * Buffers that attr does not name exist only while there is something in them: they are taken from the few that all
 * streams and cede_buffer_recv() share, the most recently used first, and given back when all has been consumed, or
 * written. A stream whose peer is silent costs a few hundred bytes. Exceptions, so that who moves much at a time need
 * not pay for it each time: one of write_size above CEDE_BUFFER_SIZE (cede/buffer.h) is allocated with the stream; one
 * of read_size above that when a message first fills a shared one, and both stay until the stream is closed.
 */

/* ---- open and close ---- */

/*
 * Makes a stream over a descriptor, which is then the stream's: closed with it. attr may be NULL.
 * cede_stream_open_pair() makes one that reads from one descriptor and writes to another, as the pipes of a process;
 * either may be -1: a stream to read only, or to write only.
 *
 * Returns the stream, or NULL with errno, and the descriptors are as they were
 *   EBADF   fd is not open; both are -1
 *   EINVAL  a buffer without its size
 *   ENOMEM
 * Does not park. Models: fdopen(3).
 */
CEDE_API struct cede_stream *cede_stream_open(int fd, const struct cede_stream_attr *attr);
CEDE_API struct cede_stream *cede_stream_open_pair(int read_fd, int write_fd, const struct cede_stream_attr *attr);

/*
 * Flushes the stream, closes its descriptors, and frees it, in any case. Parks: for its turn behind other writers, and
 * as cede_stream_flush(). To bound the wait, or to write the rest though the task is cancelled: cede_shield
 * cede_timeout (CEDE_SECOND).
 *
 * Returns 0 (also for NULL, as free(3)); or -1 with errno, and what could not be written is lost
 *   those of cede_stream_flush() and close(2)
 * Models: writer.close() and wait_closed(), fclose(3).
 */
CEDE_API int cede_stream_close(struct cede_stream *stream);

/* The same without flushing: what has not been written is dropped. Does not park. It may end a cede_stream_close() that
 * another task is in. Returns 0, or -1 with errno of close(2). Models: transport.abort(). */
CEDE_API int cede_stream_abort(struct cede_stream *stream);

/* The descriptor that it reads from or, without one, writes to; -1 with errno EBADF. Does not park. For getpeername(2)
 * and the like. */
CEDE_API int cede_stream_fd(const struct cede_stream *stream);

/* ---- read ---- */

/*
 * All that read: what is more than was asked for stays in the stream. They park unless enough has been read already.
 * The end is remembered: after it, none asks the descriptor again. In addition to the errors above: -1 with errno
 *   EBUSY   another task is in a call that reads
 *   ENOMEM  there is no memory for the buffer
 *
 * cede_stream_read() reads what is there, up to size bytes, and parks only for the first. Returns how many, 0 at the
 * end. Models: StreamReader.read(n), read(2).
 */
CEDE_API ssize_t cede_stream_read(struct cede_stream *stream, void *buf, size_t size);

/*
 * Reads size bytes, no less. *got, unless got is NULL, is how many have been stored in buf: after a failure 0 if size
 * is not above read_size. Of more than that, a part may have been: the next call is for the rest, at buf + *got.
 *
 * Returns size; 0 if the stream is at its end; or -1 with errno
 *   ENODATA  it ended within the size bytes; those that came are in buf (*got), or in the stream, see above
 * Models: readexactly(), IncompleteReadError; io.ReadFull.
 */
CEDE_API ssize_t cede_stream_read_exactly(struct cede_stream *stream, void *buf, size_t size, size_t *got);

/*
 * Reads to the end of the next delimiter, which may be of several bytes, and is stored too.
 *
 * Returns how many bytes, 0 if the stream is at its end; or -1 with errno, and nothing was consumed
 *   EMSGSIZE  no delimiter ends within size bytes, or within read_size
 *   ENODATA   the stream ended without one: cede_stream_read() reads the rest
 *   EINVAL    delimiter_size is 0
 * Models: readuntil(), LimitOverrunError.
 */
CEDE_API ssize_t cede_stream_read_until(struct cede_stream *stream, void *buf, size_t size, const void *delimiter,
                                        size_t delimiter_size);

/*
 * Reads a line of at most size - 1 bytes, with its '\n', and a '\0' after it. The last line may lack its '\n'.
 *
 * Returns its length without the '\0', 0 if the stream is at its end; or -1 with errno, and nothing was consumed
 *   EMSGSIZE  the line is longer than that, or than read_size
 *   EINVAL    size is below 2
 * Models: readline(), fgets(3).
 */
CEDE_API ssize_t cede_stream_read_line(struct cede_stream *stream, char *line, size_t size);

/*
 * A generator of lines, for cede_for (cede/gen.h):
 *
 *     cede_for (char *, line, cede_stream_lines, .stream = peer)
 *         puts(line);
 *     if (errno)
 *         perror("peer");
 *
 * Each line lies in the stream's buffer, with a '\0' in place of its '\n', and is valid, also to be written to,
 * until the next one or until something else is read from the stream. Parks as cede_stream_read_line(), and ends with
 * its errors. Models: async for line in reader, bufio.Scanner.
 */
struct cede_stream_lines {
    struct cede_stream *stream;
};
CEDE_API int cede_stream_lines(struct cede_stream_lines *arg, char **line);

/*
 * Shows what comes next without consuming it: parks until size bytes have been read, or the end is near. *data is where
 * they lie, valid until the next call that reads; NULL if there are none. With size 0 it never parks.
 *
 * Returns how many there are: size or more; less if the stream ends there; or -1 with errno
 *   EMSGSIZE  cede_stream_peek(): size is above read_size
 * cede_stream_skip() consumes up to size bytes of what has been read already, and returns how many; it does not park.
 * Models: bufio.Reader.Peek, Discard.
 */
CEDE_API ssize_t cede_stream_peek(struct cede_stream *stream, size_t size, const void **data);
CEDE_API ssize_t cede_stream_skip(struct cede_stream *stream, size_t size);

/* Whether the end has been seen and everything before it consumed: 1 or 0, or -1 with errno. Does not park: before a
 * read that returned 0 it may not be known yet. Models: at_eof(). */
CEDE_API int cede_stream_at_eof(const struct cede_stream *stream);

/* ---- write ---- */

/*
 * All that write, in addition to the errors above: -1 with errno
 *   EPIPE   after cede_stream_write_eof()
 *   ENOMEM  there is no memory for the buffer; nothing was taken
 *
 * cede_stream_write() copies size bytes into the buffer, and parks only where they find no room: until what is there
 * has been written. More than write_size bytes are written at once, without being copied. cede_stream_writev() takes
 * several pieces, as writev(2); EINVAL if count is negative or their sum is above SSIZE_MAX.
 *
 * Returns how many bytes were taken: all, and if they fit into write_size, all or none. Of more, a part where a wait
 * ended early or the descriptor failed: the next call tells why. -1 with errno if none was taken.
 */
CEDE_API ssize_t cede_stream_write(struct cede_stream *stream, const void *buf, size_t size);
CEDE_API ssize_t cede_stream_writev(struct cede_stream *stream, const struct iovec *iov, int count);

/* As cede_stream_write() of the text, which is always taken as a whole or, if it is longer than write_size and the
 * write ended early, in part. Returns how many bytes. In addition: ENOMEM, EILSEQ, EOVERFLOW as printf(3). */
CEDE_API int cede_stream_printf(struct cede_stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
CEDE_API int cede_stream_vprintf(struct cede_stream *stream, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/*
 * Writes out what the buffer holds, and then buf, without copying it. *done, unless done is NULL, is how many bytes of
 * buf the system has taken; what it has not taken is not kept.
 * Parks until the system has all of it. Returns 0 then, or -1 with errno. Models: write() and drain(), sendall.
 */
CEDE_API int cede_stream_write_all(struct cede_stream *stream, const void *buf, size_t size, size_t *done);

/*
 * Parks until what was in the buffer when it was called has been written. Returns 0, or -1 with errno: what the system
 * has not taken stays in the buffer, and is tried again by the next flush. Models: drain(), fflush(3).
 */
CEDE_API int cede_stream_flush(struct cede_stream *stream);

/*
 * Flushes, then tells the peer that nothing more will come; reading goes on. A socket is shut down for writing; a
 * descriptor of its own for writing is closed.
 *
 * Returns 0, or -1 with errno
 *   ENOTSOCK, ENOTCONN, EIO ...  as shutdown(2): one descriptor that is no socket cannot be closed in half; or close(2)
 *   those of cede_stream_flush(): nothing was ended
 * Models: write_eof(), CloseWrite.
 */
CEDE_API int cede_stream_write_eof(struct cede_stream *stream);

/* How many bytes wait in the buffer to be written; for NULL: 0. Does not park. Models: get_write_buffer_size(). */
CEDE_API size_t cede_stream_pending(const struct cede_stream *stream);

/* ---- clients and servers (addresses as in cede/net.h) ---- */

/*
 * cede_stream_dial() is cede_dial() and cede_stream_open(); cede_stream_accept() parks until there is a connection to
 * a listening socket, as cede_accept(), and takes it. attr may be NULL.
 *
 * Return the stream, or NULL with errno of these calls
 *   ENOENT, EAGAIN, EIO, ENAMETOOLONG  cede_stream_dial(): as cede_dial()
 * Models: open_connection(), open_unix_connection().
 */
CEDE_API struct cede_stream *cede_stream_dial(const char *address, const struct cede_stream_attr *attr);
CEDE_API struct cede_stream *cede_stream_accept(int fd, const struct cede_stream_attr *attr);

/* What a served connection runs. Its result is ignored. */
typedef int cede_stream_serve_fn(struct cede_stream *stream, void *arg);

/*
 * cede_serve() with streams: runs handler(stream, arg) for each connection of the listening socket fd, in a task of its
 * own. The stream is closed, and so flushed, when the handler returns, which must not close it. Connections for which
 * there is no memory are dropped. attr may be NULL, and must not name buffers.
 *
 * Returns only when it fails: -1 with errno
 *   EINVAL  attr names a buffer
 *   those of cede_serve()
 * Models: start_server() and serve_forever().
 */
CEDE_API int cede_stream_serve(int fd, const struct cede_stream_attr *attr, cede_stream_serve_fn *handler, void *arg);

CEDE_END_DECLS

#endif
