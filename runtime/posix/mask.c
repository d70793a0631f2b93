/* SPDX-License-Identifier: MIT */
/*
 * Signals and threads that are tasks: pthread_sigmask, sigprocmask, pthread_kill, pthread_sigqueue, raise; see
 * thread.h.
 *
 * POSIX delivers a signal for the process to any thread that does not block it. Here one OS thread stands for all of
 * them: it blocks what every one of them blocks. A handler runs on whichever is running.
 */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <cede/signal.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

enum { SIGNALS = 64 };

/* Touched by the OS thread that runs the tasks only. */
static struct {
    unsigned threads;          /* that are counted */
    unsigned blocking[SIGNALS]; /* how many of them block it */
    uint64_t applied;          /* what the OS thread blocks */
} masks;

static inline uint64_t bit(int signo)
{
    return (uint64_t)1 << (signo - 1);
}

static uint64_t to_kernel(const sigset_t *set)
{
    uint64_t mask;

    memcpy(&mask, set, sizeof mask);
    return mask;
}

static void from_kernel(uint64_t mask, sigset_t *set)
{
    sigemptyset(set);
    memcpy(set, &mask, sizeof mask);
}

int cede__posix_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
CEDE__POSIX_EXPORT_ONLY(pthread_sigmask, pthread_sigmask);
int cede__posix_sigprocmask(int how, const sigset_t *set, sigset_t *old);
CEDE__POSIX_EXPORT_ONLY(sigprocmask, sigprocmask);
int cede__posix_pthread_kill(pthread_t id, int signo);
CEDE__POSIX_EXPORT_ONLY(pthread_kill, pthread_kill);

static void apply(uint64_t mask)
{
    sigset_t set;

    if (mask == masks.applied)
        return;
    masks.applied = mask;
    from_kernel(mask, &set);
    CEDE__POSIX_PLAIN(pthread_sigmask)(SIG_SETMASK, &set, NULL);
}

/* The signals in `changed` may be blocked by more or fewer than before. */
static void recount(uint64_t changed)
{
    uint64_t mask = masks.applied, left;
    int i;

    for (left = changed; left; left &= left - 1) {
        i = __builtin_ctzll(left);
        if (masks.blocking[i] == masks.threads)
            mask |= (uint64_t)1 << i;
        else
            mask &= ~((uint64_t)1 << i);
    }
    apply(mask);
}

static void count(uint64_t mask, int by)
{
    for (; mask; mask &= mask - 1)
        masks.blocking[__builtin_ctzll(mask)] += (unsigned)by;
}

void cede__posix_mask_begin(struct cede__posix_thread *main)
{
    sigset_t set;

    CEDE__POSIX_PLAIN(pthread_sigmask)(SIG_SETMASK, NULL, &set);
    memset(&masks, 0, sizeof masks);
    main->mask = masks.applied = to_kernel(&set);
    masks.threads = 1;
    count(main->mask, 1);
}

void cede__posix_mask_add(const struct cede__posix_thread *thread)
{
    masks.threads++;
    count(thread->mask, 1);
    recount(~(uint64_t)0);
}

void cede__posix_mask_remove(const struct cede__posix_thread *thread)
{
    masks.threads--;
    count(thread->mask, -1);
    if (masks.threads > 0)
        recount(~(uint64_t)0);
}

void cede__posix_mask_forked(const struct cede__posix_thread *survivor)
{
    memset(masks.blocking, 0, sizeof masks.blocking);
    masks.threads = 1;
    count(survivor->mask, 1);
    recount(~(uint64_t)0);
}

/* ---- the calling thread's mask ---- */

static void send_pending(struct cede__posix_thread *self)
{
    uint64_t due;

    while ((due = self->pending & ~self->mask)) {
        self->pending &= ~(due & -due);
        CEDE__POSIX_PLAIN(pthread_kill)(cede__posix_main_id(), __builtin_ctzll(due) + 1);
    }
}

static int change(struct cede__posix_thread *self, int how, const sigset_t *set, sigset_t *old)
{
    uint64_t before = self->mask, given = set ? to_kernel(set) : 0;

    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
        return EINVAL;
    if (old)
        from_kernel(before, old);
    if (!set)
        return 0;
    given &= ~(bit(SIGKILL) | bit(SIGSTOP) | bit(32) | bit(33)); /* not to be blocked; libc's own */
    self->mask = how == SIG_BLOCK ? before | given : how == SIG_UNBLOCK ? before & ~given : given;
    count(self->mask & ~before, 1);
    count(before & ~self->mask, -1);
    recount(before ^ self->mask);
    send_pending(self);
    return 0;
}

int cede__posix_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;

    if (!self || cede__posix_in_cede(__builtin_return_address(0)))
        return CEDE__POSIX_PLAIN(pthread_sigmask)(how, set, old);
    return change(self, how, set, old);
}

int cede__posix_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;
    int error;

    if (!self || cede__posix_in_cede(__builtin_return_address(0)))
        return CEDE__POSIX_PLAIN(sigprocmask)(how, set, old);
    error = change(self, how, set, old);
    if (!error)
        return 0;
    errno = error;
    return -1;
}

/* ---- signals for one thread ---- */

_Thread_local _Atomic(enum cede__posix_directed) cede__posix_directed;

int cede__posix_pthread_sigqueue(pthread_t id, int signo, const union sigval value);
CEDE__POSIX_EXPORT_ONLY(pthread_sigqueue, pthread_sigqueue);

/* To the OS thread. The handler runs now, on the caller, unless the signal is blocked; then the call that the task is
 * in has been interrupted. */
static int send_to(struct cede_task *task, int signo, const union sigval *value)
{
    pthread_t id = cede__posix_main_id();
    enum cede__posix_directed state;
    int error;

    if (cede_lot_able())
        atomic_store(&cede__posix_directed, CEDE__POSIX_DIRECTED);
    error = value ? CEDE__POSIX_PLAIN(pthread_sigqueue)(id, signo, *value)
                  : CEDE__POSIX_PLAIN(pthread_kill)(id, signo);
    state = atomic_exchange(&cede__posix_directed, CEDE__POSIX_DIRECTED_NOT);
    if (state == CEDE__POSIX_DIRECTED_HANDLED || state == CEDE__POSIX_DIRECTED_RESTARTS)
        cede_signal_interrupt(task, state == CEDE__POSIX_DIRECTED_RESTARTS);
    return error;
}

/* Whether it is to be sent to the OS thread now; if the thread alone blocks it, it waits for that to end. */
static bool is_to_send(struct cede__posix_thread *thread, int signo)
{
    if (signo <= 0 || signo > SIGNALS || !(thread->mask & bit(signo)) || masks.applied & bit(signo))
        return true;
    thread->pending |= bit(signo);
    return false;
}

int cede__posix_pthread_kill(pthread_t id, int signo)
{
    struct cede__posix_thread *thread;
    struct cede_task *task;
    bool send;

    if (!cede__posix_thread_is(id))
        return CEDE__POSIX_PLAIN(pthread_kill)(id, signo);
    thread = cede__posix_thread_enter(id);
    if (!thread)
        return ESRCH;
    if (signo < 0 || signo > SIGNALS || signo == 32 || signo == 33) {
        cede__posix_thread_leave();
        return EINVAL;
    }
    send = !atomic_load(&thread->ended) && signo != 0 && is_to_send(thread, signo);
    task = thread->task;
    cede__posix_thread_leave();
    return send ? send_to(task, signo, NULL) : 0;
}

int cede__posix_pthread_sigqueue(pthread_t id, int signo, const union sigval value)
{
    struct cede__posix_thread *thread;
    struct cede_task *task;
    bool send;

    if (!cede__posix_thread_is(id))
        return CEDE__POSIX_PLAIN(pthread_sigqueue)(id, signo, value);
    thread = cede__posix_thread_enter(id);
    if (!thread)
        return ESRCH;
    send = signo == 0 || (!atomic_load(&thread->ended) && is_to_send(thread, signo));
    task = thread->task;
    cede__posix_thread_leave();
    return send ? send_to(task, signo, &value) : 0;
}

int cede__posix_raise(int signo);
CEDE__POSIX_EXPORT_ONLY(raise, raise);
int cede__posix_raise(int signo)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;
    int error;

    if (!self)
        return CEDE__POSIX_PLAIN(raise)(signo);
    error = cede__posix_pthread_kill(self->id, signo);
    if (!error)
        return 0;
    errno = error;
    return -1;
}

#endif
