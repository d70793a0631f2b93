/* SPDX-License-Identifier: MIT */
/*
 * What every task is doing: for the moment when something goes wrong.
 */
#ifndef CEDE_DUMP_H
#define CEDE_DUMP_H

#include <cede/base.h>

CEDE_BEGIN_DECLS

/*
 * Writes a report on every task of the calling thread's runtime to the descriptor fd: name, state, what it waits for
 * and since when, how much of its stack it has ever used, and its backtrace. Nothing runs meanwhile.
 *
 * Returns the number of tasks, or -1 with errno
 *   EPERM  this thread runs no runtime
 *   those of write(2)
 * Does not park. Models: a goroutine dump, asyncio.all_tasks with print_stack.
 */
CEDE_API int cede_dump(int fd);

/*
 * From now on the signal signo writes cede_dump() of every runtime to standard error: at the runtime's next scheduling
 * point, or, when that does not come within a second signal, at once from the handler. The first call takes effect for
 * the whole process; CEDE_DEBUG=dump in the environment is cede_dump_on_signal(SIGQUIT) at start.
 *
 * Returns 0, or -1 with errno EINVAL (no such signal, or one that cannot be handled).
 * Any thread. Models: Go's SIGQUIT, faulthandler.register.
 */
CEDE_API int cede_dump_on_signal(int signo);

CEDE_END_DECLS

#endif
