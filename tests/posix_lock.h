/* SPDX-License-Identifier: MIT */
/* What the suites of libc's locks share: every kind of mutex, times, and a task that shows whether the thread goes
 * on. */
#ifndef CEDE_TESTS_POSIX_LOCK_H
#define CEDE_TESTS_POSIX_LOCK_H

#include <cede.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#ifdef HARNESS_TSAN /* has a pthread_once of its own, which never comes here and blocks the thread */
#include <sanitizer/tsan_interface.h>

/* What libc's call_once promises plain threads it does not see. */
static void (*_Atomic lock_once_fn)(void);

static inline void lock_once_call(void)
{
    lock_once_fn();
    __tsan_release((void *)&lock_once_fn);
}

static inline int lock_once(pthread_once_t *once, void (*fn)(void))
{
    lock_once_fn = fn;
    call_once((once_flag *)once, lock_once_call);
    __tsan_acquire((void *)&lock_once_fn);
    return 0;
}
#define pthread_once lock_once
#endif

enum {
    LOCK_NORMAL, LOCK_ZERO, LOCK_RECURSIVE, LOCK_ERRORCHECK, LOCK_ADAPTIVE, LOCK_SHARED, LOCK_SHARED_RECURSIVE,
    LOCK_ROBUST, LOCK_INHERIT, LOCK_INHERIT_RECURSIVE, LOCK_KINDS,
};

static const struct {
    const char *name;
    int type, robust, shared, protocol;
} lock_kinds[LOCK_KINDS] = {
    [LOCK_NORMAL] = {"normal", PTHREAD_MUTEX_NORMAL, 0, 0, PTHREAD_PRIO_NONE},
    [LOCK_ZERO] = {"zeroed", 0, 0, 0, 0},
    [LOCK_RECURSIVE] = {"recursive", PTHREAD_MUTEX_RECURSIVE, 0, 0, PTHREAD_PRIO_NONE},
    [LOCK_ERRORCHECK] = {"error-checking", PTHREAD_MUTEX_ERRORCHECK, 0, 0, PTHREAD_PRIO_NONE},
    [LOCK_ADAPTIVE] = {"adaptive", PTHREAD_MUTEX_ADAPTIVE_NP, 0, 0, PTHREAD_PRIO_NONE},
    [LOCK_SHARED] = {"process-shared", PTHREAD_MUTEX_NORMAL, 0, 1, PTHREAD_PRIO_NONE},
    [LOCK_SHARED_RECURSIVE] = {"process-shared recursive", PTHREAD_MUTEX_RECURSIVE, 0, 1, PTHREAD_PRIO_NONE},
    [LOCK_ROBUST] = {"robust", PTHREAD_MUTEX_NORMAL, 1, 0, PTHREAD_PRIO_NONE},
    [LOCK_INHERIT] = {"priority-inheriting", PTHREAD_MUTEX_NORMAL, 0, 0, PTHREAD_PRIO_INHERIT},
    [LOCK_INHERIT_RECURSIVE] = {"priority-inheriting recursive", PTHREAD_MUTEX_RECURSIVE, 0, 0, PTHREAD_PRIO_INHERIT},
};

static inline void lock_kind_init(pthread_mutex_t *mutex, int kind)
{
    pthread_mutexattr_t attr;

    memset(mutex, 0, sizeof *mutex);
    if (kind == LOCK_ZERO)
        return;
    ck_assert_int_eq(pthread_mutexattr_init(&attr), 0);
    ck_assert_int_eq(pthread_mutexattr_settype(&attr, lock_kinds[kind].type), 0);
    ck_assert_int_eq(pthread_mutexattr_setrobust(&attr, lock_kinds[kind].robust), 0);
    ck_assert_int_eq(pthread_mutexattr_setpshared(&attr, lock_kinds[kind].shared), 0);
    ck_assert_int_eq(pthread_mutexattr_setprotocol(&attr, lock_kinds[kind].protocol), 0);
    ck_assert_int_eq(pthread_mutex_init(mutex, &attr), 0);
    ck_assert_int_eq(pthread_mutexattr_destroy(&attr), 0);
}

static inline struct timespec lock_after(clockid_t clock, int64_t ns)
{
    struct timespec time;

    clock_gettime(clock, &time);
    ns += time.tv_nsec;
    time.tv_sec += ns / CEDE_SECOND;
    time.tv_nsec = ns % CEDE_SECOND;
    return time;
}

/* Counts the milliseconds in which other tasks than its starter could run. */
struct lock_ticker {
    struct cede_task *task;
    atomic_int ticks;
};

static inline int lock_ticker_ticks(void *arg)
{
    struct lock_ticker *self = arg;

    while (cede_sleep(CEDE_MILLISECOND) == 0)
        atomic_fetch_add(&self->ticks, 1);
    return 0;
}

static inline void lock_ticker_start(struct lock_ticker *self)
{
    atomic_store(&self->ticks, 0);
    self->task = cede_spawn(lock_ticker_ticks, self);
}

static inline int lock_ticker_end(struct lock_ticker *self)
{
    cede_cancel(self->task);
    ck_assert_int_eq(cede_await(self->task), 0);
    return atomic_exchange(&self->ticks, 0);
}

/* For who keeps a task waiting, a thread or another process: until the ticker, started right before that wait, has come
 * so far. No matter how busy the machine is; but if the task blocks its thread instead of parking, it takes for
 * ever. */
static inline void lock_ticker_await(struct lock_ticker *self, int ticks)
{
    while (atomic_load(&self->ticks) < ticks)
        usleep(500);
}

#endif
