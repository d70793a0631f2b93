/* SPDX-License-Identifier: MIT */
/*
 * The signal mask of an OS thread whose tasks wait for signals.
 *
 * The mask is the program's, and one for all tasks of the thread. While tasks wait, some signals are blocked, or let
 * through, for the waits alone; what the program has blocked itself is known here, from cede_sigprocmask() (see
 * cede/signal.h), and is what is left when they are done.
 *
 * All of this may be called where a signal handler may interrupt it.
 */
#ifndef CEDE_RUNTIME_MASK_H
#define CEDE_RUNTIME_MASK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* What this thread blocks now, for whatever reason: 1 << (signo - 1). */
uint64_t cede__mask_os(void);

/* One more task of this thread waits for signals of the set, or one less: what of them the program blocks is let
 * through meanwhile. They are caught before, and until after. */
void cede__mask_let_through(const sigset_t *set);
void cede__mask_let_through_end(const sigset_t *set);

/* Whether any task of this thread does. */
bool cede__mask_lets_through(int signo);

/* One more task of this thread waits in sigsuspend(2) with this mask, or one less: what has a handler is blocked
 * meanwhile, so that it can be seen to come. */
void cede__mask_hold(const sigset_t *mask);
void cede__mask_hold_end(const sigset_t *mask);

/* In the child of a fork(2), where the tasks that wait in sigsuspend(2) are not. */
void cede__mask_forked(void);

#endif
