/* SPDX-License-Identifier: MIT */
/* Calls by libc's names whose instructions are counted: libcede-posix has the names, and none of these waits. */
#include "instructions.h"

#include <cede/posix.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Nothing to read: that is one system call at once, so this is what the name alone costs. */
static int read_nothing(void *unused)
{
    int ends[2];
    char byte;

    (void)unused;
    need(cede_posix_check() == 0 && pipe(ends) == 0, "pipe");
    for (long i = 0; i < 2 * count; i++) {
        need(read(ends[0], &byte, 0) == 0, "read");
        step();
    }
    return close(ends[0]) + close(ends[1]);
}

static int send_and_receive(void *unused)
{
    int ends[2];
    char byte = 0;

    (void)unused;
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    for (long i = 0; i < 2 * count; i++) {
        need(send(ends[0], &byte, 1, 0) == 1, "send");
        need(recv(ends[1], &byte, 1, 0) == 1, "recv");
        step();
    }
    return close(ends[0]) + close(ends[1]);
}

static int poll_ready(void *unused)
{
    struct pollfd polled = {.events = POLLOUT};
    int ends[2];

    (void)unused;
    need(pipe(ends) == 0, "pipe");
    polled.fd = ends[1];
    for (long i = 0; i < 2 * count; i++) {
        need(poll(&polled, 1, -1) == 1, "poll");
        step();
    }
    return close(ends[0]) + close(ends[1]);
}

const struct operation operations[] = {
    {"name", read_nothing},
    {"name-send+recv", send_and_receive},
    {"name-poll", poll_ready},
    {NULL, NULL},
};
