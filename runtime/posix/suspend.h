/* SPDX-License-Identifier: MIT */
/*
 * Waits for signals, and those with a signal mask of their own, as the calls of cede/io.h and cede/signal.h. For a
 * thread that is a task (thread.h) they see what is sent to it alone, and the mask is its own.
 */
#ifndef CEDE_POSIX_SUSPEND_H
#define CEDE_POSIX_SUSPEND_H

#include <cede/signal.h>

#include "name.h"

#ifdef CEDE__POSIX_THREADS
__typeof__(cede_sigtimedwait) cede__posix_suspend_sigtimedwait;
__typeof__(cede_sigsuspend) cede__posix_suspend_sigsuspend;
__typeof__(cede_pause) cede__posix_suspend_pause;
__typeof__(cede_ppoll) cede__posix_suspend_ppoll;
__typeof__(cede_pselect) cede__posix_suspend_pselect;
__typeof__(cede_epoll_pwait) cede__posix_suspend_epoll_pwait;
__typeof__(cede_epoll_pwait2) cede__posix_suspend_epoll_pwait2;
#else
#define cede__posix_suspend_sigtimedwait cede_sigtimedwait
#define cede__posix_suspend_sigsuspend cede_sigsuspend
#define cede__posix_suspend_pause cede_pause
#define cede__posix_suspend_ppoll cede_ppoll
#define cede__posix_suspend_pselect cede_pselect
#define cede__posix_suspend_epoll_pwait cede_epoll_pwait
#define cede__posix_suspend_epoll_pwait2 cede_epoll_pwait2
#endif

#endif
