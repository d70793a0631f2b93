/* SPDX-License-Identifier: MIT */
/*
 * Connections that the kernel accepts ahead over io_uring: one multishot accept on a listening socket, for as long as a
 * task serves it. An acceptor is the queue between that request and the task; it lies on the task's stack.
 *
 * The kernel accepts whenever the worker looks at its poller, also what another acceptor of the same socket would have
 * come for sooner. And it wakes one such request only for each connection, even if its thread has other work for a
 * second, and others sleep. So there is one only where the connections are nobody else's: on a socket that this runtime
 * has made (and it alone: see `owned` in poller.h), in the process that made it, which the user has not made
 * non-blocking; for cede_serve(), which takes whatever comes. It is the only one for that socket.
 *
 * While its task does not come, as it is out of memory for more tasks, the request is stopped, so that connections wait
 * with the kernel, where cede_close() of the listener resets them. It goes on when the queue is empty.
 */
#ifndef CEDE_RUNTIME_POLLER_ACCEPTOR_H
#define CEDE_RUNTIME_POLLER_ACCEPTOR_H

#include <stdbool.h>

#include "list.h"
#include "ring.h"

struct cede__fd;
struct cede__poller;

struct cede__acceptor {
    struct cede__ring_request request; /* the multishot accept */
    struct cede__poller *poller;
    struct cede__fd *record;           /* of the listener; NULL: it has been closed */
    struct cede__list waiters;         /* struct cede__waiter: who waits for a connection, or for the request's end */
    int *fds;                          /* what has come and was not taken, oldest at `first` */
    unsigned first, end, room;         /* of that array */
    int error;                         /* what the request has failed with, to be told when the queue is empty; 0 */
    bool armed;                        /* the kernel has the request */
    bool stopping;                     /* and has been asked for it back */
};

/* Makes one for a listening socket that does not have O_NONBLOCK. False: there can be none, the socket is to be
 * accepted from in another way. */
bool cede__acceptor_open(struct cede__acceptor *acceptor, struct cede__poller *poller, struct cede__fd *record);

/* The oldest connection that has come; -1: none. */
int cede__acceptor_next(struct cede__acceptor *acceptor);

/* Tells the kernel that connections are wanted, unless it knows (`armed`). What comes, and the end, wakes the waiters.
 * 0, or -1 with errno EAGAIN. The limit of descriptors (RLIMIT_NOFILE) is that of now for as long as it is armed. */
int cede__acceptor_arm(struct cede__acceptor *acceptor, int fd);

/* Asks for the request back. More may come until it is no longer armed. */
void cede__acceptor_stop(struct cede__acceptor *acceptor);

/* Once it is not armed: frees it. What has come has been taken. */
void cede__acceptor_close(struct cede__acceptor *acceptor);

/* The listener is about to be closed: has the kernel let go of it, and moves those who wait to `waiters`. */
void cede__acceptor_lose(struct cede__acceptor *acceptor, struct cede__list *waiters);

/* In a child of fork(2), whose tasks know nothing of what was accepted ahead: closes it there. If its task is the one
 * that lives on, in a signal handler that has forked, it can no longer be armed. */
void cede__acceptor_forked(struct cede__acceptor *acceptor);

#endif
