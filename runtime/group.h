/* SPDX-License-Identifier: MIT */
/* What other parts of the runtime need of a group beyond cede/group.h. Both are for its owner. */
#ifndef CEDE_RUNTIME_GROUP_H
#define CEDE_RUNTIME_GROUP_H

#include <cede/group.h>

#include "wait.h"

/* Hears of each child's end before anybody else does, also of one that never started because there was no memory for
 * its stack: `done` is valid, and whatever the child was to take over is still the group's. Must not park. */
typedef void cede__group_ended_fn(struct cede_group *group, const struct cede__task *child);

/* For a group that has just been opened. */
void cede__group_on_end(struct cede_group *group, cede__group_ended_fn *ended);

/* Waits until a child ends: EVENT; what ends the wait otherwise cancels nothing. */
enum cede__wake cede__group_wait_end(struct cede_group *group, int64_t deadline_ns);

#endif
