/* SPDX-License-Identifier: MIT */
/*
 * The environment variables that users set, and what each can be: the only place that reads them, so that none is
 * judged by two rules. Knows nothing of the runtime: libcede-posix and the command `cede` have it too.
 *
 * The first cede_run() says on standard error which values are wrong, `cede run` refuses to start with one. What a
 * wrong value does is its variable's business: it is as if unset, or makes cede_run() fail.
 *
 * Any thread, as getenv(3). errno stays as it is but where it is said.
 */
#ifndef CEDE_RUNTIME_ENVIRONMENT_H
#define CEDE_RUNTIME_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

/* A variable of words. 0, and *value, which is NULL if it is not set or empty; or -1 with errno EINVAL: it is not one
 * that the variable can have. */
int cede__environment_get(const char *name, const char **value);

/* A variable of one number. 0, and *value, which stays as it is if the variable is not set or empty; or -1 with errno
 * EINVAL: it is no number, or out of its bounds. */
int cede__environment_number(const char *name, long *value);

/* Whether the variable has a value that it can have, and that is this word, or a list with it. */
bool cede__environment_has(const char *name, const char *word);

/* Puts one line (without its end) about the next variable, from *index on, whose value it cannot have, into text.
 * Returns whether there is one. *index is 0 at first. */
bool cede__environment_problem(size_t *index, char *text, size_t size);

#endif
