/* SPDX-License-Identifier: MIT */
/* A task for each connection; see cede/net.h. */
#include <cede/defer.h>
#include <cede/io.h>
#include <cede/net.h>
#include <cede/scope.h>
#include <cede/time.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "call.h"
#include "descriptor.h"
#include "group.h"
#include "poller_acceptor.h"

#define PAUSE_NS (100 * CEDE_MILLISECOND)

/* ---- connections ---- */

struct server {
    struct cede_group group;     /* of the connections' tasks */
    struct cede__list unstarted; /* connections whose task has not run yet */
    cede_serve_fn *handler;
    void *arg;
    int fd;                      /* that listens */
    struct cede__call call;      /* looked up when serving began ... */
    uint8_t kind;                /* ... enum cede__fd_kind of it then, and so of the connections */
    bool ahead;                  /* the kernel accepts ahead: `acceptor` is open */
    struct cede__acceptor acceptor;
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

/* ---- accepting ---- */

/* Looks the listener up, and makes the kernel accept ahead, where it can, and may. 0, or -1 with errno. */
static int open_listener(struct server *server)
{
    struct cede__call *call = &server->call;

    if (cede__call_begin(call, server->fd, CEDE__READS, "accept") != 0)
        return -1;
    server->kind = call->record->kind;
    server->ahead = cede__call_nonblocking(call) == 0
                    && cede__acceptor_open(&server->acceptor, &call->worker->poller, call->record);
    return 0;
}

/* Whether the number means something else by now, or nothing. */
static bool listener_closed(const struct server *server)
{
    return server->call.record->generation != server->call.generation;
}

static enum cede__wake wait_ahead(struct server *server)
{
    struct cede__waiter waiter = {.what = "accept", .subject = server->fd, .external = true};

    cede__list_append(&server->acceptor.waiters, &waiter.link);
    return cede__wait(&waiter, INT64_MAX);
}

static int accept_plainly(struct server *server)
{
    return cede_accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
}

/* The next connection, as cede_accept4(). */
static int accept_ahead(struct server *server)
{
    struct cede__acceptor *acceptor = &server->acceptor;
    enum cede__wake reason;
    int connection, error;

    while ((connection = cede__acceptor_next(acceptor)) < 0) {
        error = acceptor->record ? acceptor->error : EBADF;
        acceptor->error = 0;
        /* It does not listen any more, as this call will say too; or the kernel takes no request for now. */
        if (error == EINVAL || (!error && !acceptor->armed && cede__acceptor_arm(acceptor, server->fd) != 0))
            return accept_plainly(server);
        if (error) {
            errno = error;
            return -1;
        }
        reason = wait_ahead(server);
        if (reason != CEDE__WAKE_EVENT)
            return cede__wait_errno(reason);
    }
    cede__descriptor_made(connection, server->kind);
    cede__sched_tick(cede__worker);
    return connection;
}

/* What has been accepted ahead is the handlers' business like all that came before. */
static void close_ahead(struct server *server)
{
    int connection;

    cede__acceptor_stop(&server->acceptor);
    cede_shield
        while (server->acceptor.armed)
            wait_ahead(server);
    while ((connection = cede__acceptor_next(&server->acceptor)) >= 0) {
        cede__descriptor_made(connection, server->kind);
        if (start(server, connection) != 0)
            cede_close(connection);
    }
    cede__acceptor_close(&server->acceptor);
}

/* ---- the listening side ---- */

/* Out of descriptors or memory: waits until a connection has ended, or for a while, as others may have what we need. */
static int pause_for_resources(struct server *server)
{
    enum cede__wake reason = cede__group_wait_end(&server->group, cede__sched_now(cede__worker) + PAUSE_NS);

    return reason == CEDE__WAKE_DEADLINE ? 0 : cede__wait_errno(reason);
}

/* accept has failed: 0 if it is worth another attempt, perhaps after a while; else -1 with errno. */
static int recover(struct server *server)
{
    struct pollfd ready = {.fd = server->fd, .events = POLLIN};

    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return pause_for_resources(server);
    case EAGAIN: /* the user has set O_NONBLOCK */
        return cede_poll(&ready, 1, -1) < 0 ? -1 : 0;
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
static void accept_all(struct server *server)
{
    int connection;

    while (!listener_closed(server)) {
        connection = server->ahead ? accept_ahead(server) : accept_plainly(server);
        if (connection < 0 && recover(server) != 0)
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
    errno = EBADF;
}

int cede_serve(int fd, cede_serve_fn *handler, void *arg)
{
    struct server server = {.handler = handler, .arg = arg, .fd = fd};
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
    if (open_listener(&server) == 0)
        accept_all(&server);
    error = errno;
    if (server.ahead)
        close_ahead(&server);
    cede_group_cancel(&server.group);
    cede_group_close(&server.group);
    errno = error;
    return -1;
}
