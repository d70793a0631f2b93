/* SPDX-License-Identifier: MIT */
/*
 * The environment variables that users set, and what each can be. Knows nothing of the runtime: the command `cede` has
 * it too.
 */
#ifndef CEDE_RUNTIME_ENVIRONMENT_H
#define CEDE_RUNTIME_ENVIRONMENT_H

#include <stddef.h>

/* The variable's value; NULL if it is not set, empty, or not one that it can have. */
const char *cede__environment_get(const char *name);

/* Puts one line (without its end) about the next variable, from *index on, whose value it cannot have, into text.
 * Returns whether there is one. *index is 0 at first. */
int cede__environment_problem(size_t *index, char *text, size_t size);

#endif
