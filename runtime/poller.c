/* SPDX-License-Identifier: MIT */
/* Descriptor numbers and who waits on them, over any backend; see poller.h. */
#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "poller_acceptor.h"
#include "poller_inlet.h"
#include "private.h"
#include "sched.h"
#include "sys.h"

/* The tag of the descriptor that wakes the worker; no descriptor has this number. */
#define WAKE_TAG UINT64_MAX

enum {
    RING_ENTRIES = 64,
    RETRY_NS = 1000 * 1000, /* when the kernel, out of memory, has not taken a request */
    PATIENCE = 10000,       /* turns that a thread gets for one system call that it is about to make */
};

int cede__poller_init(struct cede__poller *poller)
{
    poller->wake_fd = cede__private_take(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return poller->wake_fd < 0 ? -1 : 0;
}

/* Opens what tells of events, without touching the records. */
static int open_backend(struct cede__poller *poller, const struct cede__backend *backend)
{
    int error;

    if (backend->open(poller) != 0)
        return -1;
    if (backend->add(poller, poller->wake_fd, WAKE_TAG) == 0)
        return 0;
    error = errno;
    backend->close(poller);
    errno = error;
    return -1;
}

int cede__poller_open(struct cede__poller *poller, const struct cede__backend *backend)
{
    if (open_backend(poller, backend) != 0)
        return -1;
    poller->backend = backend;
    return 0;
}

void cede__poller_close(struct cede__poller *poller)
{
    unsigned page, i;

    if (!poller->backend)
        return;
    cede__inlets_end(poller);
    cede__ring_close(&poller->ring);
    poller->backend->close(poller);
    poller->backend = NULL;
    for (page = 0; page < poller->page_count; page++) {
        for (i = 0; poller->pages[page] && i < CEDE__FDS_PER_PAGE; i++)
            free(poller->pages[page][i].inlet);
        free(poller->pages[page]);
    }
    cede__buffers_free(&poller->buffers);
    free(poller->pages);
    poller->pages = NULL;
    poller->page_count = 0;
}

/* The child's backend has not heard of it. */
static void unregister(struct cede__fd *record)
{
    record->readers = record->writers = (struct cede__list){0};
    record->registered = record->drained = false;
    record->inherited = true;
    if (record->inlet)
        cede__inlet_forked(record->inlet);
    if (record->acceptor)
        cede__acceptor_forked(record->acceptor);
    record->inlet = NULL;
    record->acceptor = NULL;
}

int cede__poller_forked(struct cede__poller *poller)
{
    unsigned page, i;

    cede__private_close(poller->wake_fd);
    atomic_store(&poller->waking, 0);
    cede__ring_forked(&poller->ring);
    if (cede__poller_init(poller) != 0)
        return -1;
    if (!poller->backend)
        return 0;
    poller->backend->close(poller);
    for (page = 0; page < poller->page_count; page++)
        for (i = 0; poller->pages[page] && i < CEDE__FDS_PER_PAGE; i++)
            unregister(&poller->pages[page][i]);
    cede__inlets_forked(poller);
    return open_backend(poller, poller->backend);
}

void cede__poller_lost(struct cede__poller *poller)
{
    cede__private_forget(poller->wake_fd);
    if (poller->backend)
        cede__private_forget(poller->backend_fd);
    if (poller->ring.open)
        cede__private_forget(poller->ring.fd);
}

void cede__poller_wake(struct cede__poller *poller)
{
    static const uint64_t one = 1;
    int saved = errno;

    atomic_fetch_add(&poller->waking, 1);
    /* Nobody reads the count. It has room for 2^64 - 2 wakes. */
    (void)!cede__sys_write(atomic_load(&poller->wake_fd), &one, sizeof one);
    atomic_fetch_sub(&poller->waking, 1);
    errno = saved;
}

/* A wake that goes to the old number after that has become another's would write into it. */
static int move_wake(struct cede__poller *poller, int fd)
{
    int moved = cede__private_copy(fd), turns;

    if (moved < 0)
        return -1;
    atomic_store(&poller->wake_fd, moved);
    for (turns = 0; atomic_load(&poller->waking) > 0; turns++) {
        if (turns == PATIENCE) { /* a handler on the thread that wakes */
            errno = EBUSY;
            return -1;
        }
        syscall(SYS_sched_yield);
    }
    return 1;
}

int cede__poller_move(struct cede__poller *poller, int fd, bool own)
{
    int *place, moved;

    if (fd == atomic_load(&poller->wake_fd))
        return move_wake(poller, fd);
    if (!own)
        return 0;
    place = poller->backend && fd == poller->backend_fd ? &poller->backend_fd
            : poller->ring.open && fd == poller->ring.fd ? &poller->ring.fd
                                                         : NULL;
    if (!place)
        return 0;
    cede__poller_settle(poller); /* a request may name it */
    moved = cede__private_copy(fd);
    if (moved < 0)
        return -1;
    *place = moved;
    return 1;
}

static struct cede__fd *make_fd(struct cede__poller *poller, int fd)
{
    unsigned page = (unsigned)fd / CEDE__FDS_PER_PAGE, count;
    struct cede__fd **pages;

    if (page >= poller->page_count) {
        for (count = poller->page_count ? poller->page_count : 8; count <= page; count *= 2)
            ;
        pages = realloc(poller->pages, count * sizeof *pages);
        if (!pages)
            return NULL;
        for (poller->pages = pages; poller->page_count < count; poller->page_count++)
            pages[poller->page_count] = NULL;
    }
    poller->pages[page] = aligned_alloc(_Alignof(struct cede__fd), CEDE__FDS_PER_PAGE * sizeof **poller->pages);
    if (poller->pages[page])
        memset(poller->pages[page], 0, CEDE__FDS_PER_PAGE * sizeof **poller->pages);
    return cede__poller_fd_known(poller, fd);
}

struct cede__fd *cede__poller_fd(struct cede__poller *poller, int fd)
{
    struct cede__fd *record = cede__poller_fd_known(poller, fd);

    if (record)
        return record;
    if (fd < 0) {
        errno = EBADF;
        return NULL;
    }
    return make_fd(poller, fd);
}

int cede__poller_register(struct cede__poller *poller, struct cede__fd *record, int fd)
{
    uint64_t tag = (uint64_t)record->generation << 32 | (unsigned)fd;

    if (record->registered && record->owned)
        return 0;
    /* One that cede did not make may have been closed and its number used again behind our back: ask each time. */
    if (poller->backend->add(poller, fd, tag) != 0) {
        if (errno != EEXIST)
            return -1;
        /* Not by us, under this generation: it lived on in a duplicate, and has come back to its old number. */
        if (!record->registered && poller->backend->retag(poller, fd, tag) != 0)
            return -1;
    }
    record->registered = true;
    return 0;
}

void cede__poller_forget(struct cede__poller *poller, int fd, struct cede__list *waiters)
{
    struct cede__fd *record = cede__poller_fd_known(poller, fd);
    uint32_t generation;

    if (!record)
        return;
    cede__list_move_all(waiters, &record->readers);
    cede__list_move_all(waiters, &record->writers);
    if (record->inlet)
        cede__inlet_close(record->inlet);
    if (record->acceptor)
        cede__acceptor_lose(record->acceptor, waiters);
    generation = record->generation + 1;
    *record = (struct cede__fd){.generation = generation};
}

struct cede__ring *cede__poller_ring(struct cede__poller *poller)
{
    if (!poller->ring.open && cede__ring_open(&poller->ring, RING_ENTRIES, poller->wake_fd) != 0)
        return NULL;
    return &poller->ring;
}

void cede__poller_settle(struct cede__poller *poller)
{
    if (cede__poller_queued(poller))
        cede__ring_submit(&poller->ring);
}

/* Looks after the ring before a wait of timeout_ns; returns how long that may be now. */
static int64_t turn_ring(struct cede__poller *poller, int64_t timeout_ns, struct cede__list *ready)
{
    cede__ring_turn(&poller->ring);
    if (!cede__list_empty(&poller->ring.ready)) {
        cede__list_move_all(ready, &poller->ring.ready);
        return 0;
    }
    return cede__ring_queued(&poller->ring) > 0 && timeout_ns > RETRY_NS ? RETRY_NS : timeout_ns;
}

int cede__poller_wait(struct cede__poller *poller, int64_t timeout_ns, struct cede__list *ready)
{
    struct cede__fd *record;
    int count, i;

    if (poller->ring.open && !poller->backend->requests)
        timeout_ns = turn_ring(poller, timeout_ns, ready);
    count = poller->backend->wait(poller, timeout_ns, poller->events, CEDE__POLLER_EVENTS);
    if (poller->backend->requests)
        cede__list_move_all(ready, &poller->ring.ready);
    else if (poller->ring.open)
        turn_ring(poller, 0, ready);
    for (i = 0; i < count; i++) {
        const struct cede__event *event = &poller->events[i];

        if (event->tag == WAKE_TAG)
            continue; /* each write makes an edge, read or not */
        record = cede__poller_fd_known(poller, (int)(uint32_t)event->tag);
        if (!record || record->generation != event->tag >> 32)
            continue; /* of a descriptor that was closed here, but lives on in a duplicate or another process */
        if (event->bits & (CEDE__HANGUP | CEDE__URGENT))
            record->hangup = true;
        if (event->bits & (CEDE__READABLE | CEDE__HANGUP | CEDE__URGENT)) {
            record->drained = false;
            cede__list_move_all(ready, &record->readers);
        }
        if (event->bits & (CEDE__WRITABLE | CEDE__HANGUP))
            cede__list_move_all(ready, &record->writers);
    }
    return count;
}
