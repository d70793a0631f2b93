/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor number means, and what has to be said when it comes to mean something else. All in a task, where
 * nothing else is said.
 */
#ifndef CEDE_RUNTIME_DESCRIPTOR_H
#define CEDE_RUNTIME_DESCRIPTOR_H

#include "sched.h"

enum cede__direction { CEDE__READS, CEDE__WRITES };

/* That of a number, which is made if need be; NULL with errno ENOMEM or EBADF. A number that is merely large, and
 * nothing's, takes no memory for all below it. */
struct cede__fd *cede__descriptor_record(struct cede__worker *worker, int fd);

/* The record says nothing, or nothing that can be trusted: finds out what fd is. 0, or -1 with errno EBADF. */
int cede__descriptor_identify(struct cede__fd *record, int fd);

/* The number comes to mean something else: wakes those of this worker who wait on it, with EBADF, and forgets what was
 * known. False: nothing was done, what is known is the parent's (in a child of vfork(2)). */
bool cede__descriptor_forget(struct cede__worker *worker, int fd);

/* A task is about to wait until fd is readable: finds out whether a short read of it will mean that it is empty. */
void cede__descriptor_learn(struct cede__fd *record, int fd);

/* The kind of a socket that socket(domain, type, protocol) makes. */
enum cede__fd_kind cede__descriptor_kind(int domain, int type, int protocol);

/* The kernel has handed out fd, of this kind, to a call of ours: whatever the number meant before is over. Any thread;
 * does nothing outside a task, nor if fd is negative. */
void cede__descriptor_made(int fd, enum cede__fd_kind kind);

/* A descriptor that the runtime has for itself, and tasks wait on: see private.h. fd may be -1. The number that it has
 * from now on, or -1 with errno. Any thread. */
int cede__descriptor_private(int fd, enum cede__fd_kind kind);
void cede__descriptor_private_close(int fd); /* keeps errno */

/* To be called before fd is closed: wakes those who wait on it with EBADF, in every runtime of the process. Any
 * thread. */
void cede__descriptor_closes(int fd);

/* To be called after it was closed: tasks of other runtimes that began to wait on it in between look again. Any thread;
 * keeps errno. */
void cede__descriptor_closed(int fd);

#endif
