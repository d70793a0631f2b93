/* SPDX-License-Identifier: MIT */
/* Signal handlers that share a signal; see handler.h. */
#include "handler.h"

int cede__handler_install(int signo, cede__handler_fn *fn, struct sigaction *previous)
{
    struct sigaction action = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART}, now;

    if (sigaction(signo, NULL, &now) != 0)
        return -1;
    if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == fn)
        return 0;
    *previous = now;
    sigemptyset(&action.sa_mask);
    return sigaction(signo, &action, NULL);
}

bool cede__handler_pass(const struct sigaction *previous, int signo, siginfo_t *info, void *context)
{
    sigset_t mask;

    if (!(previous->sa_flags & SA_SIGINFO) && (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN))
        return false;
    /* With the signals blocked that it asked for: it may not be safe against them. */
    pthread_sigmask(SIG_BLOCK, &previous->sa_mask, &mask);
    if (previous->sa_flags & SA_SIGINFO)
        previous->sa_sigaction(signo, info, context);
    else
        previous->sa_handler(signo);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return true;
}
