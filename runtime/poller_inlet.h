/* SPDX-License-Identifier: MIT */
/*
 * What comes on a socket over io_uring without being asked for each time: one multishot receive, for the life of the
 * connection, into buffers that the kernel takes from the worker's as data come. An inlet is the queue between it and
 * the tasks that borrow them.
 *
 * The kernel is given few buffers, for it uses them in turn, and many would be cold; and twice as many whenever it has
 * run out of them. For each connection that finds none has to ask again, and requests are what makes the kernel receive
 * more in one call: twice twenty instead of twenty (since Linux 6.13), so that one that is late makes others late.
 * An inlet whose tasks do not come for its data is stopped, so that a peer cannot take all of them; it goes on when the
 * queue is empty.
 */
#ifndef CEDE_RUNTIME_POLLER_INLET_H
#define CEDE_RUNTIME_POLLER_INLET_H

#include <sys/types.h>

#include "poller_buffers.h"
#include "ring.h"

struct cede__fd;
struct cede__poller;

struct cede__inlet {
    struct cede__ring_request request; /* the multishot receive */
    struct cede__poller *poller;
    struct cede__fd *record;           /* who waits: its readers; NULL: the descriptor has been closed */
    struct cede__buffer *first, *last; /* what has come, oldest first */
    uint32_t waiting;                  /* buffers in that queue */
    uint32_t starved_at;               /* it gave it back for want of buffers, of which it had so many; 0: it did not */
    bool armed;                        /* the kernel has the request */
    bool stopping;                     /* and has been asked for it back */
    bool ended;                        /* the end of the stream has come */
    int error;                         /* what a receive has failed with, to be told once; 0: nothing */
};

/* That of a socket, made if need be, over a poller that makes requests. NULL: there can be none. */
struct cede__inlet *cede__inlet_open(struct cede__poller *poller, struct cede__fd *record);

/* The oldest of what has come: how many bytes, 0 at the end, or -1 with errno; EAGAIN: nothing yet. */
ssize_t cede__inlet_next(struct cede__inlet *inlet, struct cede__buffer **lent);

/* Tells the kernel that its data are wanted, unless it knows (`armed`). What comes wakes the readers of the record. 0,
 * or -1 with errno ENOMEM, EAGAIN or EBUSY. */
int cede__inlet_arm(struct cede__inlet *inlet, int fd);

/* The descriptor is about to be closed: lets go of it. */
void cede__inlet_close(struct cede__inlet *inlet);

/* The end of the poller's ring: takes back what the kernel has. */
void cede__inlets_end(struct cede__poller *poller);

/* In a child of fork(2), which has neither the ring nor what the kernel was given. */
void cede__inlet_forked(struct cede__inlet *inlet);
void cede__inlets_forked(struct cede__poller *poller);

#endif
