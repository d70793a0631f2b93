/* SPDX-License-Identifier: MIT */
/* Connections by address: cede_dial, cede_listen, cede_port; see cede/net.h. */
#include <cede/io.h>
#include <cede/net.h>
#include <cede/task.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "address.h"

enum { BACKLOG = 4096 };

/* Makes a socket and does with it what it is for. The descriptor, or -1 with errno. */
typedef int opener(const struct addrinfo *where, bool wildcard);

static int close_and_fail(int fd)
{
    int error = errno;

    cede_close(fd);
    errno = error;
    return -1;
}

static int make_socket(const struct addrinfo *where)
{
    static const int on = 1;
    int fd = cede_socket(where->ai_family, where->ai_socktype | SOCK_CLOEXEC, where->ai_protocol);

    /* Connections inherit it from the socket that listens. */
    if (fd >= 0 && where->ai_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int open_connected(const struct addrinfo *where, bool wildcard)
{
    int fd = make_socket(where);

    (void)wildcard;
    if (fd < 0 || cede_connect(fd, where->ai_addr, where->ai_addrlen) == 0)
        return fd;
    return close_and_fail(fd);
}

static int open_listening(const struct addrinfo *where, bool wildcard)
{
    static const int on = 1, off = 0;
    int fd = make_socket(where);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || (wildcard && where->ai_family == AF_INET6
            && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        || bind(fd, where->ai_addr, where->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
        return close_and_fail(fd);
    return fd;
}

/* Tries what the address stands for until one succeeds, those of the family `first` before the others. */
static int open_any(struct cede__address *address, bool passive, int first, opener *open_at)
{
    struct cede__address_list list;
    const struct addrinfo *where;
    int fd = -1, error, pass;

    if (cede__address_find(&list, address, passive) != 0)
        return -1;
    for (pass = 0; pass < 2; pass++)
        for (where = list.first; where; where = where->ai_next) {
            if ((where->ai_family == first) != (pass == 0))
                continue;
            fd = open_at(where, address->wildcard);
            /* A cancelled task need not try the others; and a listener that took the next best address because the
             * first is in use would surprise. */
            if (fd >= 0 || cede_check() != 0 || (passive && errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
                goto out;
        }
out:
    error = errno;
    cede__address_free(&list);
    errno = error;
    return fd;
}

int cede_dial(const char *text)
{
    struct cede__address address;

    if (cede__address_parse(&address, text) != 0)
        return -1;
    return open_any(&address, false, AF_UNSPEC, open_connected);
}

int cede_listen(const char *text)
{
    struct cede__address address;

    if (cede__address_parse(&address, text) != 0)
        return -1;
    /* A wildcard of IPv6 hears IPv4 as well; that of IPv4 is for machines without IPv6. */
    return open_any(&address, true, address.wildcard ? AF_INET6 : AF_UNSPEC, open_listening);
}

int cede_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    } address;
    socklen_t size = sizeof address;

    if (getsockname(fd, &address.any, &size) != 0)
        return -1;
    if (address.any.sa_family == AF_INET)
        return ntohs(address.v4.sin_port);
    if (address.any.sa_family == AF_INET6)
        return ntohs(address.v6.sin6_port);
    errno = EAFNOSUPPORT;
    return -1;
}
