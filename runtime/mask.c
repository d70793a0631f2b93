/* SPDX-License-Identifier: MIT */
/* The signal mask of a thread whose tasks wait for signals; see mask.h, and cede_sigprocmask() in cede/signal.h. */
#include "mask.h"

#include <cede/signal.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

enum { SIGNALS = 64 };

#define LIBCS_OWN ((uint64_t)3 << 31) /* signals that nobody else may block */

#define BIT(signo) ((uint64_t)1 << ((signo) - 1))

/* What comes of what a task does: where it is blocked, the kernel ends the process instead of calling the handler. */
#define OF_FAULTS (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGFPE) | BIT(SIGTRAP) | BIT(SIGSYS))

/* As the kernel has them: 1 << (signo - 1). */
static _Thread_local struct {
    unsigned lets, holds;         /* sums of the counts: 0 and 0: the mask is the program's */
    uint16_t letting[SIGNALS];    /* tasks that wait for the signal: its handler is ours */
    uint16_t suspending[SIGNALS]; /* tasks in sigsuspend(2) whose mask lets it through */
    uint64_t let;                 /* what the program blocks, but for `letting` */
    uint64_t held;                /* what is blocked for those in sigsuspend(2), but for `letting` ... */
    uint64_t wanted;              /* ... and of these what the program has blocked since */
    pid_t process;                /* whose tasks these are: not those of a child of vfork(2) */
} state __attribute__((tls_model("initial-exec")));

static uint64_t mask_of(const sigset_t *set)
{
    uint64_t mask;

    memcpy(&mask, set, sizeof mask);
    return mask;
}

/* The OS thread's mask; cannot fail. By no name: whoever stands before pthread_sigmask(3) asks cede_sigprocmask(). */
static uint64_t os_mask(int how, uint64_t mask)
{
    uint64_t before;

    syscall(SYS_rt_sigprocmask, how, &mask, &before, CEDE__SYS_SIGSET_BYTES);
    return before;
}

/* From here to leave() no handler runs. Returns what is blocked otherwise, for the other. */
static uint64_t enter(void)
{
    return os_mask(SIG_BLOCK, ~LIBCS_OWN);
}

static void leave(uint64_t os)
{
    os_mask(SIG_SETMASK, os);
}

static unsigned count(uint16_t *counts, uint64_t mask, int by)
{
    unsigned counted = 0;

    for (; mask; mask &= mask - 1, counted++)
        counts[__builtin_ctzll(mask)] = (uint16_t)(counts[__builtin_ctzll(mask)] + by);
    return counted;
}

/* Of these, those that are counted. */
static uint64_t counted(const uint16_t *counts, uint64_t among)
{
    uint64_t mask = 0, left;

    for (left = among; left; left &= left - 1)
        if (counts[__builtin_ctzll(left)] > 0)
            mask |= left & -left;
    return mask;
}

/* Of these, those that have a handler of the program, and may be blocked for a while. */
static uint64_t handled(uint64_t among)
{
    struct sigaction action;
    uint64_t mask = 0;

    for (among &= ~(OF_FAULTS | counted(state.letting, among)); among; among &= among - 1)
        if (sigaction(__builtin_ctzll(among) + 1, NULL, &action) == 0
            && (action.sa_flags & SA_SIGINFO || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)))
            mask |= among & -among;
    return mask;
}

uint64_t cede__mask_os(void)
{
    return os_mask(SIG_BLOCK, 0);
}

/* ---- the waits ---- */

void cede__mask_let_through(const sigset_t *set)
{
    uint64_t os = enter(), mask = mask_of(set), blocked = os & mask & ~counted(state.letting, mask);

    state.process = getpid();
    state.lets += count(state.letting, mask, 1);
    state.let |= blocked & (~state.held | state.wanted);
    leave(os & ~blocked);
}

void cede__mask_let_through_end(const sigset_t *set)
{
    uint64_t os = enter(), mask = mask_of(set), blocked;

    state.lets -= count(state.letting, mask, -1);
    blocked = (state.let | state.held) & mask & ~counted(state.letting, mask);
    state.let &= ~blocked;
    leave(os | blocked);
}

bool cede__mask_lets_through(int signo)
{
    return state.letting[signo - 1] > 0;
}

void cede__mask_hold(const sigset_t *mask)
{
    uint64_t os = enter();

    state.process = getpid();
    state.holds++;
    count(state.suspending, ~mask_of(mask), 1);
    state.held |= handled(~os);
    leave(os | (state.held & ~counted(state.letting, state.held)));
}

static uint64_t without_held(uint64_t os)
{
    os &= ~(state.held & ~state.wanted);
    state.held = state.wanted = 0;
    return os;
}

void cede__mask_hold_end(const sigset_t *mask)
{
    uint64_t os;

    if (state.holds == 0) /* a handler that interrupted it has forked */
        return;
    os = enter();
    count(state.suspending, ~mask_of(mask), -1);
    leave(--state.holds > 0 ? os : without_held(os));
}

void cede__mask_forked(void)
{
    uint64_t os = enter();

    state.process = getpid();
    state.holds = 0;
    memset(state.suspending, 0, sizeof state.suspending);
    leave(without_held(os));
}

/* ---- the program's changes ---- */

/* The program's mask, where this is the OS thread's. */
static uint64_t program_mask(uint64_t os)
{
    return (os & ~(state.held & ~state.wanted)) | state.let;
}

/* Returns the OS thread's mask when the program's is to be `next`. */
static uint64_t change(uint64_t os, uint64_t next)
{
    uint64_t before = program_mask(os), blocks = next & ~before, opens = before & ~next;
    uint64_t caught = counted(state.letting, blocks), kept;

    /* What a task in sigsuspend(2) lets through is left to it. */
    kept = handled(counted(state.suspending, opens & ~state.let));
    state.let = (state.let & ~opens) | caught;
    state.held |= kept;
    state.wanted = (state.wanted & ~opens) | (blocks & state.held);
    return (os | (blocks & ~caught)) & ~(opens & ~kept);
}

int cede_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    bool shared = state.lets + state.holds > 0 && state.process == getpid();
    uint64_t os, before, given = set ? mask_of(set) & ~LIBCS_OWN : 0;

    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) {
        errno = EINVAL;
        return -1;
    }
    if (!shared) {
        before = os_mask(set ? how : SIG_BLOCK, given);
    } else {
        os = enter();
        before = program_mask(os);
        if (set)
            os = change(os, how == SIG_BLOCK ? before | given : how == SIG_UNBLOCK ? before & ~given : given);
        leave(os);
    }
    if (old) {
        sigemptyset(old);
        memcpy(old, &before, sizeof before);
    }
    return 0;
}
