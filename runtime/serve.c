/* SPDX-License-Identifier: MIT */
/* A task for each connection; see cede/net.h. */
#include <cede/defer.h>
#include <cede/io.h>
#include <cede/net.h>
#include <cede/time.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "group.h"

#define PAUSE_NS (100 * CEDE_MILLISECOND)

/* ---- connections ---- */

struct server {
    struct cede_group group;     /* of the connections' tasks */
    struct cede__list unstarted; /* connections whose task has not run yet */
    cede_serve_fn *handler;
    void *arg;
};

/* An accepted connection; freed by its task. */
struct connection {
    struct cede__list link;  /* in `unstarted` */
    struct cede__task *task;
    struct server *server;
    int fd;
};

static int run(void *arg)
{
    struct connection *connection = arg;
    struct server *server = connection->server;
    int fd = connection->fd;

    cede__list_remove(&connection->link);
    free(connection);
    cede_defer(cede_close, fd); /* the handler may call cede_exit() */
    server->handler(fd, server->arg);
    return 0;
}

static void connection_drop(struct connection *connection)
{
    cede__list_remove(&connection->link);
    cede_close(connection->fd);
    free(connection);
}

static void connection_ended(struct cede_group *group, const struct cede__task *child)
{
    struct server *server = CEDE__CONTAINER(group, struct server, group);
    struct cede__list *link;

    /* There was no memory for its stack: run() has not been called, and nobody else closes the connection. */
    if (child->done.result < 0)
        for (link = server->unstarted.next; link != &server->unstarted; link = link->next)
            if (CEDE__CONTAINER(link, struct connection, link)->task == child) {
                connection_drop(CEDE__CONTAINER(link, struct connection, link));
                break;
            }
}

/* Starts the task of a connection. 0, or -1 with errno and nothing done. */
static int start(struct server *server, int fd)
{
    static const struct cede_task_attr attr = {.name = "serve", .detached = 1}; /* nobody else may join it */
    struct connection *connection = malloc(sizeof *connection);
    struct cede_task *task;

    if (!connection)
        return -1;
    *connection = (struct connection){.server = server, .fd = fd};
    task = cede_group_spawn(&server->group, &attr, run, connection);
    if (!task) {
        free(connection);
        return -1;
    }
    connection->task = cede__task_find(task);
    cede__list_append(&server->unstarted, &connection->link);
    return 0;
}

/* ---- the listening side ---- */

/* Out of descriptors or memory: waits until a connection has ended, or for a while, as others may have what we need. */
static int pause_for_resources(struct server *server)
{
    enum cede__wake reason = cede__group_wait_end(&server->group, cede__sched_now(cede__worker) + PAUSE_NS);

    return reason == CEDE__WAKE_DEADLINE ? 0 : cede__wait_errno(reason);
}

/* accept has failed: 0 if it is worth another attempt, perhaps after a while; else -1 with errno. */
static int recover(struct server *server, int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return pause_for_resources(server);
    case EAGAIN: /* the user has set O_NONBLOCK */
        if (cede_poll(&ready, 1, -1) < 0)
            return -1;
        if (!(ready.revents & POLLNVAL))
            return 0;
        errno = EBADF; /* closed meanwhile: the number may mean something else by now */
        return -1;
    /* The connection was lost before it was accepted: Linux reports its errors here. */
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EINTR:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EPERM: /* a firewall forbids it */
    case EPROTO:
        return 0;
    default:
        return -1;
    }
}

/* Accepts until that fails for good. */
static void accept_all(struct server *server, int fd)
{
    int connection;

    for (;;) {
        connection = cede_accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0 && recover(server, fd) != 0)
            return;
        if (connection < 0)
            continue;
        while (start(server, connection) != 0)
            if (pause_for_resources(server) != 0) {
                int error = errno;

                cede_close(connection);
                errno = error;
                return;
            }
    }
}

int cede_serve(int fd, cede_serve_fn *handler, void *arg)
{
    struct server server = {.handler = handler, .arg = arg};
    socklen_t size = sizeof(int);
    int listens = 0, error;

    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0)
        return -1;
    if (!handler || !listens) {
        errno = EINVAL;
        return -1;
    }
    cede_group_open(&server.group);
    cede_group_keep_going(&server.group, 1); /* what becomes of one connection is no other's affair */
    cede__group_on_end(&server.group, connection_ended);
    accept_all(&server, fd);
    error = errno;
    cede_group_cancel(&server.group);
    cede_group_close(&server.group);
    errno = error;
    return -1;
}
