/* SPDX-License-Identifier: MIT */
/*
 * Task-local values: what __thread is to threads, and inherited by children.
 *
 *     static const struct cede_local user = CEDE_LOCAL_INIT(free);
 *
 *     cede_local_set(&user, strdup(name));
 *     cede_go(audit, .action = "login");        audit() calls cede_local_get(&user)
 *
 * A task begins with the values that its parent had when it was spawned. What either sets afterwards, the other does
 * not see. A generator begins with its consumer's values in the same way. A value lives until its last holder has
 * replaced it or has ended, in whatever way: then the key's destructor is called.
 *
 * Models: contextvars, pthread_setspecific(3), context.WithValue.
 */
#ifndef CEDE_LOCAL_H
#define CEDE_LOCAL_H

#include <cede/base.h>

CEDE_BEGIN_DECLS

/* A key: its address is what counts, and must stay valid while any task has a value for it. All zero is a key without
 * a destructor. */
struct cede_local {
    void (*destroy)(void *value); /* or NULL; see above. Must neither wait nor set task-local values */
};

/* CEDE_LOCAL_INIT(destroy) initialises a key. */
#define CEDE_LOCAL_INIT(destroy) {destroy}

/*
 * The calling task's value of key; NULL if it has none, and outside a task. The value is shared with the tasks that
 * have inherited it, and good as long as the caller does not replace it.
 * Does not park. O(number of keys that the task has values for). Models: ContextVar.get.
 */
CEDE_API void *cede_local_get(const struct cede_local *key);

/*
 * Sets the calling task's value of key; NULL takes it away. The former value is destroyed, unless others hold it. To
 * set the value that it has already changes nothing.
 *
 * Returns 0, or -1 with errno, and the value still the caller's
 *   EPERM   the caller is not a task
 *   ENOMEM  no memory for it
 * Does not park. O(number of keys that the task has values for). Models: ContextVar.set.
 */
CEDE_API int cede_local_set(const struct cede_local *key, void *value);

/*
 * cede_local_with (key, value) statement: inside, key has this value; afterwards it has again the one that it had
 * before, in whatever way the statement is left, cede_exit() included. If the value cannot be set (see
 * cede_local_enter()), the statement is skipped, with that errno.
 * errno is preserved on the way out. Models: with var.set(value), context.WithValue.
 */
#define cede_local_with(key, value)                                                                                 \
    for (struct cede_local_scope CEDE__UNIQUE(cede__local) __attribute__((cleanup(cede_local_leave))),               \
         *CEDE__UNIQUE(cede__bound) = cede__local_with(&CEDE__UNIQUE(cede__local), (key), (value));                  \
         CEDE__UNIQUE(cede__bound); CEDE__UNIQUE(cede__bound) = (struct cede_local_scope *)0)

/* Such a scope's state, on the stack of the task that entered it. Its members are private. */
struct cede_local_scope {
    void *cede__private[14];
};

/*
 * The same without the macro.
 *
 * Returns 0, or -1 with errno, and the value still the caller's
 *   EPERM   the caller is not a task
 *   ENOMEM  no memory for it
 * Does not park. While a task is inside, each spawn copies its values: O(number of keys that it has values for).
 */
CEDE_API int cede_local_enter(struct cede_local_scope *scope, const struct cede_local *key, void *value);

/*
 * Must be called in the reverse order of entering, other scopes included, by the task that entered, before *scope goes
 * out of existence. Leaving one that could not be entered does nothing. Does not park. Models: ContextVar.reset.
 */
CEDE_API void cede_local_leave(struct cede_local_scope *scope);

/* What the macro expands to. Returns scope, or NULL if it was not entered. */
CEDE_API struct cede_local_scope *cede__local_with(struct cede_local_scope *scope, const struct cede_local *key,
                                                   void *value);

CEDE_END_DECLS

#endif
