/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors under libc's names. */
#include <sys/epoll.h>

#include "suspend.h"

CEDE__POSIX_FORWARD(int, poll, (struct pollfd *fds, nfds_t nfds, int timeout_ms), (fds, nfds, timeout_ms));
CEDE__POSIX_EXPORT(__poll, poll);

CEDE__POSIX_FORWARD_SUSPEND(int, ppoll,
                            (struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *sigmask),
                            (fds, nfds, timeout, sigmask));

CEDE__POSIX_FORWARD(int, select,
                    (int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, struct timeval *timeout),
                    (nfds, readfds, writefds, exceptfds, timeout));
CEDE__POSIX_EXPORT(__select, select);

CEDE__POSIX_FORWARD_SUSPEND(int, pselect,
                            (int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,
                             const struct timespec *timeout, const sigset_t *sigmask),
                            (nfds, readfds, writefds, exceptfds, timeout, sigmask));

CEDE__POSIX_FORWARD(int, epoll_wait, (int fd, struct epoll_event *events, int max, int timeout_ms),
                    (fd, events, max, timeout_ms));
CEDE__POSIX_FORWARD_SUSPEND(int, epoll_pwait,
                            (int fd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *sigmask),
                            (fd, events, max, timeout_ms, sigmask));
CEDE__POSIX_FORWARD_SUSPEND(int, epoll_pwait2,
                            (int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                             const sigset_t *sigmask),
                            (fd, events, max, timeout, sigmask));
