/* SPDX-License-Identifier: MIT */
/*
 * Signal masks of threads that are tasks; see mask.h.
 *
 * POSIX delivers a signal for the process to any thread that does not block it. Here a handler runs on whichever is
 * running.
 */
#include "mask.h"

#ifdef CEDE__POSIX_THREADS

#include <errno.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "pending.h"
#include "sigmask.h"

/* Guarded by cede__posix_mask_enter(); changed by the OS thread that runs the tasks only. */
static struct {
    unsigned threads;                       /* that are counted */
    unsigned blocking[CEDE__POSIX_SIGNALS]; /* how many of them block it */
    unsigned holding[CEDE__POSIX_SIGNALS];  /* how many handlers that run have it blocked */
    _Atomic uint64_t applied;               /* what the OS thread blocks because of these */
    struct cede__posix_handler *handlers;   /* that run, the newest first */
    pid_t process;                          /* whose threads they are: not the children's of vfork(2) ... */
    pid_t stranger;                         /* ... of which this one blocks what it wants */
    atomic_flag busy;                       /* another OS thread sends a signal */
} masks = {.busy = ATOMIC_FLAG_INIT};

/* Those that nobody can block, and libc's own. */
#define UNBLOCKABLE (cede__posix_mask_bit(SIGKILL) | cede__posix_mask_bit(SIGSTOP) | (uint64_t)3 << 31)

uint64_t cede__posix_mask_of(const sigset_t *set)
{
    uint64_t mask;

    memcpy(&mask, set, sizeof mask);
    return mask & ~UNBLOCKABLE;
}

void cede__posix_mask_to(uint64_t mask, sigset_t *set)
{
    memcpy(set, &mask, sizeof mask);
}

/* ---- the OS thread's ---- */

/* A child of vfork(2), which has its parent's memory. */
static bool is_stranger(void)
{
    return getpid() != masks.process;
}

static bool is_tasks_thread(void)
{
    return cede__posix_threads && cede__posix_thread_of_libc() == cede__posix_main_id() && !is_stranger();
}

static uint64_t os_mask(int how, uint64_t mask)
{
    sigset_t set, before;

    sigemptyset(&set);
    sigemptyset(&before);
    cede__posix_mask_to(mask, &set);
    cede__posix_sigmask_plain(how, &set, &before);
    return cede__posix_mask_of(&before);
}

uint64_t cede__posix_mask_enter(void)
{
    uint64_t os = os_mask(SIG_BLOCK, ~UNBLOCKABLE);

    while (atomic_flag_test_and_set_explicit(&masks.busy, memory_order_acquire))
        ; /* held for a few steps only */
    return os;
}

void cede__posix_mask_leave(uint64_t os)
{
    atomic_flag_clear_explicit(&masks.busy, memory_order_release);
    os_mask(SIG_SETMASK, os);
}

/* What is to be blocked. */
static uint64_t wanted(void)
{
    uint64_t mask = 0;
    int i;

    for (i = 0; i < CEDE__POSIX_SIGNALS; i++)
        if (masks.holding[i] > 0 || (masks.threads > 0 && masks.blocking[i] == masks.threads))
            mask |= (uint64_t)1 << i;
    return mask;
}

/* What the OS thread is to block, which blocks `os` now, when `applied` was the last that we have applied. */
static uint64_t adjusted(uint64_t os, uint64_t applied)
{
    uint64_t mask = wanted(), differing = mask ^ applied;

    atomic_store(&masks.applied, mask);
    return (os & ~differing) | (mask & differing);
}

static void leave_adjusted(uint64_t os)
{
    cede__posix_mask_leave(adjusted(os, atomic_load(&masks.applied)));
}

bool cede__posix_mask_applies(int signo)
{
    return !is_tasks_thread() || os_mask(SIG_BLOCK, 0) & cede__posix_mask_bit(signo);
}

/* ---- counting ---- */

static void count(unsigned *counts, uint64_t mask, int by)
{
    for (; mask; mask &= mask - 1)
        counts[__builtin_ctzll(mask)] += (unsigned)by;
}

static void set_mask(struct cede__posix_thread *thread, uint64_t mask)
{
    uint64_t before = atomic_load(&thread->mask);
    struct cede__posix_handler *handler;

    count(masks.blocking, mask & ~before, 1);
    count(masks.blocking, before & ~mask, -1);
    atomic_store(&thread->mask, mask);
    /* Who unblocks a signal in a handler wants it. */
    for (handler = masks.handlers; handler; handler = handler->older) {
        if (handler->thread != thread)
            continue;
        count(masks.holding, handler->held & ~mask, -1);
        handler->held &= mask;
    }
}

void cede__posix_mask_begin(struct cede__posix_thread *main)
{
    uint64_t os = cede__posix_mask_enter();

    atomic_store(&masks.applied, os);
    atomic_store(&main->mask, os);
    masks.threads = 1;
    masks.process = getpid();
    count(masks.blocking, os, 1);
    cede__posix_mask_leave(os);
}

void cede__posix_mask_add(const struct cede__posix_thread *thread)
{
    uint64_t os = cede__posix_mask_enter();

    masks.threads++;
    count(masks.blocking, atomic_load(&thread->mask), 1);
    leave_adjusted(os);
}

void cede__posix_mask_remove(const struct cede__posix_thread *thread)
{
    uint64_t os = cede__posix_mask_enter();

    masks.threads--;
    count(masks.blocking, atomic_load(&thread->mask), -1);
    leave_adjusted(os);
}

/* Of the handlers that run, those that have interrupted others are not in the child. */
void cede__posix_mask_forked(const struct cede__posix_thread *survivor)
{
    struct cede__posix_handler **link = &masks.handlers, *handler;
    struct cede_task *self = cede_self();
    uint64_t os;

    atomic_flag_clear(&masks.busy); /* whoever has it is not here */
    os = cede__posix_mask_enter();
    memset(masks.blocking, 0, sizeof masks.blocking);
    memset(masks.holding, 0, sizeof masks.holding);
    while ((handler = *link)) {
        if (handler->task == self) {
            count(masks.holding, handler->held, 1);
            link = &handler->older;
        } else {
            *link = handler->older;
        }
    }
    masks.threads = survivor ? 1 : 0;
    masks.process = getpid();
    if (survivor)
        count(masks.blocking, atomic_load(&survivor->mask), 1);
    leave_adjusted(os);
}

/* ---- the calling thread's ---- */

struct cede__posix_thread *cede__posix_mask_self(void)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;

    return self && !is_stranger() ? self : NULL;
}

void cede__posix_mask_set(struct cede__posix_thread *self, uint64_t mask)
{
    uint64_t os = cede__posix_mask_enter();

    set_mask(self, mask);
    leave_adjusted(os);
    cede__posix_pending_deliver(self);
}

uint64_t cede__posix_mask_bequeath(void)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;

    if (!self || (is_stranger() && masks.stranger == getpid()))
        return os_mask(SIG_BLOCK, 0);
    if (is_stranger())
        masks.stranger = getpid();
    return os_mask(SIG_SETMASK, atomic_load(&self->mask));
}

void cede__posix_mask_restore(uint64_t os)
{
    os_mask(SIG_SETMASK, os);
}

static int change(struct cede__posix_thread *self, int how, const sigset_t *set, sigset_t *old)
{
    uint64_t before = atomic_load(&self->mask), given = set ? cede__posix_mask_of(set) : 0;

    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
        return EINVAL;
    if (old) {
        sigemptyset(old);
        cede__posix_mask_to(before, old);
    }
    if (set)
        cede__posix_mask_set(self, how == SIG_BLOCK ? before | given : how == SIG_UNBLOCK ? before & ~given : given);
    return 0;
}

bool cede__posix_mask_change(int how, const sigset_t *set, sigset_t *old, int *error)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;

    if (!self)
        return false;
    if (!is_stranger()) {
        *error = change(self, how, set, old);
    } else {
        cede__posix_mask_bequeath();
        *error = cede__posix_sigmask_plain(how, set, old);
    }
    return true;
}

/* ---- handlers ---- */

/* libc's sigset_t is longer than what the kernel keeps there. */
static uint64_t of_context(const void *context)
{
    return cede__posix_mask_of(&((const ucontext_t *)context)->uc_sigmask);
}

static void to_context(uint64_t mask, void *context)
{
    cede__posix_mask_to(mask, &((ucontext_t *)context)->uc_sigmask);
}

void cede__posix_handler_begin(struct cede__posix_handler *handler, uint64_t added, void *context)
{
    struct cede__posix_thread *self = cede__posix_thread_self();
    uint64_t before, os;

    *handler = (struct cede__posix_handler){0};
    if (!is_tasks_thread())
        return;
    os = cede__posix_mask_enter();
    handler->counted = true;
    handler->held = added & ~UNBLOCKABLE;
    handler->thread = self;
    handler->task = cede_self();
    handler->os = of_context(context);
    handler->applied = atomic_load(&masks.applied);
    handler->older = masks.handlers;
    masks.handlers = handler;
    count(masks.holding, handler->held, 1);
    if (self) {
        before = atomic_load(&self->mask);
        to_context(before, context);
        set_mask(self, before | handler->held);
    }
    atomic_store(&masks.applied, wanted()); /* the kernel has done it */
    cede__posix_mask_leave(os);
}

static void forget(struct cede__posix_handler *handler)
{
    struct cede__posix_handler **link = &masks.handlers;

    while (*link && *link != handler)
        link = &(*link)->older;
    if (*link)
        *link = handler->older;
    count(masks.holding, handler->held, -1);
    handler->held = 0;
}

void cede__posix_handler_end(struct cede__posix_handler *handler, void *context)
{
    struct cede__posix_thread *self = handler->thread;

    if (!handler->counted)
        return;
    cede__posix_mask_enter();
    forget(handler);
    if (self)
        set_mask(self, of_context(context));
    to_context(adjusted(handler->os, handler->applied), context);
    atomic_flag_clear_explicit(&masks.busy, memory_order_release);
    if (self)
        cede__posix_pending_deliver(self);
}

void cede__posix_handler_left(struct cede__posix_handler *handler)
{
    uint64_t os;

    if (!handler->counted)
        return;
    os = cede__posix_mask_enter();
    forget(handler);
    leave_adjusted(os);
}

/* In no list: it is nobody's but the caller's, and no mask that he sets is meant to end it. */
void cede__posix_mask_hold(struct cede__posix_handler *holder, uint64_t mask)
{
    uint64_t os = cede__posix_mask_enter();

    *holder = (struct cede__posix_handler){.held = mask, .counted = true};
    count(masks.holding, mask, 1);
    leave_adjusted(os);
}

bool cede__posix_in_handler(void)
{
    struct cede_task *self = cede_self();
    const struct cede__posix_handler *handler = masks.handlers;

    while (handler && handler->task != self)
        handler = handler->older;
    return handler;
}

uint64_t cede__posix_mask_jump(uint64_t mask)
{
    struct cede__posix_thread *self = cede__posix_mask_self();
    uint64_t os;

    if (!self)
        return mask;
    os = cede__posix_mask_enter();
    set_mask(self, mask);
    os = adjusted(os, atomic_load(&masks.applied));
    cede__posix_mask_leave(os);
    cede__posix_pending_deliver(self);
    return os;
}

#endif
