/* SPDX-License-Identifier: MIT */
/*
 * What every task is doing: for the moment when something goes wrong. A report looks like this:
 *
 *     cede: pid 4711, thread 4711: 3 tasks (1 running, 1 parked, 1 not started), poller epoll, guards by madvise
 *     task 0 "main" running, stack 3 of 256 KiB
 *         #0 0x56066c42fa7c dump_tasks+0xcc (program+0x2a7c)
 *         ...
 *     task 17 "fetch" parked 3.2 s in recv fd 7, cancelled, deadline in 1.1 s, stack 12 of 256 KiB
 *         #0 0x56066c430d0b cede__wait+0x9b (program+0x6d0b)
 *         ...
 *     task 18.2 "fetch" has not started
 *
 * A task's number is the place of its descriptor and, after the point, which task of that place it is, if not the
 * first. The addresses are those of the calls, good for addr2line(1). Names of static functions are read from the
 * program's symbol table, unless it has been stripped. A backtrace of more than 48 frames is shortened in the middle.
 *
 * Two reports come unasked, on standard error:
 *
 * Deadlock: every task waits, for nothing but another of these tasks, and there is no deadline, no descriptor, no
 * cede_park() and no helper thread that could end any of the waits. After the report the first task's wait fails with
 * EDEADLK; if the first task has ended, or has to wait for others all the same (at the end of a group), every task's
 * wait does.
 *
 * Stack overflow: a task touched the guard below its stack. The report has its name, its stack size and the backtrace;
 * then the fault takes its normal course, to a core file or to the handler of SIGSEGV that was there before. cede_run()
 * installs handlers for SIGSEGV and SIGBUS, once, and hands on to the previous ones what is none of a guard's; it gives
 * its thread an alternate signal stack while it runs, unless there is one of 32 KiB or more.
 *
 * What never parks holds up all tasks of its thread. With CEDE_AUDIT=1 in the environment (or `cede run --audit`) a
 * thread of its own watches for that: when a task has neither waited, yielded, ended nor completed a call of cede for
 * CEDE_AUDIT_MS milliseconds (10), a report on standard error names the task, how long, whether it blocks or computes,
 * the function, the library that called it, and its backtrace, while it lasts; a second line tells the whole time. The
 * task's thread gets the signal SIGRTMAX-1 for this, which ends sleep(3), poll(2) and the like with EINTR where they
 * block the thread: for finding out, not for production. It is a second thread, so deadlocks among locks that threads
 * could share are not reported meanwhile. A child of fork(2) is not watched. Off, it costs one getenv(3) in all. A
 * value of CEDE_AUDIT other than 0 and 1, or of CEDE_AUDIT_MS that is no number, is ignored; the first cede_run() says
 * so on standard error.
 */
#ifndef CEDE_DUMP_H
#define CEDE_DUMP_H

#include <cede/base.h>

CEDE_BEGIN_DECLS

/*
 * Writes a report on every task of the calling thread's runtime to the descriptor fd: name, state, what it waits for
 * and since when, how much of its stack was ever used, and its backtrace. Nothing runs meanwhile. A stack of which less
 * than 12 KiB are left is not unwound: then only the innermost function is shown.
 *
 * Returns the number of tasks, or -1 with errno
 *   EPERM   this thread runs no runtime
 *   EAGAIN  a non-blocking descriptor took nothing for a second
 *   those of write(2)
 * Does not park, but blocks the thread while it writes: whoever reads the other end must not be one of these tasks.
 * Models: a goroutine dump, asyncio.all_tasks with print_stack.
 */
CEDE_API int cede_dump(int fd);

/*
 * From now on the signal signo writes cede_dump() of every runtime to standard error: at the runtime's next scheduling
 * point, or, when that does not come within a second signal, at once from the handler. The first call takes effect for
 * the whole process; CEDE_DEBUG=dump in the environment is cede_dump_on_signal(SIGQUIT) at start (other values mean
 * nothing, and the first cede_run() says so). A handler that was there before is called afterwards; a default action is
 * not taken any more.
 *
 * Returns 0, or -1 with errno EINVAL (no such signal, or one that cannot be handled or returned from: SIGKILL, SIGSTOP,
 * SIGSEGV, SIGBUS, SIGILL, SIGFPE).
 * Does not park. Any thread. Models: Go's SIGQUIT, faulthandler.register.
 */
CEDE_API int cede_dump_on_signal(int signo);

CEDE_END_DECLS

#endif
