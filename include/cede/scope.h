/* SPDX-License-Identifier: MIT */
/*
 * Scopes: a deadline, or a shield against cancellation, for everything that a block of code calls.
 *
 *     cede_timeout (5 * CEDE_SECOND) {
 *         if (fetch(url) != 0 && errno == ETIMEDOUT)
 *             fprintf(stderr, "%s: too slow\n", url);
 *     }
 *
 * When the deadline passes, the wait that the task is in fails with ETIMEDOUT, and so does every further wait inside
 * the scope. A wait that completed keeps its result. Scopes nest: the nearest deadline wins; a scope cannot extend an
 * outer one. Tasks spawned inside inherit the nearest deadline. ECANCELED (somebody cancelled the task) is reported
 * before ETIMEDOUT where both hold: a task that was cancelled never takes that for a timeout. Of several scopes,
 * cede_scope_expired() tells whose deadline it was.
 *
 * The block may be left in any way: at its end, by break (which leaves the scope, not a loop around it), continue
 * (the same), return or goto. errno is preserved on the way out. Outside a task a scope has no effect.
 */
#ifndef CEDE_SCOPE_H
#define CEDE_SCOPE_H

#include <stdint.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/* A scope's state, on the stack of the task that opened it. Its members are private. */
struct cede_scope {
    void *cede__private[10];
};

/*
 * cede_timeout (duration_ns) statement: duration_ns >= 0; 0 lets the first wait fail; CEDE_FOREVER sets no deadline.
 * A negative duration is reported by its first wait, with EINVAL.
 * Models: asyncio.timeout, context.WithTimeout.
 */
#define cede_timeout(duration_ns)                                                                                  \
    for (struct cede_scope CEDE__UNIQUE(cede__scope) __attribute__((cleanup(cede_scope_leave))),                    \
         *CEDE__UNIQUE(cede__once) = cede__scope_enter_timeout(&CEDE__UNIQUE(cede__scope), (duration_ns));          \
         CEDE__UNIQUE(cede__once); CEDE__UNIQUE(cede__once) = (struct cede_scope *)0)

/*
 * cede_shield statement: inside, the task's cancellation and the deadlines of outer scopes do not end waits; deadlines
 * set inside do. Afterwards cancellation holds again. For clean-up that has to wait. So that it cannot do so for ever,
 * give it a grace deadline of its own, which no outer one shortens:
 *
 *     cede_shield cede_timeout (CEDE_SECOND)
 *         say_goodbye(fd);                      (a wait after the second fails with ETIMEDOUT)
 *
 * Models: asyncio.shield, context.WithoutCancel.
 */
#define cede_shield                                                                                                \
    for (struct cede_scope CEDE__UNIQUE(cede__shield) __attribute__((cleanup(cede_scope_leave))),                   \
         *CEDE__UNIQUE(cede__shielded) = cede__scope_enter_shield(&CEDE__UNIQUE(cede__shield));                     \
         CEDE__UNIQUE(cede__shielded); CEDE__UNIQUE(cede__shielded) = (struct cede_scope *)0)

/*
 * The same without macros, for compilers and languages that lack the cleanup attribute. Scopes must be left in the
 * reverse order of entering, by the task that entered them, before *scope goes out of existence.
 *
 * cede_scope_timeout() and cede_scope_shield() return 0, or -1 with errno
 *   EINVAL  cede_scope_timeout(): duration_ns is negative; the scope is not entered
 * cede_scope_expired() tells whether this scope's own deadline ended a wait or has passed: 1 or 0; valid until it is
 * left; 0 outside a task.
 * None of them parks. Models: asyncio.timeout, asyncio.shield, Timeout.expired.
 */
CEDE_API int cede_scope_timeout(struct cede_scope *scope, int64_t duration_ns);
CEDE_API int cede_scope_shield(struct cede_scope *scope);
CEDE_API int cede_scope_expired(const struct cede_scope *scope);
CEDE_API void cede_scope_leave(struct cede_scope *scope);

/*
 * Nanoseconds until the nearest deadline that applies to the calling task: 0 if it has passed, CEDE_FOREVER if there is
 * none or outside a task. Does not park. Models: Context.Deadline.
 */
CEDE_API int64_t cede_time_left(void);

/* What the macros expand to. Both return scope. */
CEDE_API struct cede_scope *cede__scope_enter_timeout(struct cede_scope *scope, int64_t duration_ns);
CEDE_API struct cede_scope *cede__scope_enter_shield(struct cede_scope *scope);

CEDE_END_DECLS

#endif
