/* SPDX-License-Identifier: MIT */
/*
 * Signals that are sent to one thread that is a task; see thread.h.
 *
 * While the thread blocks one, it is kept here until the thread lets it through or waits for it (suspend.h). Else the
 * OS thread gets it, whose handler then belongs to that thread: it ends no call but that thread's. A signal for the
 * process is the kernel's to keep, and belongs to main if main does not block it, else to any thread that does not.
 */
#ifndef CEDE_POSIX_PENDING_H
#define CEDE_POSIX_PENDING_H

#include <cede/signal.h>

#include "thread.h"

#ifdef CEDE__POSIX_THREADS

/* Takes the first of the caller's that is in `mask`; false: there is none. */
bool cede__posix_pending_take(struct cede__posix_thread *self, uint64_t mask, siginfo_t *info);

/* Has what the caller no longer blocks delivered. */
void cede__posix_pending_deliver(struct cede__posix_thread *self);

/* The thread, which has ended, or all others in a child of fork(2), which has nothing pending: what is kept for them is
 * forgotten. */
void cede__posix_pending_drop(struct cede__posix_thread *thread);
void cede__posix_pending_forked(struct cede__posix_thread *survivor);

/* The signal is ignored now: what is kept of it, for any thread, is forgotten. */
void cede__posix_pending_discard(int signo);

/* Whose signal a handler runs for. */
struct cede__posix_victim {
    struct cede__posix_thread *thread; /* NULL: nobody can tell */
    bool asked;                        /* who has sent it, and has been interrupted by it, does the rest */
};

/* Around a handler; without the second, it has been left by a jump. */
void cede__posix_victim_begin(struct cede__posix_victim *victim, int signo);
void cede__posix_victim_end(struct cede__posix_victim *victim, bool restart);

/* To whose frames a jump out of it leads; `otherwise` if nobody can tell. */
static inline struct cede_task *cede__posix_victim_task(const struct cede__posix_victim *victim,
                                                        struct cede_task *otherwise)
{
    return victim->thread ? victim->thread->task : otherwise;
}

int cede__posix_raise(int signo);
int cede__posix_tgkill(pid_t process, pid_t thread, int signo);
int cede__posix_sigpending(sigset_t *set);

#else /* all are the kernel's */

static inline void cede__posix_pending_discard(int signo)
{
    (void)signo;
}

struct cede__posix_victim {
    bool unused;
};

static inline void cede__posix_victim_begin(struct cede__posix_victim *victim, int signo)
{
    (void)victim, (void)signo;
}

static inline void cede__posix_victim_end(struct cede__posix_victim *victim, bool restart)
{
    (void)victim;
    cede_signal_handled(restart);
}

static inline struct cede_task *cede__posix_victim_task(const struct cede__posix_victim *victim,
                                                        struct cede_task *otherwise)
{
    (void)victim;
    return otherwise;
}

#endif

#endif
