/* SPDX-License-Identifier: MIT */
/* Semaphores under libc's names; see cede/posix.h and lock.h. */
#include "lock.h"

#ifdef CEDE__POSIX_LOCKS

#include <errno.h>

int cede__posix_sem_trywait(sem_t *sem);
CEDE__POSIX_EXPORT_ONLY(sem_trywait, sem_trywait);
int cede__posix_sem_trywait(sem_t *sem)
{
    return CEDE__POSIX_PLAIN(sem_trywait)(sem);
}

static int take(void *sem)
{
    if (cede__posix_sem_trywait(sem) == 0)
        return 0;
    return errno == EAGAIN ? EBUSY : errno;
}

/* Whether other processes may post it: glibc keeps that, on 64 bits, after the value and the number of waiters. */
static bool is_shared(const sem_t *sem)
{
    return ((const int *)(const void *)sem)[2] != 0;
}

static int task_wait(sem_t *sem, const char *what, const struct timespec *until, clockid_t clock)
{
    const struct cede__posix_lock_wait wait = {.what = what,
                                          .address = sem,
                                          .try = take,
                                          .object = sem,
                                          .until = until,
                                          .clock = clock,
                                          .ends = true,
                                          .outside = is_shared(sem),
                                          .posted = true};
    int saved = errno, error = take(sem);

    if (error == EBUSY)
        error = cede__posix_lock_wait(&wait);
    errno = error ? error : saved;
    return error ? -1 : 0;
}

int cede__posix_sem_wait(sem_t *sem);
CEDE__POSIX_EXPORT_LOCK(sem_wait, sem_wait);
int cede__posix_sem_wait(sem_t *sem)
{
    if (cede_lot_able())
        CEDE__POSIX_RETURN(int, task_wait(sem, "sem_wait", NULL, CLOCK_REALTIME));
    return CEDE__POSIX_PLAIN(sem_wait)(sem);
}

int cede__posix_sem_timedwait(sem_t *sem, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(sem_timedwait, sem_timedwait);
int cede__posix_sem_timedwait(sem_t *sem, const struct timespec *until)
{
    if (cede_lot_able())
        CEDE__POSIX_RETURN(int, task_wait(sem, "sem_timedwait", until, CLOCK_REALTIME));
    return CEDE__POSIX_PLAIN(sem_timedwait)(sem, until);
}

int cede__posix_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until);
CEDE__POSIX_EXPORT_LOCK(sem_clockwait, sem_clockwait);
int cede__posix_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until)
{
    if (cede_lot_able())
        CEDE__POSIX_RETURN(int, task_wait(sem, "sem_clockwait", until, clock));
    return CEDE__POSIX_PLAIN(sem_clockwait)(sem, clock, until);
}

/* May be called in signal handlers. */
int cede__posix_sem_post(sem_t *sem);
CEDE__POSIX_EXPORT_LOCK(sem_post, sem_post);
int cede__posix_sem_post(sem_t *sem)
{
    int result = CEDE__POSIX_PLAIN(sem_post)(sem);

    if (atomic_load_explicit(&cede__posix_waited, memory_order_relaxed))
        cede_lot_post(sem);
    return result;
}

int cede__posix_sem_destroy(sem_t *sem);
CEDE__POSIX_EXPORT_ONLY(sem_destroy, sem_destroy);
int cede__posix_sem_destroy(sem_t *sem)
{
    if (atomic_load_explicit(&cede__posix_waited, memory_order_relaxed) && cede_lot_waited(sem)) {
        errno = EBUSY;
        return -1;
    }
    return CEDE__POSIX_PLAIN(sem_destroy)(sem);
}

#endif
