/* SPDX-License-Identifier: MIT */
/* Task-local values, as the rest of the runtime sees them. A holder's pointer is NULL while it has no values. */
#ifndef CEDE_RUNTIME_LOCAL_H
#define CEDE_RUNTIME_LOCAL_H

#include "task.h"

/* Makes *heir a holder of the values that `from`, which has some, has now. 0, or -1 with errno ENOMEM. O(1), unless
 * `from` is in a cede_local_with scope. */
int cede__local_inherit(struct cede__task *from, struct cede__locals **heir);

/* The holder's values are no longer needed: destroys those that nobody else holds. *holder is then NULL. */
void cede__local_drop(struct cede__locals **holder);

#endif
