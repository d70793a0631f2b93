/* SPDX-License-Identifier: MIT */
/*
 * Signal masks under libc's names. A thread that is a task has a mask of its own (mask.h). In any other task the mask
 * is the OS thread's, which all tasks of a runtime share, and the runtime has to know what the program wants of it
 * (cede_sigprocmask). Elsewhere it is libc's business.
 */
#include "sigmask.h"

#include <cede/signal.h>
#include <errno.h>

#include "mask.h"

__typeof__(pthread_sigmask) cede__posix_pthread_sigmask;
CEDE__POSIX_EXPORT_ONLY(pthread_sigmask, pthread_sigmask);
CEDE__POSIX_EXPORT_ONLY(sigprocmask, sigprocmask);

int cede__posix_sigmask_plain(int how, const sigset_t *set, sigset_t *old)
{
    __typeof__(&cede__posix_pthread_sigmask) plain =
        (__typeof__(plain))cede__posix_plain(&cede__posix_name_pthread_sigmask);

    return plain ? plain(how, set, old) : ENOSYS;
}

/* Returns 0 or an error number; keeps errno. */
static int change_shared(int how, const sigset_t *set, sigset_t *old)
{
    int saved = errno, error = 0;

    if (cede_sigprocmask(how, set, old) != 0)
        error = errno;
    errno = saved;
    return error;
}

static int change(const void *caller, int how, const sigset_t *set, sigset_t *old)
{
#ifdef CEDE__POSIX_THREADS
    int error;
#endif

    if (!cede__posix_in_task() || cede__posix_in_cede(caller))
        return cede__posix_sigmask_plain(how, set, old);
#ifdef CEDE__POSIX_THREADS
    if (cede__posix_mask_change(how, set, old, &error))
        return error;
#endif
    return change_shared(how, set, old);
}

int cede__posix_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return change(__builtin_return_address(0), how, set, old);
}

int cede__posix_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    int error = change(__builtin_return_address(0), how, set, old);

    if (error)
        errno = error;
    return error ? -1 : 0;
}
