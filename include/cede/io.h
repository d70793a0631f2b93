/* SPDX-License-Identifier: MIT */
/*
 * Blocking calls that park the calling task instead of its OS thread.
 *
 * Each has the signature, the return value and the errno of the POSIX or Linux call without the prefix. What differs:
 *   - In a task, where the original would block the thread, the task parks and the thread goes on with other tasks.
 *   - Such a wait can end early: ECANCELED (the task was cancelled), ETIMEDOUT (a cede_timeout scope ended), EBADF (the
 *     descriptor was closed with cede_close() meanwhile). Whatever had been transferred by then is returned as a short
 *     count instead. A call that need not wait never fails so.
 *   - Outside a task each is the plain blocking call.
 *
 * A descriptor's flags are never changed. One on which the user has set O_NONBLOCK answers EAGAIN at once, as always;
 * change that flag with cede_fcntl(), because it is looked up once per descriptor.
 * SO_RCVTIMEO and SO_SNDTIMEO are honoured as they stood when the descriptor was first waited on, or waited on after
 * cede_fd_changed().
 *
 * A descriptor that a task has waited on must be closed with cede_close(), which wakes everybody who waits on it with
 * EBADF and forgets the number. (libcede-posix does all of this under libc's own names.)
 *
 * Regular files: see cede/file.h. Calls on other things that poll(2) calls always ready run in place.
 */
#ifndef CEDE_IO_H
#define CEDE_IO_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <cede/base.h>

struct addrinfo;
struct epoll_event;
struct mmsghdr;

CEDE_BEGIN_DECLS

/* read(2), readv(2), write(2), writev(2). The wait ends early with -1 and errno ECANCELED, ETIMEDOUT, EBADF as
 * above. */
CEDE_API ssize_t cede_read(int fd, void *buf, size_t count);
CEDE_API ssize_t cede_readv(int fd, const struct iovec *iov, int iovcnt);
CEDE_API ssize_t cede_write(int fd, const void *buf, size_t count);
CEDE_API ssize_t cede_writev(int fd, const struct iovec *iov, int iovcnt);

/* pread(2), pwrite(2). The wait ends early with -1 and errno ECANCELED or ETIMEDOUT, as above. What has no positions:
 * errno ESPIPE. */
CEDE_API ssize_t cede_pread(int fd, void *buf, size_t count, off_t offset);
CEDE_API ssize_t cede_pwrite(int fd, const void *buf, size_t count, off_t offset);

/* recv(2), send(2) and their relatives. MSG_DONTWAIT, MSG_WAITALL and MSG_PEEK keep their meaning. The wait ends early
 * with -1 and errno ECANCELED, ETIMEDOUT, EBADF as above. On what is no socket: errno ENOTSOCK. */
CEDE_API ssize_t cede_recv(int fd, void *buf, size_t len, int flags);
CEDE_API ssize_t cede_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen);
CEDE_API ssize_t cede_recvmsg(int fd, struct msghdr *msg, int flags);
CEDE_API ssize_t cede_send(int fd, const void *buf, size_t len, int flags);
CEDE_API ssize_t cede_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                             socklen_t addrlen);
CEDE_API ssize_t cede_sendmsg(int fd, const struct msghdr *msg, int flags);

/* accept(2), accept4(2), connect(2). A connect that a deadline or a cancel ends goes on in the kernel, as POSIX says
 * of one that a signal ends; close the socket. The wait ends early with -1 and errno ECANCELED, ETIMEDOUT, EBADF as
 * above. */
CEDE_API int cede_accept(int fd, struct sockaddr *addr, socklen_t *addrlen);
CEDE_API int cede_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags);
CEDE_API int cede_connect(int fd, const struct sockaddr *addr, socklen_t addrlen);

/* socket(2), socketpair(2), pipe2(2), dup(2), dup3(2): the plain calls, which tell the runtime that the number means
 * something new. Descriptors made in other ways work too, at the price of one more system call per wait. Do not park.
 * Return what these return; -1 with errno EMFILE, say, or EINVAL. cede_dup3() also fails with EBUSY, as dup3 may: newfd
 * is a descriptor of the runtime's own that is in use at this moment. */
CEDE_API int cede_socket(int domain, int type, int protocol);
CEDE_API int cede_socketpair(int domain, int type, int protocol, int fds[2]);
CEDE_API int cede_pipe2(int fds[2], int flags);
CEDE_API int cede_dup(int fd);
CEDE_API int cede_dup3(int fd, int newfd, int flags);

/*
 * close_range(2): with cede_close() for each that somebody waits on.
 *
 * The runtime has some descriptors of its own, 512 and up if so many may be open. This goes round them; to cede_close()
 * they are numbers that are not open; and cede_dup3() to one gives it another number first. Raw system calls, and a
 * child of vfork(2), which has its own, do close them.
 *
 * Does not park. Returns 0, or -1 with errno
 *   EINVAL  first is greater than last, or a flag is unknown
 * Linux before 5.9 has no such call, and says so. Any thread.
 */
CEDE_API int cede_close_range(unsigned first, unsigned last, int flags);

/*
 * poll(2), ppoll(2), select(2). Any number of descriptors; more than 64 in one call take memory, where one that is
 * polled for reading and for writing counts twice. A descriptor that is closed with cede_close() meanwhile is reported
 * as POLLNVAL by poll. select leaves in *timeout what was left of it, as Linux does. An nfds of more
 * than FD_SETSIZE is cut, as in Linux, to the size of the process's table of descriptors, which takes a look at /proc
 * and so a free descriptor.
 *
 * In a task signal handlers run as ever, but do not end the wait, with one exception: ppoll answers EINTR when it has
 * let through a signal that is blocked otherwise. Signals that sigmask blocks in addition are not held back while the
 * task is parked, since other tasks run on the thread.
 *
 * Return what these return; -1 with errno
 *   ECANCELED, ETIMEDOUT  as above
 *   ENOMEM   more than 64 descriptors, and no memory
 *   EINTR    cede_ppoll(): it has let through a signal
 *   EBADF    cede_select(): a descriptor is not open, or was closed meanwhile
 *   EINVAL   cede_ppoll() and cede_select(): the timeout is no time; nfds is negative
 */
CEDE_API int cede_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms);
CEDE_API int cede_ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *sigmask);
CEDE_API int cede_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, struct timeval *timeout);

/*
 * pselect(2): as cede_select(), but the timeout is left alone; sigmask as ppoll's.
 *
 * Returns what it returns; -1 with errno EINTR (it has let through a signal) or those of cede_select().
 */
CEDE_API int cede_pselect(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,
                          const struct timespec *timeout, const sigset_t *sigmask);

/*
 * epoll_wait(2), epoll_pwait(2), epoll_pwait2(2). sigmask as ppoll's. A descriptor that is closed meanwhile in the set
 * leaves it, as ever.
 *
 * Return what these return; -1 with errno
 *   ECANCELED, ETIMEDOUT  as above
 *   EBADF   fd is not open, or was closed meanwhile
 *   EINVAL  fd is no epoll descriptor; max is not above 0; cede_epoll_pwait2(): the timeout is no time
 *   EINTR   cede_epoll_pwait() and cede_epoll_pwait2(): it has let through a signal
 */
CEDE_API int cede_epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms);
CEDE_API int cede_epoll_pwait(int fd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *sigmask);
CEDE_API int cede_epoll_pwait2(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                               const sigset_t *sigmask);

/*
 * recvmmsg(2), sendmmsg(2). A wait that ends early after some messages returns how many. As in Linux, recvmmsg looks at
 * the timeout only when a message has come.
 *
 * Return what these return; -1 with errno
 *   ECANCELED, ETIMEDOUT  as above
 *   EBADF     fd is not open, or was closed meanwhile
 *   ENOTSOCK  fd is no socket
 *   EAGAIN    flags has MSG_DONTWAIT, or fd has O_NONBLOCK
 *   EINVAL    cede_recvmmsg(): the timeout is no time
 */
CEDE_API int cede_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout);
CEDE_API int cede_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

/*
 * sendfile(2), splice(2), tee(2). Both ends have O_NONBLOCK for the moment of each system call, because there is no
 * other way to keep it from waiting: another thread or process that shares the open file could see it.
 *
 * Return what these return; -1 with errno
 *   ECANCELED, ETIMEDOUT  as above
 *   EBADF   an end is not open for that, or was closed meanwhile
 *   EAGAIN  an end has O_NONBLOCK, or flags has SPLICE_F_NONBLOCK
 *   EINVAL  cede_sendfile(): `in` has no positions: a pipe, a socket
 *   EINVAL  cede_splice(): neither end is a pipe
 *   EINVAL  cede_tee(): an end is no pipe, or both are the same
 */
CEDE_API ssize_t cede_sendfile(int out, int in, off_t *offset, size_t count);
CEDE_API ssize_t cede_splice(int in, int64_t *in_offset, int out, int64_t *out_offset, size_t size, unsigned flags);
CEDE_API ssize_t cede_tee(int in, int out, size_t size, unsigned flags);

/* close(2). Tasks that wait on fd, of any runtime, wake with EBADF. Does not park. Any thread. -1 with errno EBADF if
 * it is not open. */
CEDE_API int cede_close(int fd);

/* fcntl(2), for the commands that take an int or nothing. Does not park. Any thread; what F_SETFL has changed is known
 * to the caller's runtime, and to another after cede_fd_changed() there. -1 with errno EBADF if it is not open. */
CEDE_API int cede_fcntl(int fd, int command, ...);

/*
 * For whoever does by other calls what the ones above do; libcede-posix does. All: do not park, keep errno. Any thread.
 *
 * cede_fd_closes  fd is about to be closed, by fclose(3) say: tasks that wait on it wake with EBADF
 * cede_fd_made    fd was handed out just now, by open(2) say: what is known of an earlier descriptor of that number is
 *                 forgotten. Concerns the runtime of the calling task; outside a task does nothing
 * cede_fd_changed O_NONBLOCK, SO_RCVTIMEO, SO_SNDTIMEO or SO_RCVLOWAT of fd was changed: the next wait looks them up
 *                 again. Concerns the runtime of the calling task; outside a task does nothing
 */
CEDE_API void cede_fd_closes(int fd);
CEDE_API void cede_fd_made(int fd);
CEDE_API void cede_fd_changed(int fd);

/* usleep(3), nanosleep(2), clock_nanosleep(2), which returns the error number, as always, instead of setting errno:
 *   ECANCELED, ETIMEDOUT  in the manner of EINTR, with the time that was left in *remaining
 *   EINVAL  cede_nanosleep() and cede_clock_nanosleep(): it is no time
 *   EFAULT  cede_clock_nanosleep(): time is NULL
 */
CEDE_API int cede_usleep(unsigned usec);
CEDE_API int cede_nanosleep(const struct timespec *duration, struct timespec *remaining);
CEDE_API int cede_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining);

/* getaddrinfo(3), on a helper thread unless node and service are numbers. At most 16 lookups go on at once; the others
 * wait for their turn. A lookup that nobody waits for any more goes on to its end, and its answer is freed. Returns 0
 * or EAI_...; EAI_SYSTEM comes with errno
 *   ECANCELED, ETIMEDOUT    as every wait
 *   EAGAIN                  no helper thread could be started
 *   EMFILE, ENFILE, ENOMEM  libc ran out of them, and says EAI_NONAME only because of that
 */
CEDE_API int cede_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                              struct addrinfo **result);

CEDE_END_DECLS

#endif
