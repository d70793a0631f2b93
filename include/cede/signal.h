/* SPDX-License-Identifier: MIT */
/*
 * Signals as events: a task waits for one instead of being interrupted by it; and the orderly end of a program that is
 * told to end.
 *
 *     cede_shutdown_on_signal(SIGINT);     Ctrl-C cancels the first task, and with it all; a second one kills
 *     cede_shutdown_on_signal(SIGTERM);
 *
 *     sigset_t hup;                        a task that reads its configuration again
 *     sigemptyset(&hup);
 *     sigaddset(&hup, SIGHUP);
 *     cede_signal_watch(&hup);
 *     while (cede_signal_wait(&hup, NULL) > 0)
 *         reload();
 *     cede_signal_unwatch(&hup);
 *
 * While a signal is waited for or watched, it is caught in the whole process: its action, be it to end the process, to
 * ignore it or a handler, is put aside, and put back when the last one who waits or watches is done. The signals need
 * not be blocked. Where they are, they are let through on the thread of the task that waits or watches, as long as it
 * does.
 *
 * Signals that make no sense here give EINVAL: SIGKILL, SIGSTOP, which cannot be caught, and SIGSEGV, SIGBUS, SIGILL,
 * SIGFPE, from which there is no return.
 */
#ifndef CEDE_SIGNAL_H
#define CEDE_SIGNAL_H

#include <signal.h>
#include <sys/select.h> /* sigset_t, in strict ISO C too */

#include <cede/base.h>
#include <cede/task.h>

struct timespec;

struct cede_task;

CEDE_BEGIN_DECLS

/*
 * Parks the task until one of the signals of *set arrives; its siginfo_t goes to *info, unless info is NULL. Each
 * signal that arrives ends one wait: of those that ask for it, the longest one of the runtime that comes to it first.
 *
 * Between two waits of one task a signal takes its normal course, unless it is watched: see cede_signal_watch().
 *
 * Returns the signal's number, or -1 with errno
 *   EINVAL                set is NULL or empty, or one with a signal that makes no sense here
 *   ECANCELED, ETIMEDOUT  as every wait; no signal has been taken
 * Outside a task: sigwaitinfo(2), which wants the signals to be blocked. Models: sigwaitinfo(2).
 */
#ifdef SA_SIGINFO /* strict ISO C without _POSIX_C_SOURCE has no siginfo_t */
CEDE_API int cede_signal_wait(const sigset_t *set, siginfo_t *info);
#endif

/*
 * The waits of POSIX, for signals that the program has blocked: sigtimedwait(2), which with a timeout of NULL is
 * sigwaitinfo(2). Nothing is caught or let through. Needs a descriptor while it waits.
 *
 * Returns the signal's number, or -1 with errno
 *   ECANCELED, ETIMEDOUT  as every wait; no signal has been taken
 *   EAGAIN  the timeout has passed
 *   EINVAL  the timeout is no time
 *   EMFILE, ENFILE  no descriptor to wait with
 * Outside a task: the plain call.
 */
#ifdef SA_SIGINFO
CEDE_API int cede_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
#endif

/*
 * pause(2) and sigsuspend(2): park until a signal has come that has a handler, and the handler has run. Only handlers
 * that were there when the wait began count. While a task waits, signals that have a handler are blocked on its thread
 * and let through by the wait alone: tasks beside it see those that *mask blocks when it has ended. Afterwards the mask
 * is what the program has made it: see cede_sigprocmask(). But for those of faults (SIGSEGV, SIGBUS, SIGILL, SIGFPE,
 * SIGTRAP, SIGSYS): their handlers run at once, and end no wait.
 *
 * Each returns -1, always, with errno
 *   EINTR  a handler has run
 *   ECANCELED, ETIMEDOUT  as every wait; no signal has come
 * Outside a task: the plain calls.
 */
CEDE_API int cede_pause(void);
CEDE_API int cede_sigsuspend(const sigset_t *mask);

/*
 * sigprocmask(2): changes the signal mask of the calling thread to *set, unless set is NULL, and tells in *old, unless
 * old is NULL, what it was. The mask belongs to the thread: all tasks of a runtime have one between them (those that
 * `cede run --threads` makes of threads have one each). The masks that cede_sigsuspend(), cede_ppoll() and their like
 * are given hold for that one call.
 *
 * Where tasks of the thread wait for signals, only this call is as it should be: it does not tell what is blocked or
 * let through for the waits alone, and what it changes lasts when they have ended. libcede-posix has pthread_sigmask(3)
 * and sigprocmask(2) lead here; without it, what those block beside a cede_sigsuspend() may be unblocked by its end.
 * What it unblocks while a task is in cede_sigsuspend() that lets it through is that task's.
 *
 * Returns 0, or -1 with errno
 *   EINVAL  how is none of SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK
 * Does not park. Any thread; in a signal handler too. Models: sigprocmask(2), pthread_sigmask(3).
 */
CEDE_API int cede_sigprocmask(int how, const sigset_t *set, sigset_t *old);

/*
 * From now on the signals of *set are caught and kept for whoever waits for them, until the same set is given to
 * cede_signal_unwatch(): nothing is lost between two waits. As in the kernel, a standard signal that is kept already is
 * not kept twice; of real-time signals up to 256 are kept, in their order, and what comes then is lost. Watches add up,
 * and must be ended in the runtime that began them.
 * What is still kept when nobody waits for a signal or watches it any more is raised again, and takes its course.
 *
 * Return 0, or -1 with errno
 *   EINVAL  as for cede_signal_wait(); for the latter also: a signal of the set is not watched
 *   EPERM   the caller is not a task
 * Neither parks. Models: Go's signal.Notify and signal.Stop.
 */
CEDE_API int cede_signal_watch(const sigset_t *set);
CEDE_API int cede_signal_unwatch(const sigset_t *set);

/*
 * From now on the signal asks the program to end: it cancels the first task of the caller's runtime (and of each other
 * one that has called this), which can do what it has to do before it returns; when it does, all other tasks are
 * cancelled too. A second such signal does at once what it does by default, which kills the process: also one that is
 * stuck. When these runtimes have ended, the action that was there before is put back and taken.
 *
 * Returns 0, or -1 with errno
 *   EINVAL  a signal that makes no sense here
 *   EPERM   the caller is not a task
 * Does not park. Models: asyncio.run's handling of Ctrl-C, Go's signal.NotifyContext.
 */
CEDE_API int cede_shutdown_on_signal(int signo);

/*
 * For whoever stands between the program and its handlers; libcede-posix does. To be called in a handler, once the
 * program's own function has returned. As signal(7) has it, the handler ends a call that waits with EINTR:
 *
 *   - restart is 0 (the handler was installed without SA_RESTART): any call of libc that POSIX lets end so: read,
 *     write, recv, send, accept, connect, poll, select, nanosleep, usleep ... (cede/io.h);
 *   - restart is not 0: only those that are never restarted: poll, select, the sleeps, and reads and writes of a socket
 *     with SO_RCVTIMEO or SO_SNDTIMEO.
 *
 * A signal interrupts one thread, and so one task: the runtime's first, if it is in such a call, as the kernel prefers
 * the first thread; else the one that has been in such a call for the longest time. Nothing happens if there is none,
 * or if the calling thread runs no runtime: the kernel then does what is needed. Calls that have no counterpart in
 * POSIX, like cede_sleep() and cede_join(), go on.
 *
 * Does not park; keeps errno. In a signal handler, or anywhere.
 */
CEDE_API void cede_signal_handled(int restart);

/*
 * The same for a signal that was meant for one task, and for no other: if it is in such a call now, that ends with
 * EINTR. Not in a signal handler: for after the handler has run.
 *
 * Returns 0, or -1 with errno
 *   ESRCH  no such task
 *   EPERM  the caller is not a task of the same runtime
 * Does not park. Models: pthread_kill(3).
 */
CEDE_API int cede_signal_interrupt(struct cede_task *task, int restart);

enum { CEDE_SIGNAL_RESTART = 1, CEDE_SIGNAL_NEXT = 2, CEDE_SIGNAL_NONE = 4 };

/*
 * The same from where cede_signal_interrupt() may not be called: a signal handler, or another thread. how is 0 or a sum
 * of
 *   CEDE_SIGNAL_RESTART  as restart above
 *   CEDE_SIGNAL_NEXT     any call that can end with EINTR, and if the task is in none, the next one it comes to
 * or CEDE_SIGNAL_NONE: what was asked for so is forgotten. Without CEDE_SIGNAL_NEXT nothing happens if the handler has
 * interrupted the task itself, for then it is in no such call.
 *
 * Returns 0, or -1 with errno
 *   ESRCH   no such task
 *   EAGAIN  15 such posts have yet to be delivered
 * Does not park. In a signal handler, or anywhere.
 */
CEDE_API int cede_signal_post(struct cede_task *task, int how);

/*
 * Instead of cede_signal_handled(), where the program's handler has been left by a jump to frames of this task, which
 * is to be made when the call of libc that it is in has ended: has that end with EINTR, whatever SA_RESTART says, if it
 * waits or comes to it. NULL: the jump is made.
 *
 * Returns 0, or -1 with errno
 *   ESRCH  no such task, or it is another thread's
 *   EPERM  the calling thread runs no runtime
 * Does not park. One task at a time for each thread. In a signal handler, or anywhere.
 */
CEDE_API int cede_signal_jumped(struct cede_task *task);

CEDE_END_DECLS

#endif
