/* SPDX-License-Identifier: MIT */
/* pthread_kill, pthread_sigqueue, raise, tgkill, sigpending, and what is pending; see pending.h. */
#include "pending.h"

#ifdef CEDE__POSIX_THREADS

#include <cede/signal.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mask.h"

enum { KEPT = 256, STANDARD = 32 /* those below are kept once */ };

/* One signal that is kept. Of those whose thread->pending says so alone, there was no room for the rest. */
struct kept {
    struct cede__posix_thread *thread; /* NULL: free */
    uint64_t turn;                     /* the lower, the older */
    siginfo_t info;
};

/* Guarded by cede__posix_mask_enter(). */
static struct kept kept[KEPT];
static uint64_t turns;

/* Whose the next handler of a signal is. */
static _Atomic(struct cede__posix_thread *) arriving[CEDE__POSIX_SIGNALS + 1];

/* In thread->reached: what has become of a signal that is being sent. */
enum { NOBODY_ASKS, SENT, HANDLED, RESTARTS };

int cede__posix_pthread_kill(pthread_t id, int signo);
CEDE__POSIX_EXPORT_ONLY(pthread_kill, pthread_kill);
int cede__posix_pthread_sigqueue(pthread_t id, int signo, const union sigval value);
CEDE__POSIX_EXPORT_ONLY(pthread_sigqueue, pthread_sigqueue);
CEDE__POSIX_EXPORT_ONLY(raise, raise);
CEDE__POSIX_EXPORT_ONLY(tgkill, tgkill);
CEDE__POSIX_EXPORT_ONLY(sigpending, sigpending);

/* ---- what is kept; under the guard ---- */

/* The oldest; NULL: nothing is known of any. */
static struct kept *find(const struct cede__posix_thread *thread, int signo)
{
    struct kept *found = NULL;
    int i;

    for (i = 0; i < KEPT; i++)
        if (kept[i].thread == thread && kept[i].info.si_signo == signo && (!found || kept[i].turn < found->turn))
            found = &kept[i];
    return found;
}

static struct kept *find_free(void)
{
    int i;

    for (i = 0; i < KEPT; i++)
        if (!kept[i].thread)
            return &kept[i];
    return NULL;
}

/* 0, or EAGAIN. */
static int keep(struct cede__posix_thread *thread, const siginfo_t *info)
{
    uint64_t bit = cede__posix_mask_bit(info->si_signo);
    struct kept *place;

    if (info->si_signo < STANDARD && atomic_load(&thread->pending) & bit)
        return 0;
    place = find_free();
    if (!place && info->si_code == SI_QUEUE)
        return EAGAIN;
    if (place)
        *place = (struct kept){.thread = thread, .turn = turns++, .info = *info};
    atomic_fetch_or(&thread->pending, bit);
    return 0;
}

bool cede__posix_pending_take(struct cede__posix_thread *self, uint64_t mask, siginfo_t *info)
{
    uint64_t due, os;
    struct kept *place;
    int signo;

    if (!(atomic_load(&self->pending) & mask))
        return false;
    os = cede__posix_mask_enter();
    due = atomic_load(&self->pending) & mask;
    if (due) {
        signo = __builtin_ctzll(due) + 1;
        place = find(self, signo);
        *info = place ? place->info : (siginfo_t){.si_signo = signo, .si_code = SI_USER};
        if (place)
            place->thread = NULL;
        if (!find(self, signo))
            atomic_fetch_and(&self->pending, ~cede__posix_mask_bit(signo));
    }
    cede__posix_mask_leave(os);
    return due;
}

void cede__posix_pending_drop(struct cede__posix_thread *thread)
{
    uint64_t os;
    int i;

    if (!atomic_load(&thread->pending))
        return;
    os = cede__posix_mask_enter();
    for (i = 0; i < KEPT; i++)
        if (kept[i].thread == thread)
            kept[i].thread = NULL;
    atomic_store(&thread->pending, 0);
    cede__posix_mask_leave(os);
}

void cede__posix_pending_discard(int signo)
{
    struct cede__posix_thread *thread;
    uint64_t os = cede__posix_mask_enter();
    unsigned i;

    for (i = 0; i < KEPT; i++)
        if (kept[i].thread && kept[i].info.si_signo == signo)
            kept[i].thread = NULL;
    for (i = 0; (thread = cede__posix_thread_at(i)); i++)
        atomic_fetch_and(&thread->pending, ~cede__posix_mask_bit(signo));
    cede__posix_mask_leave(os);
}

void cede__posix_pending_forked(struct cede__posix_thread *survivor)
{
    int i;

    for (i = 0; i < KEPT; i++)
        kept[i].thread = NULL;
    for (i = 0; i <= CEDE__POSIX_SIGNALS; i++)
        atomic_store(&arriving[i], NULL);
    if (survivor)
        atomic_store(&survivor->pending, 0);
}

/* ---- sending ---- */

/* Whether others may run meanwhile. */
static bool can_wait(void)
{
    return cede_lot_able() && !cede__posix_in_handler();
}

/* Its call ends, if it is in one. */
static void interrupt(struct cede__posix_thread *thread, bool restart, bool can_yield)
{
    bool next = atomic_load(&thread->awaiting);
    int saved = errno;

    while (cede_signal_post(thread->task, (restart ? CEDE_SIGNAL_RESTART : 0) | (next ? CEDE_SIGNAL_NEXT : 0)) != 0
           && errno == EAGAIN && can_yield)
        cede_yield(); /* so many are told at once */
    errno = saved;
}

/* To the OS thread, where the handler runs now, on the caller, unless something blocks it. */
static int send_now(struct cede__posix_thread *thread, const siginfo_t *info)
{
    bool asks = can_wait();
    struct cede__posix_thread *expected = thread;
    int signo = info->si_signo, error, reached;
    pthread_t id = cede__posix_main_id();

    atomic_store(&arriving[signo], thread);
    if (asks)
        atomic_store(&thread->reached, SENT);
    error = info->si_code == SI_QUEUE ? CEDE__POSIX_PLAIN(pthread_sigqueue)(id, signo, info->si_value)
                                      : CEDE__POSIX_PLAIN(pthread_kill)(id, signo);
    if (!cede__posix_mask_applies(signo))
        atomic_compare_exchange_strong(&arriving[signo], &expected, NULL); /* no handler has run */
    reached = asks ? atomic_exchange(&thread->reached, NOBODY_ASKS) : NOBODY_ASKS;
    if (reached == HANDLED || reached == RESTARTS)
        interrupt(thread, reached == RESTARTS, true);
    return error;
}

void cede__posix_pending_deliver(struct cede__posix_thread *self)
{
    siginfo_t info;

    while (cede__posix_pending_take(self, ~atomic_load(&self->mask), &info))
        send_now(self, &info);
}

/* Whether it was kept; *error as above. */
static bool kept_for(struct cede__posix_thread *thread, const siginfo_t *info, int *error)
{
    uint64_t os = cede__posix_mask_enter();
    bool blocked = atomic_load(&thread->mask) & cede__posix_mask_bit(info->si_signo);

    if (blocked)
        *error = keep(thread, info);
    cede__posix_mask_leave(os);
    if (blocked && atomic_load(&thread->awaited) & cede__posix_mask_bit(info->si_signo))
        interrupt(thread, false, can_wait());
    return blocked;
}

static int send_to(pthread_t id, int signo, int code, union sigval value)
{
    struct cede__posix_thread *thread = cede__posix_thread_find(id);
    siginfo_t info;
    int error = 0;

    if (!thread)
        return ESRCH;
    if (signo < 0 || signo > CEDE__POSIX_SIGNALS || signo == STANDARD || signo == STANDARD + 1)
        return EINVAL;
    if (signo == 0 || atomic_load(&thread->ended))
        return 0;
    memset(&info, 0, sizeof info);
    info.si_signo = signo;
    info.si_code = code;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value = value;
    return kept_for(thread, &info, &error) ? error : send_now(thread, &info);
}

int cede__posix_pthread_kill(pthread_t id, int signo)
{
    if (!cede__posix_thread_is(id))
        return CEDE__POSIX_PLAIN(pthread_kill)(id, signo);
    return send_to(id, signo, SI_TKILL, (union sigval){0});
}

int cede__posix_pthread_sigqueue(pthread_t id, int signo, const union sigval value)
{
    if (!cede__posix_thread_is(id))
        return CEDE__POSIX_PLAIN(pthread_sigqueue)(id, signo, value);
    return send_to(id, signo, SI_QUEUE, value);
}

int cede__posix_raise(int signo)
{
    struct cede__posix_thread *self = cede__posix_mask_self();
    int error;

    if (!self)
        return CEDE__POSIX_PLAIN(raise)(signo);
    error = send_to(self->id, signo, SI_TKILL, (union sigval){0});
    if (!error)
        return 0;
    errno = error;
    return -1;
}

/* All of them are the OS thread to it; who asks for that means itself. */
int cede__posix_tgkill(pid_t process, pid_t thread, int signo)
{
    bool own = process == getpid() && thread == (pid_t)syscall(SYS_gettid);

    return own && cede__posix_mask_self() ? cede__posix_raise(signo)
                                          : CEDE__POSIX_PLAIN(tgkill)(process, thread, signo);
}

int cede__posix_sigpending(sigset_t *set)
{
    struct cede__posix_thread *self = cede__posix_mask_self();
    int result = CEDE__POSIX_PLAIN(sigpending)(set);

    if (result == 0 && self)
        cede__posix_mask_to((cede__posix_mask_of(set) & atomic_load(&self->mask)) | atomic_load(&self->pending), set);
    return result;
}

/* ---- handlers ---- */

/* The first that does not block it, main before others, and those before others that wait for signals. */
static struct cede__posix_thread *choose(uint64_t bit)
{
    struct cede__posix_thread *thread, *found = NULL;
    unsigned i;

    for (i = 0; (thread = cede__posix_thread_at(i)); i++) {
        if (!cede__posix_thread_is_alive(thread) || atomic_load(&thread->mask) & bit)
            continue;
        if (i == 0 || atomic_load(&thread->awaiting))
            return thread;
        if (!found)
            found = thread;
    }
    return found;
}

void cede__posix_victim_begin(struct cede__posix_victim *victim, int signo)
{
    struct cede__posix_thread *thread;

    *victim = (struct cede__posix_victim){0};
    if (!cede__posix_threads || cede__posix_thread_of_libc() != cede__posix_main_id())
        return;
    thread = atomic_exchange(&arriving[signo], NULL);
    if (!thread || !cede__posix_thread_is_alive(thread))
        thread = choose(cede__posix_mask_bit(signo));
    victim->thread = thread;
    victim->asked = thread && atomic_exchange(&thread->reached, NOBODY_ASKS) == SENT;
}

void cede__posix_victim_end(struct cede__posix_victim *victim, bool restart)
{
    if (!victim->thread) {
        cede_signal_handled(restart);
        return;
    }
    atomic_fetch_add(&victim->thread->handled, 1);
    if (victim->asked)
        atomic_store(&victim->thread->reached, restart ? RESTARTS : HANDLED);
    else
        interrupt(victim->thread, restart, false);
}

#endif
