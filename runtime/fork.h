/* SPDX-License-Identifier: MIT */
/*
 * fork(2) in a task: the child has that task alone, and a poller of its own.
 *
 * The other tasks of the runtime are forgotten: they never run again, their handles mean nothing (ESRCH), and what they
 * hold they hold for ever; their stacks stay mapped until cede_run() returns, because what lies there may be in use.
 * Tasks that had ended can still be joined. The task that forked counts as the first task: when its function returns,
 * cede_run() returns in the child. Its scopes, groups (whose children are gone) and generators go on.
 *
 * The runtimes of other threads do not exist in the child. A thread outside any runtime may fork as ever, and run
 * runtimes in the child.
 */
#ifndef CEDE_RUNTIME_FORK_H
#define CEDE_RUNTIME_FORK_H

#include <stdbool.h>

/* Registers the handlers for fork(2). Called by each cede_run(); works once. */
void cede__fork_start(void);

/* Whether the caller is a child of vfork(2), or of a fork(2) that ran no handlers, which has not yet executed another
 * program: its descriptors are its own, but not the memory in which we keep what we know of them. A system call. */
bool cede__fork_unnoticed(void);

#endif
