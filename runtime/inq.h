/* SPDX-License-Identifier: MIT */
/*
 * Reads that fill their buffer. After a short read a TCP socket is known to be empty, and the next read waits without
 * asking; after a full one it would have to ask, which costs a system call that fails if all messages have just that
 * size. A socket on which this happens is told to say with each read how much is left (TCP_INQ, Linux 4.18).
 */
#ifndef CEDE_RUNTIME_INQ_H
#define CEDE_RUNTIME_INQ_H

#include <sys/types.h>

#include "poller.h"

/* recv(2) with MSG_DONTWAIT and `flags` on a socket whose record says `counts`; *left: how much there is to read now,
 * or to be told of (the end, an error); -1: unknown. */
ssize_t cede__inq_recv(int fd, void *buf, size_t size, int flags, int *left);

/* A read after one that filled its buffer has failed, with EAGAIN. */
void cede__inq_missed(struct cede__fd *record, int fd);

/* The user receives control messages: must see none of ours. */
void cede__inq_stop(struct cede__fd *record, int fd);

#endif
