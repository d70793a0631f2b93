/* SPDX-License-Identifier: MIT */
/* What sync.c asks. */
#ifndef CEDE_BENCH_SYNC_H
#define CEDE_BENCH_SYNC_H

#include "harness.h"

enum {
    SYNC_CHANNEL,   /* two tasks, two channels without a buffer: a number goes there and back */
    SYNC_SELECT,    /* one task sends to four channels in turn, another receives by select from all of them */
    SYNC_MUTEX,     /* two tasks: lock, yield, unlock, so that the other always finds it locked */
    SYNC_CONDITION, /* two tasks, one mutex, two conditions: whose turn it is */
    SYNC_FUTURE,    /* two tasks: each brings the result that the other waits for; a new future for each */
};

#endif
