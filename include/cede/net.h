/* SPDX-License-Identifier: MIT */
/*
 * Connections by address: dial one, listen for them, serve each with a task.
 *
 * An address is "host:port" for TCP: a name or a number, "[::1]:80" for IPv6, ":80" or "*:80" for every interface when
 * listening (by IPv6 and IPv4, where there are both) and for this machine when dialling; port 0 lets the system choose
 * when listening. Ports are numbers. "unix:/path" is a UNIX stream socket, "unix:@name" one in Linux's abstract
 * namespace.
 */
#ifndef CEDE_NET_H
#define CEDE_NET_H

#include <cede/base.h>

CEDE_BEGIN_DECLS

/*
 * Connects to address, trying every address that its name has, in order. Parks; use cede_timeout to bound it. A call
 * that ends early leaves nothing open. Outside a task it blocks.
 *
 * Returns a close-on-exec stream socket (TCP_NODELAY set on TCP), to be closed with cede_close(); or -1 with errno
 *   EINVAL         address is NULL or not of the form above
 *   ENAMETOOLONG   a host of more than 255 bytes, a path of more than 107, an abstract name of more than 107
 *   ENOENT         the name has no address (getaddrinfo: EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY)
 *   EAGAIN         the name could not be looked up for now (EAI_AGAIN), or no helper thread could be started
 *   EIO            the name service failed for good (EAI_FAIL)
 *   those of socket(2) and connect(2) for the last address tried, and those of every wait
 * Models: asyncio.open_connection, net.Dial.
 */
CEDE_API int cede_dial(const char *address);

/*
 * Makes a listening socket at address, with SO_REUSEADDR and a backlog of 4,096 (bounded by net.core.somaxconn). A
 * "unix:" path must not exist. Parks only to look up a name. Of a name's addresses it takes the first that this machine
 * has.
 *
 * It is a blocking socket. Where several threads or processes accept from one, and another takes the connection that
 * cede_accept() has just seen, the thread and all its tasks wait for the next. Give each one of its own
 * (SO_REUSEPORT), or set O_NONBLOCK: cede_accept() then answers EAGAIN instead of waiting, and cede_serve() waits for
 * the next connection with poll, so that it never blocks the thread.
 *
 * Returns a close-on-exec socket to be closed with cede_close(), or -1 with errno
 *   EINVAL, ENAMETOOLONG, ENOENT, EAGAIN, EIO  as cede_dial()
 *   those of socket(2), bind(2) and listen(2), and those of every wait
 * Models: asyncio.start_server, net.Listen.
 */
CEDE_API int cede_listen(const char *address);

/*
 * The port that a listening or connected TCP socket is bound to, or -1 with errno
 *   EAFNOSUPPORT  it is a socket, but not of TCP
 *   ENOTSOCK      it is no socket
 *   EBADF         it is not open
 * Does not park. Any thread. Model: getsockname(2).
 */
CEDE_API int cede_port(int fd);

/* What a served connection runs. fd is closed when it returns; its result is ignored. */
typedef int cede_serve_fn(int fd, void *arg);

/*
 * Accepts connections on the listening socket fd for ever, and runs handler(connection, arg) for each in a task of its
 * own, named "serve", with the default stack and the caller's nearest deadline. Running out of descriptors or memory
 * (EMFILE, ENFILE, ENOBUFS, ENOMEM) makes it pause until one is free again or 100 ms have passed; connections that were
 * reset meanwhile are skipped; neither ends it.
 *
 * Over io_uring (cede_runtime_poller()) the kernel accepts ahead of the task, with no system call for each connection,
 * if fd was made in this runtime, by cede_listen() or cede_socket(), if this is not a child of fork(2) since, and if
 * fd does not have O_NONBLOCK. Others who accept from it get few connections then, even if this thread is busy: where
 * several are to have their share, see cede_listen(). What was accepted ahead when it fails goes to handler as well, in
 * tasks that are cancelled like the others. RLIMIT_NOFILE, if it becomes less, counts from the next pause on.
 *
 * Returns only when it fails: the connections' tasks are then cancelled and awaited. -1 with errno
 *   EPERM      the caller is not a task
 *   EINVAL     handler is NULL; fd does not listen, or does not any longer (shutdown(2))
 *   ENOTSOCK   fd is not a socket
 *   EBADF      fd is not open, or was closed: the way to stop it from another task without cancelling
 *   ECANCELED, ETIMEDOUT  as every wait
 * fd stays open. Models: asyncio.start_server + serve_forever, http.Serve.
 */
CEDE_API int cede_serve(int fd, cede_serve_fn *handler, void *arg);

CEDE_END_DECLS

#endif
