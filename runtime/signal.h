/* SPDX-License-Identifier: MIT */
/* What fork.c has to do about signals. */
#ifndef CEDE_RUNTIME_SIGNAL_H
#define CEDE_RUNTIME_SIGNAL_H

#include "sched.h"

/* Around fork(2), so that the child finds the tables in order. */
void cede__signal_lock(void);
void cede__signal_unlock(void);

/* In the child, between the two: nothing is kept, and nobody waits. own: the worker whose task forked, or NULL. */
void cede__signal_forked(struct cede__worker *own);

#endif
