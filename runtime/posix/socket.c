/* SPDX-License-Identifier: MIT */
/* Sockets under libc's names; those that make descriptors are in descriptor.c. */
#include "name.h"

CEDE__POSIX_FORWARD(ssize_t, recv, (int fd, void *buf, size_t len, int flags), (fd, buf, len, flags));
CEDE__POSIX_FORWARD(ssize_t, recvfrom,
                    (int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen),
                    (fd, buf, len, flags, addr, addrlen));
CEDE__POSIX_FORWARD(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), (fd, msg, flags));

CEDE__POSIX_FORWARD(ssize_t, send, (int fd, const void *buf, size_t len, int flags), (fd, buf, len, flags));
CEDE__POSIX_EXPORT(__send, send);
CEDE__POSIX_FORWARD(ssize_t, sendto,
                    (int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, socklen_t addrlen),
                    (fd, buf, len, flags, addr, addrlen));
CEDE__POSIX_FORWARD(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), (fd, msg, flags));

CEDE__POSIX_FORWARD(int, accept, (int fd, struct sockaddr *addr, socklen_t *addrlen), (fd, addr, addrlen));
CEDE__POSIX_FORWARD(int, accept4, (int fd, struct sockaddr *addr, socklen_t *addrlen, int flags),
                    (fd, addr, addrlen, flags));

CEDE__POSIX_FORWARD(int, connect, (int fd, const struct sockaddr *addr, socklen_t addrlen), (fd, addr, addrlen));
CEDE__POSIX_EXPORT(__connect, connect);

CEDE__POSIX_FORWARD(int, recvmmsg,
                    (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout),
                    (fd, messages, count, flags, timeout));
CEDE__POSIX_FORWARD(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags),
                    (fd, messages, count, flags));
CEDE__POSIX_EXPORT(__sendmmsg, sendmmsg);
