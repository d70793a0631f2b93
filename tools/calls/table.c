/* SPDX-License-Identifier: MIT */
/* All rows, in the form in which this file is compiled; see row.h. */
#include <stddef.h>

#include "row.h"

extern const struct row ROWS(read)[], ROWS(write)[], ROWS(connect)[], ROWS(poll)[], ROWS(time)[], ROWS(child)[],
    ROWS(stdio)[], ROWS(flock)[], ROWS(splice)[], ROWS(ipc)[], ROWS(name)[], ROWS(file)[], ROWS(lock)[];
extern const struct row *const ROWS(all)[];

const struct row *const ROWS(all)[] = {ROWS(read),  ROWS(write), ROWS(connect), ROWS(poll), ROWS(time),
                                       ROWS(child), ROWS(stdio), ROWS(flock),   ROWS(splice), ROWS(ipc),
                                       ROWS(name),  ROWS(file),  ROWS(lock),    NULL};
