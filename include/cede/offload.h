/* SPDX-License-Identifier: MIT */
/*
 * Offload: a function that blocks its thread, or computes for long, runs on a helper thread while its task parks.
 *
 *     struct digest { const char *path; };
 *     static int digest(struct digest *a) { ... }
 *
 *     int sum;
 *     if (cede_offload_go(digest, &sum, .path = "/etc/passwd") == 0)
 *         printf("%d\n", sum);
 *
 * There are at most 16 helper threads for the whole process; they are started when needed and end when idle. What comes
 * while all are busy waits for its turn, so functions should not wait for others that have yet to be offloaded. Helpers
 * receive no signals and run no tasks: in them every call of cede blocks, as outside a runtime. To give results to
 * tasks from there, use futures, channels and the like.
 *
 * A thread cannot be stopped from outside: when the wait ends early (cancellation, deadline), a function that has begun
 * goes on to its end, and its result is lost; one that has not begun is never called. The errno does not tell which. So
 * what the function uses must outlive it: static or allocated memory, never the caller's stack. Where it must be the
 * stack, or where somebody has to know when the memory is free again, do without the early end:
 *
 *     cede_shield
 *         cede_offload(sort, &numbers, NULL);              (returns when sort() has)
 */
#ifndef CEDE_OFFLOAD_H
#define CEDE_OFFLOAD_H

#include <stddef.h>

#include <cede/base.h>
#include <cede/task.h>

CEDE_BEGIN_DECLS

/*
 * Calls fn(arg) on a helper thread and parks the task until it has returned. *result (unless result is NULL) is what it
 * returned; where that is negative, errno is the one it left, and cede_error() its message. Outside a task fn is called
 * in place.
 *
 * Returns 0, or -1 with errno, and *result as it was
 *   ECANCELED  the task was cancelled; fn may go on
 *   ETIMEDOUT  a cede_timeout scope around the call ended; fn may go on
 *   EAGAIN     no helper thread could be started; fn was not called
 *   ENOMEM     no memory; fn was not called
 *   EINVAL     fn is NULL
 * A result that has arrived counts more than a cancellation. A task that is already cancelled does not call fn. A
 * runtime does not wait for the functions that its tasks have given up. In a child of fork(2) what was under way is not
 * done.
 *
 * Cost: an allocation and some microseconds of switching threads. Models: asyncio.to_thread.
 */
CEDE_API int cede_offload(cede_task_fn *fn, void *arg, int *result);

/*
 * cede_offload_go(fn, result, .member = value, ...): the same with named arguments, as cede_go(): fn gets a copy of its
 * own, which lives as long as fn runs. What the members point to must live as long as well. -1 with errno ECANCELED,
 * ETIMEDOUT, EAGAIN or ENOMEM as above.
 */
#define cede_offload_go(fn, result, ...)                                                                             \
    cede__offload_go(#fn, (cede_task_fn *)_Generic(&(fn), int (*)(struct fn *): (fn)), &(struct fn){__VA_ARGS__},    \
                     CEDE__ARGS_SIZE(struct fn), (result))

/* What the macro expands to. `what` is shown in dumps, and must stay. */
CEDE_API int cede__offload_go(const char *what, cede_task_fn *fn, const void *args, size_t args_size, int *result);

CEDE_END_DECLS

#endif
