/* SPDX-License-Identifier: MIT */
/*
 * Borrowed buffers: memory to receive into, lent only while there are data in it.
 *
 *     void *data;
 *     ssize_t n;
 *
 *     while ((n = cede_buffer_recv(fd, &data)) > 0) {
 *         handle(data, n);
 *         cede_buffer_return(data);
 *     }
 *
 * A connection that waits has none, and thousands share a few, the most recently used first: what is received into is
 * in the CPU's cache already, where a buffer of each task's own has to be brought there for each message. That is what
 * large messages on many connections cost; see the table in bench/README.md.
 *
 * Over io_uring (cede_runtime_poller()) the kernel is told once that a TCP connection's data are wanted, and brings
 * them as they come, without a further request for each message (multishot receive): up to a few buffers ahead of the
 * task.
 * For that it holds buffers of the runtime's until that ends: 16 at first, twice as many whenever they did not suffice,
 * and 1,024 (20 MiB) at most.
 * Hence one rule, whatever the poller: from the first cede_buffer_recv() on, whatever comes on that socket is read by
 * cede_buffer_recv() alone, not by cede_recv(), another process, or a look with poll(2).
 */
#ifndef CEDE_BUFFER_H
#define CEDE_BUFFER_H

#include <stddef.h>
#include <sys/types.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/* Of a buffer, in bytes. Above 16 KiB, and no power of two, as messages tend to be: after a read that fills less than
 * what was asked for, a socket is known to be empty, and nobody need look there before more has come. */
#define CEDE_BUFFER_SIZE (((size_t)20 << 10) - 64)

/*
 * Waits for data on a socket and lends a buffer with up to CEDE_BUFFER_SIZE bytes of them. *data is where they are,
 * aligned to 64 bytes; they may be written to, up to CEDE_BUFFER_SIZE, until they are returned. Parks unless there are
 * data, and holds no buffer while it does. Outside a task it blocks.
 *
 * Returns how many bytes; 0 at the end of the stream; or -1 with errno. In the last two cases *data is NULL and nothing
 * is lent.
 *   EINVAL     data is NULL
 *   EBADF      fd is not open, or was closed with cede_close() meanwhile
 *   ENOTSOCK   it is no socket
 *   ENOMEM
 *   EAGAIN     the user has set O_NONBLOCK; SO_RCVTIMEO has passed
 *   EINTR      a signal handler has run, as recv(2)
 *   ECANCELED, ETIMEDOUT  as every wait; nothing is lost, the next call brings what has come meanwhile
 *   those of recv(2): ECONNRESET ...
 * A buffer belongs to the runtime of the task that borrowed it; what has not been returned when that ends is freed
 * then. Of a socket for datagrams each call takes one, cut to CEDE_BUFFER_SIZE.
 * Models: bufio.Reader.Peek and Discard, without a buffer of the reader's own.
 */
CEDE_API ssize_t cede_buffer_recv(int fd, void **data);

/*
 * Gives a buffer back; NULL: does nothing, as free(3). Does not park; keeps errno. Threads: that of the runtime in
 * which it was borrowed; one that was borrowed outside a task: any. With cede_defer(cede_buffer_return, data) it is
 * given back however the function ends. A buffer that is not lent, given back twice say: aborts.
 */
CEDE_API void cede_buffer_return(void *data);

CEDE_END_DECLS

#endif
