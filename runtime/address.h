/* SPDX-License-Identifier: MIT */
/* Addresses as cede_dial() and cede_listen() take them: what they mean, and what the name service says to that. */
#ifndef CEDE_RUNTIME_ADDRESS_H
#define CEDE_RUNTIME_ADDRESS_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CEDE__ADDRESS_HOST_BYTES = 256, CEDE__ADDRESS_PORT_BYTES = 6 };

/* An address in parts. */
struct cede__address {
    bool local;    /* a UNIX socket, in `path`; else `host` and `port` */
    bool wildcard; /* no host was given */
    char host[CEDE__ADDRESS_HOST_BYTES];
    char port[CEDE__ADDRESS_PORT_BYTES];
    struct sockaddr_un path;
    socklen_t path_bytes;
};

/* What to try, in order, through `next`. */
struct cede__address_list {
    struct addrinfo *first;
    struct addrinfo local; /* the only one, of a UNIX socket; then `first` points here */
};

/* 0, or -1 with errno EINVAL (not an address) or ENAMETOOLONG (host or path). Does not park. */
int cede__address_parse(struct cede__address *address, const char *text);

/*
 * Finds what the address stands for; `passive` means that it is to be listened on. Parks if a name has to be looked up.
 * 0, or -1 with errno ENOENT, EAGAIN, ENOMEM, EIO or those of a wait. Not to be moved until it is freed.
 */
int cede__address_find(struct cede__address_list *list, struct cede__address *address, bool passive);

void cede__address_free(struct cede__address_list *list);

#endif
