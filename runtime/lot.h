/* SPDX-License-Identifier: MIT */
/* Waiting at an address, as the runtime needs it. */
#ifndef CEDE_RUNTIME_LOT_H
#define CEDE_RUNTIME_LOT_H

/* In the child of fork(2): nobody waits any more, for who forked does not. */
void cede__lot_forked(void);

#endif
