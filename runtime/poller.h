/* SPDX-License-Identifier: MIT */
/*
 * The poller: which tasks wait on which descriptor, and the system facility that tells when one is ready.
 *
 * poller.c keeps one struct cede__fd for each descriptor number that was ever waited on, with its waiters. A backend
 * (poller_epoll.c; tests/poller_fake.h) knows numbers and tags only. Neither ever calls upward: a wait hands back the
 * list of waiters that have become ready, and the scheduler takes it from there.
 *
 * A descriptor is registered once, edge-triggered, for reading and writing, when it is first waited on, and never
 * changed or removed: the kernel forgets it when it is closed. What is late from a closed descriptor is told by its
 * generation, which is part of the tag.
 *
 * Not thread-safe, but for cede__poller_wake(): each worker has its own.
 */
#ifndef CEDE_RUNTIME_POLLER_H
#define CEDE_RUNTIME_POLLER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "poller_buffers.h"
#include "ring.h"

struct cede__poller;

enum {
    CEDE__READABLE = 1, /* or end of file */
    CEDE__URGENT = 2,   /* priority data: a read stops at its mark, with more behind it */
    CEDE__WRITABLE = 4,
    CEDE__HANGUP = 8,   /* the peer closed, or an error is pending: no further edge will come */
};

struct cede__event {
    uint64_t tag;  /* as given to add */
    unsigned bits; /* CEDE__READABLE ... */
};

/* What a backend must define. */
struct cede__backend {
    const char *name;

    /* Makes what it needs, in poller->backend_data or poller->backend_fd. 0, or -1 with errno. */
    int (*open)(struct cede__poller *poller);
    void (*close)(struct cede__poller *poller);

    /* Registers fd for its life. Events carry tag. 0, or -1 with errno: EPERM if fd is always ready (a regular file),
     * EEXIST if it is registered already (and keeps its tag), ENOMEM, ENOSPC. If it is ready now, an event says so. */
    int (*add)(struct cede__poller *poller, int fd, uint64_t tag);

    /* Gives one that is registered already another tag, and says again if it is ready now. 0, or -1 with errno. */
    int (*retag)(struct cede__poller *poller, int fd, uint64_t tag);

    /* Waits up to timeout_ns (0: look only; INT64_MAX: for ever) for events, fills in up to max. Returns how many (0
     * also when a signal ended it). */
    int (*wait)(struct cede__poller *poller, int64_t timeout_ns, struct cede__event *events, int max);

    /* open() opens poller->ring, and wait() waits for it too: the way to have anything done. Otherwise poller.c looks
     * after the ring, if anybody wants one. */
    bool requests;
};

extern const struct cede__backend cede__poller_epoll, cede__poller_uring;

/* What a descriptor is, as far as reading and writing without blocking goes. Sockets come first. */
enum cede__fd_kind {
    CEDE__FD_UNKNOWN,   /* not looked at yet */
    CEDE__FD_TCP,       /* stream socket of which a short read means that it is empty */
    CEDE__FD_STREAM,    /* stream socket that may also end a read early elsewhere: at a passed descriptor (AF_UNIX) */
    CEDE__FD_SEQPACKET, /* socket on which each write ends a record */
    CEDE__FD_SOCKET,    /* any other socket */
    CEDE__FD_NOWAIT,    /* pipe, eventfd, tty ...: RWF_NOWAIT, or poll(2) where that is not known */
    CEDE__FD_INSTANT,   /* directory, file in memory ...: always ready */
    CEDE__FD_FILE,      /* regular file, block device: always ready as well, but waits for storage */
};

/* A descriptor number. All zero: nothing is known of it. descriptor.c and call.c fill in what concerns calls. What a
 * read that waits needs is one line of the cache, for with thousands of connections it has to be fetched each time. */
struct cede__fd {
    _Alignas(64) struct cede__list readers; /* struct cede__waiter */
    struct cede__list writers;
    int64_t recv_timeout_ns; /* SO_RCVTIMEO; INT64_MAX: none; 0: not looked up yet */
    struct cede__inlet *inlet; /* what the kernel receives on it unasked; NULL: nothing */
    uint32_t generation;   /* of the number: advanced each time it comes to mean something else */
    uint8_t kind;          /* enum cede__fd_kind */
    bool registered;       /* with the backend, under this generation */
    bool owned;            /* made and closed through cede: the registration can be trusted without asking */
    bool flags_known;      /* `nonblocking` is valid */
    bool nonblocking;      /* the user has set O_NONBLOCK: answer EAGAIN instead of waiting */
    bool short_is_empty;   /* a short read empties it: TCP, owned, without SO_RCVLOWAT */
    bool drained;          /* a read has emptied it, and no event has come since: another would fail */
    bool full;             /* the last read filled its buffer: there may be more */
    bool counts;           /* reads say how much is left; see inq.h */
    bool hangup;           /* CEDE__HANGUP or CEDE__URGENT was seen: never drained again */
    uint8_t misses;        /* reads after a full one that failed; see inq.c */
    bool inherited;        /* this is a child of fork(2), whose parent has it as well */
    bool slow[2];          /* cannot be read, or written, with RWF_NOWAIT: a file goes elsewhere; of CEDE__FD_NOWAIT
                            * only poll(2) tells whether it would block */
    bool waits_in_place;   /* of files, one of which the ring's reads may wait within the submission: it can be polled,
                            * which the kernel takes for being able not to wait (FUSE) */
    bool positioned;       /* a task waits for a file at the descriptor's own position; others wait among `readers` */
    int64_t send_timeout_ns; /* SO_SNDTIMEO, as recv_timeout_ns */
    struct cede__acceptor *acceptor; /* what the kernel accepts from it unasked; NULL: nothing */
    uint64_t closings;     /* how many cede_close() calls the process had seen when the number got its meaning */
};

_Static_assert(offsetof(struct cede__fd, slow) <= 64, "what a read that waits needs is one line");

enum {
    CEDE__FDS_PER_PAGE = 512,
    CEDE__POLLER_EVENTS = 64, /* in one look: so few that what the kernel touched to tell of an event is still in the
                               * core's own cache when its task comes to read. With 512 a request of one of 10,000
                               * connections takes 12 % more */
};

struct cede__poller {
    const struct cede__backend *backend;
    char why[64]; /* this one was chosen: poller_choose.c's */
    int backend_fd;
    atomic_int wake_fd; /* whoever moves it waits until no other thread uses the old number any more */
    atomic_uint waking; /* threads, and signal handlers, that use it now */
    void *backend_data;
    struct cede__fd **pages; /* by number / CEDE__FDS_PER_PAGE; a page never moves */
    unsigned page_count;
    struct cede__ring ring;  /* open once somebody had a request, or with a backend that makes requests */
    struct cede__ring_request epoll_ready; /* poller_uring.c's */
    struct cede__buffers buffers; /* to receive into */
    struct cede__event events[CEDE__POLLER_EVENTS];
};

/* Makes what outlives all openings: the descriptor by which other threads wake the worker. 0, or -1 with errno. */
int cede__poller_init(struct cede__poller *poller);

/* Ends the wait that is going on, or else the next one. Any thread, any signal handler, open or not: the descriptor is
 * registered like any other, so a backend need not know. */
void cede__poller_wake(struct cede__poller *poller);

/* If fd is one of the poller's own descriptors, it gets another number, and the old one is nobody's: a duplicate, about
 * to be replaced. 1, 0: it is none of them, or -1 with errno EMFILE or EBUSY (a handler runs in the midst of its use).
 * Other threads than the poller's (own: it is that one) may move what they use themselves, the one that wakes; else: 0.
 * */
int cede__poller_move(struct cede__poller *poller, int fd, bool own);

/* 0, or -1 with errno (ENOMEM, EMFILE, ENFILE). */
int cede__poller_open(struct cede__poller *poller, const struct cede__backend *backend);
void cede__poller_close(struct cede__poller *poller);

/* In a child of fork(2): replaces what it shares with the parent, open or not. Nobody waits any more; what is known of
 * descriptors stays. 0, or -1 with errno. */
int cede__poller_forked(struct cede__poller *poller);

/* The record of a descriptor number, made if need be; NULL with errno EBADF (negative) or ENOMEM. Valid until the
 * poller is closed, but `generation` must be compared after a wait: the number may mean something else by then. */
struct cede__fd *cede__poller_fd(struct cede__poller *poller, int fd);

/* The same, NULL if none was made. */
static inline struct cede__fd *cede__poller_fd_known(const struct cede__poller *poller, int fd)
{
    unsigned page = (unsigned)fd / CEDE__FDS_PER_PAGE;

    if (__builtin_expect(fd < 0 || page >= poller->page_count || !poller->pages[page], 0))
        return NULL;
    return &poller->pages[page][(unsigned)fd % CEDE__FDS_PER_PAGE];
}

/* Registers it unless it is; to be called before each wait for a descriptor. 0, or -1 with errno as cede__backend.add,
 * without EEXIST. */
int cede__poller_register(struct cede__poller *poller, struct cede__fd *record, int fd);

/* The number comes to mean something else, or nothing: moves those who wait on it to `waiters` and forgets the rest. */
void cede__poller_forget(struct cede__poller *poller, int fd, struct cede__list *waiters);

/* The ring, whose requests are submitted, and whose completions are looked for, by each cede__poller_wait(). NULL with
 * errno if it cannot be had, as cede__ring_open() says. */
struct cede__ring *cede__poller_ring(struct cede__poller *poller);

/* Gives the kernel those requests that it has not seen: to be called before a descriptor number that they may name
 * comes to mean something else. */
void cede__poller_settle(struct cede__poller *poller);

static inline bool cede__poller_queued(const struct cede__poller *poller)
{
    return poller->ring.open && cede__ring_queued(&poller->ring) > 0;
}

/* In a child of fork(2): its descriptors are those of a thread that is not there, and so nobody's. */
void cede__poller_lost(struct cede__poller *poller);

/* Waits up to timeout_ns and appends the waiters that have become ready to `ready`. Returns the number of events. */
int cede__poller_wait(struct cede__poller *poller, int64_t timeout_ns, struct cede__list *ready);

#endif
