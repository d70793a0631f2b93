/* SPDX-License-Identifier: MIT */
/* io_uring by its three system calls; see ring.h. */
#include "ring.h"

#include <sys/mman.h>

#include "private.h"
#include "sys.h"

enum {
    /* Threads of the kernel that may be blocked for us at a time, by files that others hold up or by FIFOs that nobody
     * opens. They are made when needed. The kernel's own bound is four for each CPU. */
    MOST_BLOCKED = 64,
    MOST_TURNS = 1024, /* others may give it more to do all the time */
    FLAGS = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG
            | IORING_SETUP_SUBMIT_ALL
};

static void *map(int fd, off_t what, size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);

    if (at == MAP_FAILED)
        return NULL;
    /* A child of fork(2) must not move the parent's queues. */
    madvise(at, size, MADV_DONTFORK);
    return at;
}

static void unmap(struct cede__ring *ring)
{
    if (ring->memory)
        munmap(ring->memory, ring->memory_bytes);
    if (ring->entries)
        munmap(ring->entries, ring->entries_bytes);
}

/* Maps the queues as the kernel has laid them out. */
static int map_queues(struct cede__ring *ring, const struct io_uring_params *params)
{
    size_t sq_bytes = params->sq_off.array + params->sq_entries * sizeof(unsigned);
    size_t cq_bytes = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    unsigned *array, i;
    char *memory;

    ring->memory_bytes = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
    ring->entries_bytes = params->sq_entries * sizeof *ring->entries;
    ring->memory = memory = map(ring->fd, IORING_OFF_SQ_RING, ring->memory_bytes);
    ring->entries = map(ring->fd, IORING_OFF_SQES, ring->entries_bytes);
    if (!ring->memory || !ring->entries)
        return -1;
    ring->sq_head = (unsigned *)(memory + params->sq_off.head);
    ring->sq_tail = (unsigned *)(memory + params->sq_off.tail);
    ring->sq_flags = (unsigned *)(memory + params->sq_off.flags);
    ring->sq_mask = *(unsigned *)(memory + params->sq_off.ring_mask);
    ring->sq_count = params->sq_entries;
    ring->cq_head = (unsigned *)(memory + params->cq_off.head);
    ring->cq_tail = (unsigned *)(memory + params->cq_off.tail);
    ring->cq_mask = *(unsigned *)(memory + params->cq_off.ring_mask);
    ring->completions = (struct io_uring_cqe *)(memory + params->cq_off.cqes);
    array = (unsigned *)(memory + params->sq_off.array);
    for (i = 0; i < params->sq_entries; i++)
        array[i] = i;
    return 0;
}

/* Linux 5.18 and later; a thread can have 16. */
static void register_fd(struct cede__ring *ring)
{
    struct io_uring_rsrc_update number = {.offset = UINT32_MAX, .data = (unsigned)ring->fd};
    bool done = syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_RING_FDS, &number, 1) == 1;

    ring->registered = done ? (int)number.offset : -1;
}

static void unregister_fd(struct cede__ring *ring)
{
    struct io_uring_rsrc_update number = {.offset = (unsigned)ring->registered};

    if (ring->registered >= 0)
        syscall(SYS_io_uring_register, ring->fd, IORING_UNREGISTER_RING_FDS, &number, 1);
}

int cede__ring_open(struct cede__ring *ring, unsigned entries, int event_fd)
{
    struct io_uring_params params = {.flags = FLAGS};
    unsigned most_blocked[2] = {MOST_BLOCKED, 0};
    int error;

    *ring = (struct cede__ring){.fd = cede__private_take((int)syscall(SYS_io_uring_setup, entries, &params))};
    if (ring->fd < 0)
        return -1;
    if (map_queues(ring, &params) != 0
        || (event_fd >= 0
            && syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_EVENTFD, &event_fd, 1) != 0)) {
        error = errno;
        unmap(ring);
        cede__private_close(ring->fd);
        errno = error;
        return -1;
    }
    syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_IOWQ_MAX_WORKERS, most_blocked, 2);
    register_fd(ring);
    ring->open = true;
    return 0;
}

void cede__ring_close(struct cede__ring *ring)
{
    if (!ring->open)
        return;
    unregister_fd(ring);
    unmap(ring);
    cede__private_close(ring->fd);
    ring->open = false;
}

void cede__ring_forked(struct cede__ring *ring)
{
    if (ring->open)
        cede__private_close(ring->fd);
    ring->open = false;
    ring->ready = (struct cede__list){0};
}

/* Gives the kernel what is queued, and waits for `least` completions. A failure leaves the entries where they are: the
 * next turn tries again. */
static bool enter_until(struct cede__ring *ring, unsigned least, unsigned flags, const void *argument, size_t size)
{
    bool registered = ring->registered >= 0;

    return syscall(SYS_io_uring_enter, registered ? ring->registered : ring->fd, cede__ring_queued(ring), least,
                   registered ? flags | IORING_ENTER_REGISTERED_RING : flags, argument, size) >= 0;
}

static bool enter(struct cede__ring *ring, unsigned flags)
{
    return enter_until(ring, 0, flags, NULL, 0);
}

struct io_uring_sqe *cede__ring_entry(struct cede__ring *ring, struct cede__ring_request *request)
{
    struct io_uring_sqe *entry;

    if (cede__ring_queued(ring) == ring->sq_count) {
        cede__ring_submit(ring);
        if (cede__ring_queued(ring) == ring->sq_count) {
            errno = EAGAIN;
            return NULL;
        }
    }
    entry = &ring->entries[*ring->sq_tail & ring->sq_mask];
    *entry = (struct io_uring_sqe){.user_data = (uintptr_t)request};
    /* The kernel looks only when told to, by this thread: the entry can be filled in afterwards. */
    __atomic_store_n(ring->sq_tail, *ring->sq_tail + 1, __ATOMIC_RELEASE);
    return entry;
}

void cede__ring_submit(struct cede__ring *ring)
{
    if (cede__ring_queued(ring) > 0)
        enter(ring, 0);
}

void cede__ring_flush(struct cede__ring *ring)
{
    int turns = 0;

    /* Since Linux 6.13 it does no more than about twenty things at a time. */
    while (enter(ring, IORING_ENTER_GETEVENTS)
           && __atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_TASKRUN && ++turns < MOST_TURNS)
        ;
}

/* Takes a request out of those that the kernel has not been given. Whether it was there. */
static bool withdraw(struct cede__ring *ring, struct cede__ring_request *request)
{
    unsigned at = __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
    struct io_uring_sqe *entry;

    for (; at != *ring->sq_tail; at++) {
        entry = &ring->entries[at & ring->sq_mask];
        if (entry->user_data != (uintptr_t)request)
            continue;
        *entry = (struct io_uring_sqe){.opcode = IORING_OP_NOP};
        request->result = -ECANCELED;
        request->done = true;
        if (request->arrived)
            request->arrived(request, &(struct io_uring_cqe){.res = -ECANCELED});
        return true;
    }
    return false;
}

void cede__ring_cancel(struct cede__ring *ring, struct cede__ring_request *request)
{
    struct io_uring_sync_cancel_reg at_once = {.addr = (uintptr_t)request, .fd = -1};
    struct io_uring_sqe *entry = cede__ring_entry(ring, NULL);

    if (entry) {
        entry->opcode = IORING_OP_ASYNC_CANCEL;
        entry->fd = -1;
        entry->addr = (uintptr_t)request;
    } else if (!withdraw(ring, request)) {
        syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_SYNC_CANCEL, &at_once, 1);
    }
}

static void complete(struct cede__ring *ring, const struct io_uring_cqe *completion)
{
    struct cede__ring_request *request = (struct cede__ring_request *)(uintptr_t)completion->user_data;

    if (!request)
        return;
    if (request->arrived) {
        request->arrived(request, completion);
        return;
    }
    request->result = completion->res;
    request->done = !(completion->flags & IORING_CQE_F_MORE);
    if (request->waiter) {
        cede__list_remove(request->waiter);
        cede__list_append(&ring->ready, request->waiter);
    }
}

/* Marks what has completed. Whether there was anything. */
static bool reap(struct cede__ring *ring)
{
    unsigned head = *ring->cq_head, tail = __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
    bool found = head != tail;

    for (; head != tail; head++)
        complete(ring, &ring->completions[head & ring->cq_mask]);
    __atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
    return found;
}

/* Whether the kernel has completions that it has not been able, or asked, to hand out. */
static bool held_back(const struct cede__ring *ring)
{
    return __atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

void cede__ring_turn(struct cede__ring *ring)
{
    if (cede__ring_queued(ring) > 0 || held_back(ring))
        enter(ring, IORING_ENTER_GETEVENTS);
    reap(ring);
}

void cede__ring_wait(struct cede__ring *ring, int64_t timeout_ns)
{
    struct __kernel_timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    struct io_uring_getevents_arg argument = {.ts = timeout_ns == INT64_MAX ? 0 : (uintptr_t)&timeout};

    int saved = errno; /* the task's that waits last: that time has passed is no error of its call */

    if (reap(ring))
        timeout_ns = 0;
    if (timeout_ns == 0)
        enter(ring, IORING_ENTER_GETEVENTS);
    else
        enter_until(ring, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
    errno = saved;
    reap(ring);
}
