/* SPDX-License-Identifier: MIT */
/* Multishot accepts; see poller_acceptor.h. */
#include "poller_acceptor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "poller.h"
#include "sys.h"

enum {
    ROOM = 64,     /* in a queue at first */
    BACKLOG = 256, /* connections that may wait for the task; what is accepted with the last of them comes as well */
};

/* ---- the queue ---- */

static int make_room(struct cede__acceptor *acceptor)
{
    unsigned room = acceptor->room * 2;
    int *fds;

    if (acceptor->first > 0) {
        acceptor->end -= acceptor->first;
        memmove(acceptor->fds, acceptor->fds + acceptor->first, acceptor->end * sizeof *fds);
        acceptor->first = 0;
        return 0;
    }
    fds = realloc(acceptor->fds, room * sizeof *fds);
    if (!fds)
        return -1;
    acceptor->fds = fds;
    acceptor->room = room;
    return 0;
}

/* Without memory to remember it the connection is closed: it has left the kernel's queue for good. */
static void enqueue(struct cede__acceptor *acceptor, int fd)
{
    if (acceptor->end < acceptor->room || make_room(acceptor) == 0)
        acceptor->fds[acceptor->end++] = fd;
    else
        cede__sys_close(fd);
}

int cede__acceptor_next(struct cede__acceptor *acceptor)
{
    if (acceptor->first < acceptor->end)
        return acceptor->fds[acceptor->first++];
    acceptor->first = acceptor->end = 0;
    return -1;
}

/* ---- the request ---- */

static void arrived(struct cede__ring_request *request, const struct io_uring_cqe *completion)
{
    struct cede__acceptor *acceptor = CEDE__CONTAINER(request, struct cede__acceptor, request);

    if (completion->res >= 0)
        enqueue(acceptor, completion->res);
    else if (completion->res != -ECANCELED)
        acceptor->error = -completion->res;
    if (!(completion->flags & IORING_CQE_F_MORE))
        acceptor->armed = acceptor->stopping = false;
    else if (acceptor->end - acceptor->first >= BACKLOG)
        cede__acceptor_stop(acceptor);
    cede__list_move_all(&acceptor->poller->ring.ready, &acceptor->waiters);
}

int cede__acceptor_arm(struct cede__acceptor *acceptor, int fd)
{
    struct io_uring_sqe *entry;

    if (!acceptor->fds) {
        errno = EAGAIN;
        return -1;
    }
    entry = cede__ring_entry(&acceptor->poller->ring, &acceptor->request);
    if (!entry)
        return -1;
    entry->opcode = IORING_OP_ACCEPT;
    entry->fd = fd;
    entry->ioprio = IORING_ACCEPT_MULTISHOT;
    entry->accept_flags = SOCK_CLOEXEC;
    acceptor->armed = true;
    return 0;
}

void cede__acceptor_stop(struct cede__acceptor *acceptor)
{
    if (!acceptor->armed || acceptor->stopping)
        return;
    acceptor->stopping = true;
    cede__ring_cancel(&acceptor->poller->ring, &acceptor->request);
}

/* ---- its life ---- */

bool cede__acceptor_open(struct cede__acceptor *acceptor, struct cede__poller *poller, struct cede__fd *record)
{
    *acceptor = (struct cede__acceptor){.request.arrived = arrived, .poller = poller, .record = record, .room = ROOM};
    if (!poller->backend->requests || !record->owned || record->inherited || record->acceptor)
        return false;
    acceptor->fds = malloc(ROOM * sizeof *acceptor->fds);
    if (!acceptor->fds)
        return false;
    record->acceptor = acceptor;
    return true;
}

void cede__acceptor_close(struct cede__acceptor *acceptor)
{
    if (acceptor->record)
        acceptor->record->acceptor = NULL;
    free(acceptor->fds);
}

void cede__acceptor_lose(struct cede__acceptor *acceptor, struct cede__list *waiters)
{
    acceptor->record = NULL;
    cede__list_move_all(waiters, &acceptor->waiters);
    if (!acceptor->armed)
        return;
    cede__acceptor_stop(acceptor);
    cede__ring_flush(&acceptor->poller->ring); /* until then the socket listens, and has its address */
}

void cede__acceptor_forked(struct cede__acceptor *acceptor)
{
    int fd;

    while ((fd = cede__acceptor_next(acceptor)) >= 0)
        cede__sys_close(fd);
    free(acceptor->fds);
    acceptor->fds = NULL;
    acceptor->armed = acceptor->stopping = false;
}
