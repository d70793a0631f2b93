/* SPDX-License-Identifier: MIT */
/* Which backend a poller has, and why. */
#ifndef CEDE_RUNTIME_POLLER_CHOOSE_H
#define CEDE_RUNTIME_POLLER_CHOOSE_H

#include "poller.h"

/*
 * Opens the poller with the backend of that name, "epoll", "io_uring" or "auto"; NULL: as the environment variable
 * CEDE_POLLER says; else epoll. Where the kernel has no io_uring, or forbids it, it is epoll. poller->why tells how it
 * came about. 0, or -1 with errno: EINVAL, or those of cede__poller_open().
 *
 * "auto" measures, once in the life of a process: a few hundred microseconds.
 */
int cede__poller_choose(struct cede__poller *poller, const char *name);

#endif
