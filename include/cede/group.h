/* SPDX-License-Identifier: MIT */
/*
 * Groups: tasks that belong to a block of code, and end before it does.
 *
 *     cede_group (g) {
 *         cede_group_go(g, fetch, .url = a, .bytes = &n[0]);
 *         cede_group_go(g, fetch, .url = b, .bytes = &n[1]);
 *         if (cede_group_wait(g) != 0)
 *             perror("fetch");
 *     }
 *
 * The block waits for the group's tasks at its end. Leaving it early (break, return, goto, cede_exit) cancels them
 * first. When one fails (returns a negative value), the others are cancelled, and so is what is left of the block: its
 * waits fail with ECANCELED until its end. Nothing of a group outlives it. When the task that opened it is cancelled or
 * a deadline passes while it waits for the group, the group's tasks are cancelled, and awaited all the same.
 *
 * A group belongs to the task that opened it: every call below with a group must come from that task (EPERM), except
 * that any task of the group may add siblings. Once it has ended it is nobody's: all fail with EPERM.
 *
 * Models: asyncio.TaskGroup, errgroup.Group, Trio's nursery.
 */
#ifndef CEDE_GROUP_H
#define CEDE_GROUP_H

#include <stddef.h>

#include <cede/base.h>
#include <cede/task.h>

CEDE_BEGIN_DECLS

/* A group's state, on the stack of the task that opened it. Its members are private. */
struct cede_group {
    void *cede__private[24];
};

/* cede_group (g) statement: g is a struct cede_group *, for the statement. Outside a task, what uses g fails with
 * EPERM. */
#define cede_group(g)                                                                                              \
    for (struct cede_group CEDE__UNIQUE(cede__group) __attribute__((cleanup(cede__group_leave))),                   \
         *g = cede__group_enter(&CEDE__UNIQUE(cede__group));                                                        \
         g; g = cede__group_end(g))

/*
 * The same without the macro. cede_group_open() begins a group, cede_group_close() ends it: it
 * must be called by the same task, scopes and groups in the reverse order of opening. To leave early, call
 * cede_group_cancel() first.
 *
 * cede_group_open() returns 0, or -1 with errno EPERM (not in a task). It does not park.
 */
CEDE_API int cede_group_open(struct cede_group *group);

/*
 * Parks until the group's tasks have ended, and ends the group. Returns what cede_group_wait() does, with those of
 * cede_group_wait() in errno; in any case the group has ended, but for EPERM.
 * Models: the end of `async with TaskGroup()`, Group.Wait of errgroup.
 */
CEDE_API int cede_group_close(struct cede_group *group);

/*
 * Spawns a task into the group, as cede_spawn_attr() (attr may be NULL). If the group has a limit, parks until fewer
 * tasks run. The handle may be joined, once, until the group ends; whoever does not care need not. A task with
 * attr->detached is forgotten as soon as it has ended: for groups that spawn without end, like servers.
 *
 * Returns the task, or NULL with errno
 *   those of cede_spawn()
 *   EPERM      the caller is neither the group's owner nor one of its tasks
 *   ECANCELED  the group was cancelled or one of its tasks has failed, or the caller was cancelled while it waited
 *   ETIMEDOUT  a deadline passed while it waited
 */
CEDE_API struct cede_task *cede_group_spawn(struct cede_group *group, const struct cede_task_attr *attr,
                                            cede_task_fn *fn, void *arg);

/* cede_group_go(group, fn, .member = value, ...): the same with named arguments, as cede_go(). */
#define cede_group_go(group, fn, ...)                                                                               \
    cede__group_go((group), #fn, (cede_task_fn *)_Generic(&(fn), int (*)(struct fn *): (fn)),                        \
                   &(struct fn){__VA_ARGS__}, CEDE__ARGS_SIZE(struct fn))

/* At most `tasks` of the group's tasks run at a time from now on; 0: no limit. Returns 0, or -1 with errno EPERM.
 * Does not park. Models: Group.SetLimit of errgroup. */
CEDE_API int cede_group_limit(struct cede_group *group, size_t tasks);

/*
 * Parks until every task of the group has ended.
 *
 * Returns 0 if all succeeded; else -1 with errno
 *   the errno of the first task that failed, and its message (cede_error())
 *   ECANCELED, ETIMEDOUT, EDEADLK  the wait was ended: the tasks were then cancelled, and have ended all the same; also
 *                                  ECANCELED after cede_group_cancel() if nothing else is to be reported
 *   EPERM                          the caller does not own the group
 * More tasks may be spawned afterwards, if none has failed.
 */
CEDE_API int cede_group_wait(struct cede_group *group);

/*
 * Parks until the next task ends, in the order in which they end: the task that first calls it gets the first. Its
 * result is then cede_join()'s without waiting. Detached and already joined tasks are left out.
 *
 * Returns the task, or NULL with errno
 *   ECHILD                         no task is left that was not returned before
 *   ECANCELED, ETIMEDOUT, EDEADLK  as every wait; nothing is cancelled
 *   EPERM                          the caller does not own the group
 * Models: asyncio.as_completed, asyncio.wait(FIRST_COMPLETED).
 */
CEDE_API struct cede_task *cede_group_next(struct cede_group *group);

/* Cancels every task of the group and refuses more. Returns 0, or -1 with errno EPERM. Does not park. Models:
 * CancelScope.cancel of Trio. */
CEDE_API int cede_group_cancel(struct cede_group *group);

/*
 * With keep_going nonzero, a task's failure no longer cancels the others: cede_group_wait() waits for all of them, then
 * reports the first failure. Returns 0, or -1 with errno EPERM. Does not park.
 * Models: gather(return_exceptions=True).
 */
CEDE_API int cede_group_keep_going(struct cede_group *group, int keep_going);

/*
 * With depth_first nonzero, what is spawned into the group from now on starts as with attr->depth_first (cede_spawn()),
 * whatever its own attr says: for trees of tasks. Returns 0, or -1 with errno EPERM. Does not park.
 */
CEDE_API int cede_group_depth_first(struct cede_group *group, int depth_first);

/* What the macros expand to. */
CEDE_API struct cede_group *cede__group_enter(struct cede_group *group);
CEDE_API struct cede_group *cede__group_end(struct cede_group *group);
CEDE_API void cede__group_leave(struct cede_group *group);
CEDE_API struct cede_task *cede__group_go(struct cede_group *group, const char *name, cede_task_fn *fn,
                                          const void *args, size_t args_size);

CEDE_END_DECLS

#endif
