/* SPDX-License-Identifier: MIT */
/* Waiting until a descriptor is ready; see row.h. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "ends.h"
#include "raw.h"
#include "row.h"

static int by_poll(struct state *s)
{
    struct pollfd fds[4] = {{.fd = s->fd[0], .events = POLLIN}};

    return expect(poll(fds, (nfds_t)s->number + 1, -1), 1);
}

static int poll_timer(struct state *s)
{
    return set_timer(s) != 0 ? -1 : by_poll(s);
}

static int by_ppoll(struct state *s)
{
    struct pollfd fds[4] = {{.fd = s->fd[0], .events = POLLIN}};

    return expect(ppoll(fds, (nfds_t)s->number + 1, NULL, NULL), 1);
}

static int by_select(struct state *s)
{
    fd_set set;

    FD_ZERO(&set);
    FD_SET(s->fd[0], &set);
    return expect(select(s->fd[0] + 1, &set, NULL, NULL, NULL), 1);
}

static int by_pselect(struct state *s)
{
    fd_set set;

    FD_ZERO(&set);
    FD_SET(s->fd[0], &set);
    return expect(pselect(s->fd[0] + 1, &set, NULL, NULL, NULL, NULL), 1);
}

static int make_epoll(struct state *s)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (make_pipe(s) != 0)
        return -1;
    s->fd[2] = epoll_create1(0);
    return epoll_ctl(s->fd[2], EPOLL_CTL_ADD, s->fd[0], &event);
}

static int by_epoll_wait(struct state *s)
{
    struct epoll_event event;

    return expect(epoll_wait(s->fd[2], &event, 1, -1), 1);
}

static int by_epoll_pwait(struct state *s)
{
    struct epoll_event event;

    return expect(epoll_pwait(s->fd[2], &event, 1, -1, NULL), 1);
}

static int by_epoll_pwait2(struct state *s)
{
    struct epoll_event event;

    return expect(epoll_pwait2(s->fd[2], &event, 1, NULL, NULL), 1);
}

extern const struct row ROWS(poll)[];
const struct row ROWS(poll)[] = {
    {"poll, pipe", .prepare = make_pipe, .call_it = by_poll, .end_it = put_eight},
    {"poll, FIFO", .prepare = make_fifo, .call_it = by_poll, .end_it = put_eight},
    {"poll, TCP", .prepare = make_tcp, .call_it = by_poll, .end_it = put_eight},
    {"poll, UNIX socket", .prepare = make_unix, .call_it = by_poll, .end_it = put_eight},
    {"poll, socketpair", .prepare = make_socketpair, .call_it = by_poll, .end_it = put_eight},
    {"poll, eventfd", .prepare = make_eventfd, .call_it = by_poll, .end_it = put_eight},
    {"poll, tty", .prepare = make_tty, .call_it = by_poll, .end_it = put_eight},
    {"poll, timerfd", .prepare = make_timerfd, .call_it = poll_timer},
    {"poll, signalfd", .prepare = make_signalfd, .call_it = by_poll, .end_it = put_signal},
    {"poll, inotify", .prepare = make_inotify, .call_it = by_poll, .end_it = put_file},
    {"ppoll", RAW_TOO, .prepare = make_pipe, .call_it = by_ppoll, .end_it = put_eight},
    {"select", .prepare = make_pipe, .call_it = by_select, .end_it = put_eight},
    {"pselect", .prepare = make_pipe, .call_it = by_pselect, .end_it = put_eight},
    {"epoll_wait", .prepare = make_epoll, .call_it = by_epoll_wait, .end_it = put_eight},
    {"epoll_pwait", RAW_TOO, .prepare = make_epoll, .call_it = by_epoll_pwait, .end_it = put_eight},
    {"epoll_pwait2", .prepare = make_epoll, .call_it = by_epoll_pwait2, .end_it = put_eight},
    {0},
};
