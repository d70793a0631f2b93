/* SPDX-License-Identifier: MIT */
/* Letting others run under libc's names, sched_yield and its like, and locks that do nothing else while they wait. */
#include "lock.h"

#ifdef CEDE__POSIX_THREADS

#include <errno.h>
#include <sched.h>
#include <threads.h>

int cede__posix_sched_yield(void);
CEDE__POSIX_EXPORT_ONLY(sched_yield, sched_yield);
CEDE__POSIX_EXPORT_ONLY(pthread_yield, sched_yield);
int cede__posix_sched_yield(void)
{
    int saved = errno;

    if (!cede_lot_able())
        return CEDE__POSIX_PLAIN(sched_yield)();
    cede_yield(); /* fails in a task that was cancelled, which nobody expects, but yields all the same */
    errno = saved;
    return 0;
}

void cede__posix_thrd_yield(void);
CEDE__POSIX_EXPORT_ONLY(thrd_yield, thrd_yield);
void cede__posix_thrd_yield(void)
{
    cede__posix_sched_yield();
}

int cede__posix_pthread_spin_lock(pthread_spinlock_t *lock);
CEDE__POSIX_EXPORT_ONLY(pthread_spin_lock, pthread_spin_lock);
int cede__posix_pthread_spin_lock(pthread_spinlock_t *lock)
{
    if (!cede_lot_able())
        return CEDE__POSIX_PLAIN(pthread_spin_lock)(lock);
    while (pthread_spin_trylock(lock) == EBUSY)
        cede__posix_sched_yield();
    return 0;
}

#endif
