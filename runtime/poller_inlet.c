/* SPDX-License-Identifier: MIT */
/* Multishot receives into provided buffers; see poller_inlet.h. */
#include "poller_inlet.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "poller.h"
#include "sys.h"

enum {
    GROUP = 0,
    FEWEST = 16, /* buffers that the kernel has at first ... */
    MOST = 1024, /* ... and at most: a power of two */
    BACKLOG = 8, /* buffers that may wait for the tasks of one inlet */
};

/* The buffers that the kernel has been given, in its ring; a buffer's number is its place there. */
struct cede__inlet_pool {
    struct io_uring_buf_ring *shared; /* with the kernel, which takes from the front; MOST entries */
    struct cede__buffer *at[MOST];
    uint16_t tail;
    unsigned provided, target;
    unsigned armed; /* inlets whose request the kernel has */
    bool refused;   /* the kernel knows no such thing */
};

/* ---- what the kernel has to receive into ---- */

static void provide(struct cede__inlet_pool *pool, struct cede__buffers *buffers)
{
    struct cede__buffer *buffer;
    unsigned place;

    while (pool->provided < pool->target && (buffer = cede__buffer_take(buffers))) {
        place = pool->tail % MOST;
        pool->at[place] = buffer;
        pool->shared->bufs[place].addr = (uintptr_t)buffer->bytes;
        pool->shared->bufs[place].len = sizeof buffer->bytes;
        pool->shared->bufs[place].bid = (uint16_t)place;
        pool->provided++;
        __atomic_store_n(&pool->shared->tail, ++pool->tail, __ATOMIC_RELEASE);
    }
}

static int make_shared(struct cede__inlet_pool *pool, const struct cede__ring *ring)
{
    const size_t bytes = MOST * sizeof(struct io_uring_buf);
    struct io_uring_buf_reg registration = {.ring_entries = MOST, .bgid = GROUP};
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        return -1;
    madvise(at, bytes, MADV_DONTFORK); /* the kernel looks at these very pages */
    registration.ring_addr = (uintptr_t)at;
    if (syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_PBUF_RING, &registration, 1) != 0) {
        munmap(at, bytes);
        return -1;
    }
    pool->shared = at;
    return 0;
}

static struct cede__inlet_pool *open_pool(struct cede__poller *poller)
{
    struct cede__inlet_pool *pool = poller->buffers.inlets;

    if (!pool)
        pool = poller->buffers.inlets = calloc(1, sizeof *pool);
    if (!pool || pool->refused || (!pool->shared && make_shared(pool, &poller->ring) != 0)) {
        if (pool)
            pool->refused = true;
        return NULL;
    }
    if (!pool->target)
        pool->target = FEWEST;
    return pool;
}

/* ---- the queue ---- */

static void enqueue(struct cede__inlet *inlet, struct cede__buffer *buffer)
{
    buffer->next = NULL;
    if (inlet->first)
        inlet->last->next = buffer;
    else
        inlet->first = buffer;
    inlet->last = buffer;
    inlet->waiting++;
}

static struct cede__buffer *dequeue(struct cede__inlet *inlet)
{
    struct cede__buffer *buffer = inlet->first;

    if (buffer) {
        inlet->first = buffer->next;
        inlet->waiting--;
    }
    return buffer;
}

static void empty(struct cede__inlet *inlet)
{
    struct cede__buffer *buffer;

    while ((buffer = dequeue(inlet)))
        cede__buffer_give(buffer);
}

/* ---- the request ---- */

/* May be the end of the inlet. */
static void take_back(struct cede__inlet *inlet)
{
    if (inlet->stopping)
        return;
    inlet->stopping = true;
    cede__ring_cancel(&inlet->poller->ring, &inlet->request);
}

/* The kernel is done with the request: for good, or until somebody arms it again. */
static void disarm(struct cede__inlet *inlet, int result)
{
    inlet->armed = inlet->stopping = false;
    inlet->poller->buffers.inlets->armed--;
    switch (-result) {
    case ENOBUFS:
        inlet->starved_at = inlet->poller->buffers.inlets->target;
        break;
    case ECANCELED:
    case EAGAIN:
    case EINTR:
        break;
    default:
        if (result < 0)
            inlet->error = -result;
        else
            inlet->ended |= result == 0;
    }
}

static void arrived(struct cede__ring_request *request, const struct io_uring_cqe *completion)
{
    struct cede__inlet *inlet = CEDE__CONTAINER(request, struct cede__inlet, request);
    struct cede__poller *poller = inlet->poller;
    struct cede__inlet_pool *pool = poller->buffers.inlets;
    struct cede__buffer *buffer = NULL;

    if (completion->flags & IORING_CQE_F_BUFFER) {
        buffer = pool->at[completion->flags >> IORING_CQE_BUFFER_SHIFT];
        pool->provided--;
        provide(pool, &poller->buffers);
    }
    if (buffer && completion->res > 0 && inlet->record) {
        buffer->size = (uint32_t)completion->res;
        enqueue(inlet, buffer);
    } else if (buffer) {
        cede__buffer_give(buffer);
    }
    if (!(completion->flags & IORING_CQE_F_MORE))
        disarm(inlet, completion->res);
    else if (inlet->waiting >= BACKLOG)
        take_back(inlet);
    if (inlet->record)
        cede__list_move_all(&poller->ring.ready, &inlet->record->readers);
    else if (!inlet->armed)
        free(inlet);
}

int cede__inlet_arm(struct cede__inlet *inlet, int fd)
{
    struct cede__poller *poller = inlet->poller;
    struct cede__inlet_pool *pool = poller->buffers.inlets;
    struct io_uring_sqe *entry;

    if (inlet->starved_at == pool->target && pool->target < MOST)
        pool->target *= 2; /* once, for all inlets that were too late */
    inlet->starved_at = 0;
    provide(pool, &poller->buffers);
    if (pool->provided == 0) {
        errno = ENOMEM;
        return -1;
    }
    entry = cede__ring_entry(&poller->ring, &inlet->request);
    if (!entry)
        return -1;
    entry->opcode = IORING_OP_RECV;
    entry->fd = fd;
    entry->ioprio = IORING_RECV_MULTISHOT | IORING_RECVSEND_POLL_FIRST;
    entry->flags = IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
    inlet->armed = true;
    pool->armed++;
    return 0;
}

/* ---- for calls ---- */

struct cede__inlet *cede__inlet_open(struct cede__poller *poller, struct cede__fd *record)
{
    struct cede__inlet *inlet = record->inlet;

    if (inlet || !open_pool(poller))
        return inlet;
    inlet = malloc(sizeof *inlet);
    if (!inlet)
        return NULL;
    *inlet = (struct cede__inlet){.request.arrived = arrived, .poller = poller, .record = record};
    record->drained = false;
    return record->inlet = inlet;
}

ssize_t cede__inlet_next(struct cede__inlet *inlet, struct cede__buffer **lent)
{
    *lent = dequeue(inlet);
    if (*lent)
        return (*lent)->size;
    if (inlet->ended)
        return 0;
    errno = inlet->error ? inlet->error : EAGAIN;
    inlet->error = 0; /* the next receive finds out what there is after it */
    return -1;
}

/* ---- the end ---- */

void cede__inlet_close(struct cede__inlet *inlet)
{
    struct cede__poller *poller = inlet->poller;

    inlet->record = NULL;
    empty(inlet);
    if (!inlet->armed) {
        free(inlet);
        return;
    }
    take_back(inlet);
    cede__ring_submit(&poller->ring); /* until then the kernel holds the connection open */
}

static void free_pool(struct cede__poller *poller)
{
    struct cede__inlet_pool *pool = poller->buffers.inlets;

    if (pool && pool->shared)
        munmap(pool->shared, MOST * sizeof(struct io_uring_buf));
    free(pool);
    poller->buffers.inlets = NULL;
}

void cede__inlets_end(struct cede__poller *poller)
{
    struct cede__inlet_pool *pool = poller->buffers.inlets;
    struct io_uring_sync_cancel_reg all = {
        .fd = -1, .flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL, .timeout = {-1, -1}};
    int turns;

    if (pool && pool->armed > 0) {
        cede__ring_submit(&poller->ring);
        syscall(SYS_io_uring_register, poller->ring.fd, IORING_REGISTER_SYNC_CANCEL, &all, 1);
        for (turns = 0; pool->armed > 0 && turns < MOST; turns++) /* as many at a time as have room */
            cede__ring_wait(&poller->ring, 0);
    }
    cede__ring_close(&poller->ring); /* before the memory that it uses goes */
    free_pool(poller);
}

void cede__inlet_forked(struct cede__inlet *inlet)
{
    empty(inlet);
    free(inlet);
}

void cede__inlets_forked(struct cede__poller *poller)
{
    if (poller->buffers.inlets)
        poller->buffers.inlets->shared = NULL; /* not in this process */
    free_pool(poller);
}
