/* SPDX-License-Identifier: MIT */
/* Who blocks a worker's thread: CEDE_AUDIT=1, described in cede/dump.h. */
#ifndef CEDE_RUNTIME_AUDIT_H
#define CEDE_RUNTIME_AUDIT_H

/* Reads CEDE_AUDIT, and starts the thread that watches if it is set. Called by each cede_run(); works once. Nothing
 * else in the runtime knows of it. */
void cede__audit_start(void);

#endif
