/* SPDX-License-Identifier: MIT */
/* Sockets that say how much is left; see inq.h. */
#include "inq.h"

#include <netinet/in.h>
#include <string.h>

#include "sys.h"

#ifndef TCP_INQ
#define TCP_INQ 36 /* Linux 4.18; <netinet/tcp.h> of glibc 2.28 */
#endif

enum { MISSES = 2, NEVER = UINT8_MAX }; /* one may be chance */

static int set(int fd, int value)
{
    int saved = errno, result = setsockopt(fd, IPPROTO_TCP, TCP_INQ, &value, sizeof value);

    errno = saved;
    return result;
}

void cede__inq_missed(struct cede__fd *record, int fd)
{
    if (record->misses == NEVER || record->counts || ++record->misses < MISSES)
        return;
    record->counts = set(fd, 1) == 0;
    if (!record->counts)
        record->misses = NEVER;
}

void cede__inq_stop(struct cede__fd *record, int fd)
{
    if (record->counts)
        set(fd, 0);
    record->counts = false;
    record->misses = NEVER;
}

ssize_t cede__inq_recv(int fd, void *buf, size_t size, int flags, int *left)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {buf, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = cede__sys_recvmsg(fd, &message, flags | MSG_DONTWAIT);

    *left = -1;
    if (n > 0 && message.msg_controllen >= sizeof control && control.header.cmsg_level == IPPROTO_TCP
        && control.header.cmsg_type == TCP_INQ)
        memcpy(left, CMSG_DATA(&control.header), sizeof *left);
    return n;
}
