/* SPDX-License-Identifier: MIT */
/* Making connections, and taking them; see row.h. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ends.h"
#include "raw.h"
#include "row.h"

static void connect_late(struct state *s)
{
    connect_to(s->fd[2], socket(AF_INET, SOCK_STREAM, 0));
    usleep(100 * 1000);
}

static int make_quiet_unix(struct state *s)
{
    return make_unix_listener(s, 8);
}

static void connect_unix_late(struct state *s)
{
    connect_to(s->fd[2], socket(AF_UNIX, SOCK_STREAM, 0));
    usleep(100 * 1000);
}

static int by_accept(struct state *s)
{
    return accept(s->fd[2], NULL, NULL) < 0 ? -1 : 0;
}

static int by_accept4(struct state *s)
{
    return accept4(s->fd[2], NULL, NULL, SOCK_CLOEXEC) < 0 ? -1 : 0;
}

static int make_full_backlog(struct state *s)
{
    int fd;

    if (make_unix_listener(s, 0) != 0)
        return -1;
    do
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    while (connect_to(s->fd[2], fd) == 0);
    s->fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    return s->fd[0] < 0 ? -1 : 0;
}

static void accept_all(struct state *s)
{
    fcntl(s->fd[2], F_SETFL, O_NONBLOCK);
    while (accept(s->fd[2], NULL, NULL) >= 0)
        ;
    usleep(200 * 1000);
}

static int by_connect(struct state *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

    return connect(s->fd[0], (struct sockaddr *)&address, sizeof address);
}

extern const struct row ROWS(connect)[];
const struct row ROWS(connect)[] = {
    {"accept, TCP", RAW_TOO, .prepare = make_listener, .call_it = by_accept, .end_it = connect_late},
    {"accept, UNIX socket", RAW_TOO, .prepare = make_quiet_unix, .call_it = by_accept, .end_it = connect_unix_late},
    {"accept4, TCP", RAW_TOO, .prepare = make_listener, .call_it = by_accept4, .end_it = connect_late},
    {"accept4, UNIX socket", RAW_TOO, .prepare = make_quiet_unix, .call_it = by_accept4, .end_it = connect_unix_late},
    {"connect, full backlog", RAW_TOO, .prepare = make_full_backlog, .call_it = by_connect, .end_it = accept_all},
    {0},
};
