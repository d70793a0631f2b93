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

enum { CEDE__POLLER_UNMEASURED = -10000 }; /* below every negated errno */

/* What "auto" makes of a measurement: the time that io_uring takes in percent of epoll's, CEDE__POLLER_UNMEASURED, or a
 * negated errno: there is no ring. As cede__poller_choose(). */
int cede__poller_choose_measured(struct cede__poller *poller, int percent);

#endif
