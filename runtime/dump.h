/* SPDX-License-Identifier: MIT */
/* Reports on tasks, as the runtime needs them. */
#ifndef CEDE_RUNTIME_DUMP_H
#define CEDE_RUNTIME_DUMP_H

#include "sched.h"

/* Reads CEDE_DEBUG and prepares what cannot be prepared when it is needed. Called by each cede_run(); works once. */
void cede__dump_start(void);

#endif
