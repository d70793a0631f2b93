/* SPDX-License-Identifier: MIT */
/* "host:port" and "unix:path"; see address.h and cede/net.h. */
#include "address.h"

#include <cede/io.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char local_prefix[] = "unix:";

static int fail(int error)
{
    errno = error;
    return -1;
}

static int parse_local(struct cede__address *address, const char *path)
{
    size_t length = strlen(path);
    bool abstract = path[0] == '@';

    if (length <= (size_t)abstract)
        return fail(EINVAL);
    /* A path ends with a zero byte, an abstract name begins with one (here an '@') and ends with its length. */
    if (length + !abstract > sizeof address->path.sun_path)
        return fail(ENAMETOOLONG);
    address->local = true;
    address->path.sun_family = AF_UNIX;
    memcpy(address->path.sun_path, path, length);
    if (abstract)
        address->path.sun_path[0] = '\0';
    address->path_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !abstract);
    return 0;
}

static int parse_port(struct cede__address *address, const char *port)
{
    size_t length = strspn(port, "0123456789");

    if (length == 0 || length >= sizeof address->port || port[length] || strtol(port, NULL, 10) > 65535)
        return fail(EINVAL);
    memcpy(address->port, port, length + 1);
    return 0;
}

int cede__address_parse(struct cede__address *address, const char *text)
{
    const char *host = text, *end;

    *address = (struct cede__address){.local = false};
    if (!text)
        return fail(EINVAL);
    if (strncmp(text, local_prefix, strlen(local_prefix)) == 0)
        return parse_local(address, text + strlen(local_prefix));
    if (*text == '[') {
        host = text + 1;
        end = strchr(host, ']');
        if (!end || end == host || end[1] != ':')
            return fail(EINVAL);
        text = end + 1;
    } else {
        /* A second colon: an IPv6 address without its brackets, of which nobody knows where the port begins. */
        text = end = strchr(host, ':');
        if (!end || strchr(end + 1, ':'))
            return fail(EINVAL);
        address->wildcard = end == host || (end == host + 1 && *host == '*');
    }
    if ((size_t)(end - host) >= sizeof address->host)
        return fail(ENAMETOOLONG);
    memcpy(address->host, host, (size_t)(end - host));
    return parse_port(address, text + 1);
}

/* The errno that says what getaddrinfo() says. */
static int errno_of(int answer)
{
    switch (answer) {
    case EAI_SYSTEM:
        return errno;
    case EAI_AGAIN:
        return EAGAIN;
    case EAI_MEMORY:
        return ENOMEM;
    case EAI_NONAME:
#ifdef EAI_NODATA
    case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY:
#endif
        return ENOENT;
    default:
        return EIO;
    }
}

int cede__address_find(struct cede__address_list *list, struct cede__address *address, bool passive)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)};
    int answer;

    list->first = NULL;
    if (address->local) {
        list->local = (struct addrinfo){.ai_family = AF_UNIX,
                                        .ai_socktype = SOCK_STREAM,
                                        .ai_addr = (struct sockaddr *)&address->path,
                                        .ai_addrlen = address->path_bytes};
        list->first = &list->local;
        return 0;
    }
    answer = cede_getaddrinfo(address->wildcard ? NULL : address->host, address->port, &hints, &list->first);
    return answer == 0 ? 0 : fail(errno_of(answer));
}

void cede__address_free(struct cede__address_list *list)
{
    if (list->first && list->first != &list->local)
        freeaddrinfo(list->first);
}
