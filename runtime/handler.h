/* SPDX-License-Identifier: MIT */
/* Signal handlers that share a signal with whoever handled it before. */
#ifndef CEDE_RUNTIME_HANDLER_H
#define CEDE_RUNTIME_HANDLER_H

#include <signal.h>
#include <stdbool.h>

typedef void cede__handler_fn(int signo, siginfo_t *info, void *context);

/* Makes fn handle the signal, on the alternate stack where there is one, restarting system calls; what was there goes
 * to *previous, before fn can be called. Does nothing if fn handles it already. 0, or -1 with errno EINVAL. */
int cede__handler_install(int signo, cede__handler_fn *fn, struct sigaction *previous);

/* Calls the handler that was there before. Returns false if there was none (SIG_DFL, SIG_IGN). */
bool cede__handler_pass(const struct sigaction *previous, int signo, siginfo_t *info, void *context);

#endif
