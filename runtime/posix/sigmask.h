/* SPDX-License-Identifier: MIT */
/* pthread_sigmask and sigprocmask: whose mask they change; see sigmask.c. */
#ifndef CEDE_POSIX_SIGMASK_H
#define CEDE_POSIX_SIGMASK_H

#include <signal.h>

__typeof__(sigprocmask) cede__posix_sigprocmask;

/* The OS thread's, as libc has it. Returns 0 or an error number. */
int cede__posix_sigmask_plain(int how, const sigset_t *set, sigset_t *old);

#endif
