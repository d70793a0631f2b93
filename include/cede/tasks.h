/* SPDX-License-Identifier: MIT */
/*
 * Several tasks at once: waiting for all of them, for the first that ends, or for the first that fails. They are given
 * as an array of handles, of any tasks of the runtime; children of a group (cede/group.h) are the usual case, for then
 * whatever ends the block early ends them too:
 *
 *     struct cede_task *tasks[3];
 *     int sizes[3];
 *
 *     cede_group (g) {
 *         for (i = 0; i < 3; i++)
 *             tasks[i] = cede_group_go(g, fetch, .url = urls[i]);
 *         if (cede_tasks_gather(tasks, 3, sizes) != 0)
 *             fprintf(stderr, "%s\n", cede_error());
 *     }
 *
 * A task is waited for by one other at a time, as with cede_join(). Cancelling who waits cancels none of the tasks, nor
 * does a deadline: put a cede_timeout scope around the call. (A group that has children without end needs no array:
 * cede_group_next().)
 *
 * All of them fail with -1 and errno
 *   EDEADLK    the caller is one of the tasks; or nothing can ever end the wait (which is also reported on standard
 *              error)
 *   EINVAL     a task is detached, is there twice, or is waited for by another
 *   ESRCH      one of the handles is of no task: joined before, for instance
 *   EPERM      the caller is not a task, or one of the tasks is not of the same runtime
 *   ECANCELED  the caller was cancelled
 *   ETIMEDOUT  a cede_timeout scope around the call ended
 * and then each task is as joinable as before. Where they need not wait they do not, and then succeed even if the
 * caller is cancelled. They allocate nothing, and cost O(count).
 */
#ifndef CEDE_TASKS_H
#define CEDE_TASKS_H

#include <stddef.h>
#include <sys/types.h>

#include <cede/base.h>
#include <cede/task.h>

CEDE_BEGIN_DECLS

/*
 * Parks until all have ended, and joins them; results[i] (unless results is NULL) is what tasks[i] returned. As soon as
 * one fails (returns a negative value), it fails with that one's errno and message (cede_error()): of several, the one
 * that ended first. Then none is joined, and results is as it was; the others go on, unless their group cancels them.
 *
 * Returns 0 (also if count is 0), or -1 with errno; a handle that is NULL is ESRCH.
 * Models: asyncio.gather, Promise.all; but cancelling who waits does not cancel the tasks: a group does.
 */
CEDE_API int cede_tasks_gather(struct cede_task *const *tasks, size_t count, int *results);

/* What cede_tasks_wait() waits for. */
enum cede_tasks_when {
    CEDE_TASKS_FIRST_COMPLETED, /* one has ended */
    CEDE_TASKS_FIRST_EXCEPTION, /* one has ended with a negative result; or all have ended */
    CEDE_TASKS_ALL_COMPLETED,   /* all have ended */
};

/*
 * Parks until that is so; handles that are NULL are left out. Joins none: cede_tryjoin() then tells the tasks that have
 * ended from the others (EBUSY).
 *
 * Returns how many have ended, or -1 with errno; also EINVAL (`when` is none of these) and
 *   ECHILD  no handles are left
 * FIRST_EXCEPTION costs O(count) for each task that ends meanwhile.
 * Models: asyncio.wait.
 */
CEDE_API ssize_t cede_tasks_wait(struct cede_task *const *tasks, size_t count, enum cede_tasks_when when);

/*
 * Parks until one has ended, and returns its place in the array: of several, that of the one that ended first. Joins
 * none; to get the next, join this one and put NULL in its place, for such handles are left out:
 *
 *     while ((i = cede_tasks_next(tasks, count)) >= 0) {
 *         result = cede_await(tasks[i]);
 *         tasks[i] = NULL;
 *     }
 *
 * Returns the index, or -1 with errno; also ECHILD: no handles are left.
 * Models: asyncio.as_completed.
 */
CEDE_API ssize_t cede_tasks_next(struct cede_task *const *tasks, size_t count);

CEDE_END_DECLS

#endif
