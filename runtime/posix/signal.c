/* SPDX-License-Identifier: MIT */
/*
 * Signal handlers under libc's names: installed as asked for, but called by a function of ours, which then lets the
 * handler end a wait with EINTR (cede_signal_handled). Whoever asks for a signal's action is told the program's own.
 *
 * All of this may be called in signal handlers, as sigaction(2) may: no locks, no memory.
 */
#include <cede/signal.h>
#include <cede/task.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "jump.h"
#include "pending.h"

/* The program's handler; valid while ours is installed. Both kinds are called in the same way: one that expects one
 * argument ignores the others. */
static struct {
    _Atomic(cede__posix_handler_fn *) fn;
    atomic_int flags; /* as the program gave them */
    _Atomic uint64_t mask; /* what it wants blocked, as the kernel has it */
    _Atomic(struct cede_task *) installer; /* NULL: none, or not known */
} handlers[_NSIG];

static void on_signal(int signo, siginfo_t *info, void *context)
{
    int flags = atomic_load(&handlers[signo].flags);
    uint64_t added = atomic_load(&handlers[signo].mask);
    struct cede__posix_victim victim;
    struct cede_task *owner;
    int saved;

    if (!(flags & SA_NODEFER))
        added |= (uint64_t)1 << (signo - 1);
    cede__posix_victim_begin(&victim, signo);
    owner = cede__posix_victim_task(&victim, atomic_load(&handlers[signo].installer));
    if (!cede__posix_jump_handle(atomic_load(&handlers[signo].fn), signo, info, context, owner, added))
        return;
    saved = errno;
    cede__posix_victim_end(&victim, flags & SA_RESTART);
    errno = saved;
}

/* sa_handler and sa_sigaction are one place. */
static bool is_to_be_wrapped(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO || (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN))
           && !cede__posix_in_cede((const void *)(uintptr_t)action->sa_sigaction); /* its own end nothing */
}

/* Whether what is pending is gone, even where it is blocked. */
static bool is_ignored(int signo, const struct sigaction *action)
{
    if (action->sa_flags & SA_SIGINFO || action->sa_handler != SIG_DFL)
        return action->sa_handler == SIG_IGN;
    return signo == SIGCHLD || signo == SIGCONT || signo == SIGURG || signo == SIGWINCH;
}

__typeof__(sigaction) cede__posix_sigaction;
CEDE__POSIX_EXPORT(sigaction, sigaction);
int cede__posix_sigaction(int signo, const struct sigaction *action, struct sigaction *old)
{
    __typeof__(&cede__posix_sigaction) plain =
        (__typeof__(plain))cede__posix_plain(&cede__posix_name_sigaction);
    struct sigaction ours, before;
    cede__posix_handler_fn *fn_before;
    struct cede_task *installer_before;
    uint64_t mask, mask_before;
    int flags_before;

    if (!plain || signo <= 0 || signo >= _NSIG)
        return plain ? plain(signo, action, old) : (errno = ENOSYS, -1);
    fn_before = atomic_load(&handlers[signo].fn);
    flags_before = atomic_load(&handlers[signo].flags);
    mask_before = atomic_load(&handlers[signo].mask);
    installer_before = atomic_load(&handlers[signo].installer);
    if (action && is_to_be_wrapped(action)) {
        ours = *action;
        ours.sa_flags |= SA_SIGINFO;
        ours.sa_sigaction = on_signal;
        /* First, for the signal may come at once. */
        atomic_store(&handlers[signo].installer, cede_self());
        memcpy(&mask, &action->sa_mask, sizeof mask);
        atomic_store(&handlers[signo].mask, mask);
        atomic_store(&handlers[signo].flags, action->sa_flags);
        atomic_store(&handlers[signo].fn, action->sa_sigaction);
        action = &ours;
    }
    if (plain(signo, action, &before) != 0) {
        atomic_store(&handlers[signo].installer, installer_before);
        atomic_store(&handlers[signo].mask, mask_before);
        atomic_store(&handlers[signo].flags, flags_before);
        atomic_store(&handlers[signo].fn, fn_before);
        return -1;
    }
    if (action && is_ignored(signo, action))
        cede__posix_pending_discard(signo);
    if (before.sa_flags & SA_SIGINFO && before.sa_sigaction == on_signal) {
        before.sa_sigaction = fn_before;
        if (!(flags_before & SA_SIGINFO))
            before.sa_flags &= ~SA_SIGINFO;
    }
    if (old)
        *old = before;
    return 0;
}

/* What libc makes of sigaction(2) inside itself. */

typedef void simple_fn(int signo);

static simple_fn *install(int signo, simple_fn *handler, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;

    sigemptyset(&action.sa_mask);
    if (handler == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    return cede__posix_sigaction(signo, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

/* Signals that siginterrupt(3) has made interrupt, for the next signal(3). */
static atomic_bool interrupting[_NSIG];

__typeof__(signal) cede__posix_signal;
CEDE__POSIX_EXPORT(signal, signal);
CEDE__POSIX_EXPORT(bsd_signal, signal);
CEDE__POSIX_EXPORT(ssignal, signal);
simple_fn *cede__posix_signal(int signo, simple_fn *handler)
{
    bool interrupts = signo > 0 && signo < _NSIG && atomic_load(&interrupting[signo]);

    return install(signo, handler, interrupts ? 0 : SA_RESTART);
}

__typeof__(signal) cede__posix_sysv_signal;
CEDE__POSIX_EXPORT(sysv_signal, sysv_signal);
CEDE__POSIX_EXPORT(__sysv_signal, sysv_signal);
simple_fn *cede__posix_sysv_signal(int signo, simple_fn *handler)
{
    return install(signo, handler, (int)SA_RESETHAND | SA_NODEFER);
}

int cede__posix_siginterrupt(int signo, int interrupts); /* libc's declaration calls it deprecated */
CEDE__POSIX_EXPORT(siginterrupt, siginterrupt);
int cede__posix_siginterrupt(int signo, int interrupts)
{
    struct sigaction action;

    if (cede__posix_sigaction(signo, NULL, &action) != 0)
        return -1;
    atomic_store(&interrupting[signo], interrupts != 0);
    action.sa_flags = interrupts ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    return cede__posix_sigaction(signo, &action, NULL);
}
