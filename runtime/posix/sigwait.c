/* SPDX-License-Identifier: MIT */
/* Waiting for signals under libc's names. */
#include <errno.h>

#include "suspend.h"

CEDE__POSIX_FORWARD_SUSPEND(int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout),
                            (set, info, timeout));
CEDE__POSIX_FORWARD_SUSPEND(int, sigsuspend, (const sigset_t *mask), (mask));
CEDE__POSIX_FORWARD_SUSPEND(int, pause, (void), ());

int cede__posix_sigwaitinfo(const sigset_t *set, siginfo_t *info);
CEDE__POSIX_EXPORT(sigwaitinfo, sigwaitinfo);
int cede__posix_sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return cede__posix_sigtimedwait(set, info, NULL);
}

int cede__posix_sigwait(const sigset_t *set, int *signo);
CEDE__POSIX_EXPORT(sigwait, sigwait);
int cede__posix_sigwait(const sigset_t *set, int *signo)
{
    int saved = errno, error = 0;

    do
        *signo = cede__posix_sigtimedwait(set, NULL, NULL);
    while (*signo < 0 && errno == EINTR);
    if (*signo < 0)
        error = errno;
    errno = saved;
    return error;
}
