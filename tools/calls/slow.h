/* SPDX-License-Identifier: MIT */
/*
 * A file system on which one kind of operation takes its time, as a disk under load or a network does: nothing else
 * makes a call about a regular file wait for as long as one likes.
 */
#ifndef CEDE_CALLS_SLOW_H
#define CEDE_CALLS_SLOW_H

#include <linux/fuse.h>

/* A mount namespace of our own. 0, or -1 with errno. */
int slow_own_mounts(int more_namespaces);

/* Mounts it as "slow" in the working directory; it has two files, a and b, with eight bytes each. Another process,
 * which ends with this one, serves it: each request of that opcode is answered after delay_ms. 0, or -1 with errno. */
int slow_mount(enum fuse_opcode slow, int delay_ms);

#endif
