/* SPDX-License-Identifier: MIT */
/*
 * Signal masks of threads that are tasks; see thread.h.
 *
 * Each has its own, and one OS thread stands for all of them: it blocks what every one of them blocks, and while a
 * handler runs, what the kernel blocks for that. So what it blocks follows from what is counted here, and nothing that
 * one thread does, in a handler or by a jump out of it, can change it for the others. What others than the program have
 * blocked there (the runtime, for a moment) is left alone: only what differs is changed.
 *
 * All of this may be called in signal handlers, as pthread_sigmask(3) may. Masks are as the kernel's: 1 << (signo - 1).
 */
#ifndef CEDE_POSIX_MASK_H
#define CEDE_POSIX_MASK_H

#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <signal.h>

enum { CEDE__POSIX_SIGNALS = 64 };

static inline uint64_t cede__posix_mask_bit(int signo)
{
    return (uint64_t)1 << (signo - 1);
}

/* Without those that cannot be blocked, and libc's own. */
uint64_t cede__posix_mask_of(const sigset_t *set);

/* Only as long as the kernel's. */
void cede__posix_mask_to(uint64_t mask, sigset_t *set);

/* From here to the other, no handler and no other thread sees what is guarded by this: masks, and what is pending.
 * Returns what the OS thread blocks otherwise, for the other. Not nested. */
uint64_t cede__posix_mask_enter(void);
void cede__posix_mask_leave(uint64_t os);

/* A thread's mask is counted, or not any more. */
void cede__posix_mask_begin(struct cede__posix_thread *main);
void cede__posix_mask_add(const struct cede__posix_thread *thread);
void cede__posix_mask_remove(const struct cede__posix_thread *thread);
void cede__posix_mask_forked(const struct cede__posix_thread *survivor);

/* The thread that the caller is, if its signals are ours to keep; NULL in a child of vfork(2), too. */
struct cede__posix_thread *cede__posix_mask_self(void);

/* pthread_sigmask(3) of a thread that is a task; *error: what it returns. False if the caller is none. */
bool cede__posix_mask_change(int how, const sigset_t *set, sigset_t *old, int *error);

/* Changes the caller's mask; what was pending and is no longer blocked is delivered. */
void cede__posix_mask_set(struct cede__posix_thread *self, uint64_t mask);

/* Whether the OS thread that runs the tasks blocks the signal, or may. */
bool cede__posix_mask_applies(int signo);

/* Has the OS thread block what the calling thread does, for another program inherits it. Returns what it blocked, for
 * the other, if there is a way back. */
uint64_t cede__posix_mask_bequeath(void);
void cede__posix_mask_restore(uint64_t os);

/* ---- handlers ---- */

/* A handler of the program that runs. */
struct cede__posix_handler {
    struct cede__posix_handler *older;
    struct cede_task *task;            /* that it has interrupted; NULL: none */
    struct cede__posix_thread *thread; /* the same; NULL: none, or none of ours */
    uint64_t held;                     /* what the OS thread blocks for it */
    uint64_t os, applied;              /* what it blocked, and what we had applied, before */
    bool counted;                      /* it is in our list */
};

/* Around the handler. added: the signals that the kernel blocks meanwhile. In `context` the handler sees its thread's
 * mask, and may change it. After the second all signals are blocked until it returns. */
void cede__posix_handler_begin(struct cede__posix_handler *handler, uint64_t added, void *context);
void cede__posix_handler_end(struct cede__posix_handler *handler, void *context);

/* Instead of the second: it is left by a jump. */
void cede__posix_handler_left(struct cede__posix_handler *handler);

/* Until then the OS thread blocks these too. */
void cede__posix_mask_hold(struct cede__posix_handler *holder, uint64_t mask);

/* Whether the caller runs in a handler. */
bool cede__posix_in_handler(void);

/* The caller's mask is changed by a jump that restores one. Returns what the OS thread is to block then. */
uint64_t cede__posix_mask_jump(uint64_t mask);

#endif

#endif
