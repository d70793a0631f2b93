/* SPDX-License-Identifier: MIT */
/*
 * pthread_once(3) and call_once(3) under libc's names; see cede/posix.h and lock.h.
 *
 * A task runs the function itself, following libc's protocol, so that both kinds may meet at one control: 0: to do;
 * generation | RUNNING: under way, where the generation tells whether that was before a fork(2), and so will never end;
 * DONE. libc wakes those that sleep on the word.
 */
#include "lock.h"

#ifdef CEDE__POSIX_LOCKS

#include <cede/defer.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

enum { RUNNING = 1, DONE = 2, FLAGS = 3 };

static atomic_int generation = -1; /* libc's, for this process; -1: not known yet */

CEDE__POSIX_EXPORT_LOCK(pthread_once, pthread_once);
CEDE__POSIX_EXPORT_LOCK(__pthread_once, pthread_once);

/* ---- libc's generation, which it writes into each control ---- */

static _Thread_local pthread_once_t probe;

static void look_at_probe(void)
{
    atomic_store(&generation, probe & ~FLAGS);
}

static void forget_generation(void)
{
    atomic_store(&generation, -1);
}

static int current_generation(void)
{
    static atomic_bool watching;

    if (!atomic_exchange(&watching, true))
        pthread_atfork(NULL, NULL, forget_generation);
    if (atomic_load(&generation) < 0) {
        probe = 0;
        CEDE__POSIX_PLAIN(pthread_once)(&probe, look_at_probe);
    }
    return atomic_load(&generation);
}

/* ---- a task ---- */

static void finish(pthread_once_t *once, int value)
{
    __atomic_store_n(once, value, __ATOMIC_RELEASE);
    syscall(SYS_futex, once, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    cede_lot_wake(once, UINT32_MAX);
}

/* One call of the function. */
struct call {
    pthread_once_t *once;
    int value; /* what the control will be: 0, until the function has returned; the next who comes has to do it then */
    struct cede_defer defer; /* an exception or the end of the task do not pass it by */
};

static void end(void *arg)
{
    struct call *call = arg;

    finish(call->once, call->value);
}

static void leave(struct call *call)
{
    cede_defer_pop(&call->defer, 1);
}

static void run(pthread_once_t *once, void (*fn)(void))
{
    struct call call __attribute__((cleanup(leave))) = {.once = once};

    cede_defer_push(&call.defer, end, &call);
    fn();
    call.value = DONE;
}

/* Makes it ours to do: 0 (it is), ECANCELED (it has been done), EBUSY (somebody is at it). */
static int take(void *object)
{
    int seen = __atomic_load_n((pthread_once_t *)object, __ATOMIC_ACQUIRE), ours = current_generation() | RUNNING;

    do {
        if (seen & DONE)
            return ECANCELED;
        if (seen == ours)
            return EBUSY;
    } while (!__atomic_compare_exchange_n((pthread_once_t *)object, &seen, ours, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_ACQUIRE));
    return 0;
}

static int task_once(pthread_once_t *once, void (*fn)(void))
{
    const struct cede__posix_lock_wait wait = {.what = "pthread_once", .address = once, .try = take, .object = once};
    int result = take(once);

    if (result == EBUSY)
        result = cede__posix_lock_wait(&wait);
    if (result == 0)
        run(once, fn);
    return result == ECANCELED ? 0 : result;
}

int cede__posix_pthread_once(pthread_once_t *once, void (*fn)(void))
{
    int result;

    if (__atomic_load_n(once, __ATOMIC_ACQUIRE) & DONE)
        return 0;
    if (cede_lot_able())
        return task_once(once, fn);
    result = CEDE__POSIX_PLAIN(pthread_once)(once, fn);
    cede__posix_wake(once, UINT32_MAX);
    return result;
}

void cede__posix_call_once(once_flag *once, void (*fn)(void));
CEDE__POSIX_EXPORT_LOCK(call_once, call_once);
void cede__posix_call_once(once_flag *once, void (*fn)(void))
{
    cede__posix_pthread_once((pthread_once_t *)once, fn);
}

#endif
