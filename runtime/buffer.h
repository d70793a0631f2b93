/* SPDX-License-Identifier: MIT */
/* What cede_buffer_recv() and the other calls on descriptors need of each other. */
#ifndef CEDE_RUNTIME_BUFFER_H
#define CEDE_RUNTIME_BUFFER_H

#include <sys/types.h>

#include "poller_buffers.h"

struct cede__call;

/* cede_recv(), or cede_read() of up to size bytes, into a buffer that is taken for the moment of each attempt, and lent
 * if that brings something: io.c. In a task. */
ssize_t cede__io_lend(int fd, struct cede__buffer **lent);
ssize_t cede__io_lend_read(int fd, size_t size, struct cede__buffer **lent);

/* Buffers that are nobody's but the caller's, whatever becomes of the runtime: in a task they come from those of its
 * worker, and go to them. cede__buffer_own(): NULL with errno ENOMEM. cede__buffer_read(): as cede_read(), and as
 * cede__io_lend_read(), also outside a task. cede__buffer_disown() keeps errno. */
struct cede__buffer *cede__buffer_own(void);
ssize_t cede__buffer_read(int fd, size_t size, struct cede__buffer **own);
void cede__buffer_disown(struct cede__buffer *buffer);

/* For a call on a socket over a poller that makes requests: waits for the next buffer of its inlet (poller_inlet.h). As
 * recv(2); or -1 with errno EAGAIN: the deadline of the call has passed, or it must not wait; or ENOTSUP: there can be
 * no inlet, the call is to be made in another way. */
ssize_t cede__buffer_await(struct cede__call *call, struct cede__buffer **lent);

#endif
