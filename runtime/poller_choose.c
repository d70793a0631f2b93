/* SPDX-License-Identifier: MIT */
/*
 * Which backend; see poller_choose.h.
 *
 * The measurement is a small echo: messages lie ready on a few sockets, and what it takes to receive them all and to
 * send them back is timed, by epoll_wait(2), recv(2) and send(2) as poller_epoll.c would have it, and by requests as
 * poller_uring.c would. What the sockets' protocol costs is the same on both ways, so the cheapest kind will do. Of
 * several rounds, in turns, the least counts: what others do on the machine only adds to a round.
 */
#include "poller_choose.h"

#include <cede/time.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "sys.h"

enum {
    PAIRS = 8,
    ROUNDS = 2, /* the first of which warms up; see bench/README.md */
    BYTES = 64,
    CHEAPER_PERCENT = 95, /* io_uring is chosen if it takes at most so much of epoll's time: less may be chance, and
                             with epoll what is sent leaves at once */
    LONGEST_NS = 10 * 1000 * 1000, /* for a completion that should be there already */
    UNKNOWN = 0,
    IMPOSSIBLE = CEDE__POLLER_UNMEASURED,
};

struct trial {
    int fds[PAIRS][2]; /* the server's side, and the peer's */
    int epoll;
    struct cede__ring ring;
    struct cede__ring_request receives[PAIRS], sends[PAIRS];
    char bytes[PAIRS][BYTES];
};

static int trial_open(struct trial *trial)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    int i;

    memset(trial->fds, -1, sizeof trial->fds);
    trial->epoll = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
    if (trial->epoll < 0)
        return -1;
    for (i = 0; i < PAIRS; i++) {
        event.data.u32 = (uint32_t)i;
        if (cede__sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, trial->fds[i]) != 0
            || syscall(SYS_epoll_ctl, trial->epoll, EPOLL_CTL_ADD, trial->fds[i][0], &event) != 0)
            return -1;
    }
    return 0;
}

static void trial_close(struct trial *trial)
{
    int i;

    cede__ring_close(&trial->ring);
    for (i = 0; i < PAIRS; i++) {
        if (trial->fds[i][0] >= 0)
            cede__sys_close(trial->fds[i][0]);
        if (trial->fds[i][1] >= 0)
            cede__sys_close(trial->fds[i][1]);
    }
    if (trial->epoll >= 0)
        cede__sys_close(trial->epoll);
}

static void peers_send(struct trial *trial)
{
    int i;

    for (i = 0; i < PAIRS; i++)
        (void)!cede__sys_write(trial->fds[i][1], trial->bytes[i], BYTES);
}

/* Whether every message has come back. */
static bool peers_receive(struct trial *trial)
{
    bool all = true;
    int i;

    for (i = 0; i < PAIRS; i++)
        all &= cede__sys_read(trial->fds[i][1], trial->bytes[i], BYTES) == BYTES;
    return all;
}

/* Each returns how long a round took, or IMPOSSIBLE. */
static int64_t round_by_epoll(struct trial *trial)
{
    struct epoll_event events[PAIRS];
    int64_t begin_ns;
    long count, i;
    int fd;

    peers_send(trial);
    begin_ns = cede_now();
    count = syscall(SYS_epoll_pwait, trial->epoll, events, PAIRS, 0, NULL, 0);
    for (i = 0; i < count; i++) {
        fd = trial->fds[events[i].data.u32][0];
        if (cede__sys_recvfrom(fd, trial->bytes[i], BYTES, MSG_DONTWAIT, NULL, NULL) == BYTES)
            cede__sys_sendto(fd, trial->bytes[i], BYTES, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
    }
    begin_ns = cede_now() - begin_ns;
    return peers_receive(trial) ? begin_ns : IMPOSSIBLE;
}

/* One for each pair. Whether the kernel takes them. */
static bool queue(struct trial *trial, int operation, struct cede__ring_request *requests)
{
    struct io_uring_sqe *entry;
    int i;

    for (i = 0; i < PAIRS; i++) {
        requests[i] = (struct cede__ring_request){0};
        entry = cede__ring_entry(&trial->ring, &requests[i]);
        if (!entry)
            return false;
        entry->opcode = (uint8_t)operation;
        entry->fd = trial->fds[i][0];
        entry->addr = (uintptr_t)trial->bytes[i];
        entry->len = BYTES;
    }
    return true;
}

/* Waits until all are done. */
static bool await(struct trial *trial, const struct cede__ring_request *requests)
{
    int i, turns;

    for (i = 0, turns = 0; i < PAIRS && turns <= PAIRS; turns++) {
        while (i < PAIRS && requests[i].done)
            i++;
        if (i < PAIRS)
            cede__ring_wait(&trial->ring, LONGEST_NS);
    }
    return i == PAIRS;
}

static int64_t round_by_requests(struct trial *trial)
{
    int64_t begin_ns, took_ns;
    bool all;

    begin_ns = cede_now();
    all = queue(trial, IORING_OP_RECV, trial->receives);
    cede__ring_submit(&trial->ring);
    took_ns = cede_now() - begin_ns;
    peers_send(trial);
    begin_ns = cede_now();
    all = all && await(trial, trial->receives) && queue(trial, IORING_OP_SEND, trial->sends)
          && await(trial, trial->sends);
    took_ns += cede_now() - begin_ns;
    return all && peers_receive(trial) ? took_ns : IMPOSSIBLE;
}

static int64_t less(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What io_uring takes, in percent of what epoll does; a negated errno if there is none; IMPOSSIBLE if that cannot be
 * measured. */
static int measure(void)
{
    struct trial *trial = calloc(1, sizeof *trial);
    int64_t epoll_ns = INT64_MAX, requests_ns = INT64_MAX;
    int percent = IMPOSSIBLE, i;

    if (!trial)
        return IMPOSSIBLE;
    if (cede__ring_open(&trial->ring, 4 * PAIRS, -1) != 0) {
        percent = -errno;
        free(trial);
        return percent;
    }
    if (trial_open(trial) == 0) {
        for (i = 0; i < ROUNDS && epoll_ns > 0 && requests_ns > 0; i++) {
            epoll_ns = less(epoll_ns, round_by_epoll(trial));
            requests_ns = less(requests_ns, round_by_requests(trial));
        }
        if (epoll_ns > 0 && requests_ns > 0)
            percent = (int)(requests_ns * 100 / epoll_ns) + 1;
    }
    trial_close(trial);
    free(trial);
    return percent;
}

/* The same, measured once in the process; several threads that are the first agree on one result. */
static int measured(void)
{
    static atomic_int result;
    int percent = atomic_load(&result), nobody = UNKNOWN;

    if (percent != UNKNOWN)
        return percent;
    percent = measure();
    return atomic_compare_exchange_strong(&result, &nobody, percent) ? percent : nobody;
}

static int refused(struct cede__poller *poller, int error)
{
    snprintf(poller->why, sizeof poller->why, "no io_uring: errno %d", error);
    return cede__poller_open(poller, &cede__poller_epoll);
}

static int open_uring(struct cede__poller *poller)
{
    return cede__poller_open(poller, &cede__poller_uring) == 0 ? 0 : refused(poller, errno);
}

int cede__poller_choose_measured(struct cede__poller *poller, int percent)
{
    if (percent < 0 && percent != IMPOSSIBLE)
        return refused(poller, -percent);
    if (percent == IMPOSSIBLE)
        snprintf(poller->why, sizeof poller->why, "could not be measured");
    else
        snprintf(poller->why, sizeof poller->why, "measured: io_uring takes %d %% of epoll's time", percent);
    return percent > 0 && percent <= CHEAPER_PERCENT ? open_uring(poller)
                                                      : cede__poller_open(poller, &cede__poller_epoll);
}

int cede__poller_choose(struct cede__poller *poller, const char *name)
{
    const char *why = "as asked";

    if (!name && cede__environment_get("CEDE_POLLER", &name) != 0)
        return -1;
    if (!name || !*name) {
        name = cede__poller_epoll.name;
        why = "by default";
    }
    snprintf(poller->why, sizeof poller->why, "%s", why);
    if (strcmp(name, "auto") == 0)
        return cede__poller_choose_measured(poller, measured());
    if (strcmp(name, cede__poller_uring.name) == 0)
        return open_uring(poller);
    if (strcmp(name, cede__poller_epoll.name) == 0)
        return cede__poller_open(poller, &cede__poller_epoll);
    errno = EINVAL;
    return -1;
}
