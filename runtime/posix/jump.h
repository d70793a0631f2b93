/* SPDX-License-Identifier: MIT */
/*
 * Jumps out of signal handlers: siglongjmp(3) and relatives.
 *
 * POSIX lets a handler that has interrupted a call such as read(2) leave it by a jump to where the program once called
 * sigsetjmp(3): shells do, and whoever puts a limit on a call by alarm(2). What is interrupted may be a task that
 * waits, whose waiter and timer are in lists; another task, if it is on that one's stack that the thread waits for
 * events; or the runtime in the midst of something. To leave these as they are would be the end of them.
 *
 * So there the jump is put off. The handler's frames are given up, the signal returns, the task to whose frames the
 * jump leads finds its wait ended, as by EINTR, and jumps when its call has let go of everything. Where the program's
 * own code was interrupted, it jumps at once.
 *
 * Which task that is, nobody can tell from a jmp_buf. It is taken to be the one that has installed the handler, or, if
 * that is not one of this thread, the one that was interrupted; among threads that are tasks (thread.h) it is the one
 * that the signal belongs to.
 */
#ifndef CEDE_POSIX_JUMP_H
#define CEDE_POSIX_JUMP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <cede/task.h>

typedef void cede__posix_handler_fn(int signo, siginfo_t *info, void *context);

/* Calls a handler of the program. owner: the task to whose frames it may jump, or NULL: not known. added: the signals
 * that are blocked while it runs, as mask.h has them. Returns false if it has been left by a jump, which is put off. */
bool cede__posix_jump_handle(cede__posix_handler_fn *fn, int signo, siginfo_t *info, void *context,
                             struct cede_task *owner, uint64_t added);

/* Looks where the code lies that is none of the program's. Called by the constructor. */
void cede__posix_jump_start(void);

#endif
