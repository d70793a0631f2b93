/* SPDX-License-Identifier: MIT */
/*
 * Timers: a hierarchical wheel. Arm and disarm are O(1) and allocate nothing; the timer lies where its owner puts it,
 * as a rule on the stack of the task that waits.
 *
 * Time is cut into ticks of 65.5 us. A timer never fires before its time, and is collected at the first tick that is
 * entirely after it. Not thread-safe: each worker has its own.
 *
 * Each timer that is armed lies in cold memory, and to move one costs as much as to fire it. So what is due within the
 * next second, as most of what ever fires is, has a slot for each tick and never moves; only what is further away does,
 * once for each of the far levels.
 */
#ifndef CEDE_RUNTIME_TIMER_H
#define CEDE_RUNTIME_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

enum {
    CEDE__TIMER_TICK_BITS = 16, /* 2^16 ns */
    CEDE__TIMER_NEAR_BITS = 14, /* ticks with a slot of their own: 1.07 s */
    CEDE__TIMER_NEAR_SLOTS = 1 << CEDE__TIMER_NEAR_BITS,
    CEDE__TIMER_FAR_BITS = 8,
    CEDE__TIMER_FAR_SLOTS = 1 << CEDE__TIMER_FAR_BITS,
    /* All of 2^64 ns: nothing to clamp. */
    CEDE__TIMER_FAR_LEVELS =
        (64 - CEDE__TIMER_TICK_BITS - CEDE__TIMER_NEAR_BITS + CEDE__TIMER_FAR_BITS - 1) / CEDE__TIMER_FAR_BITS,
};

struct cede__timer {
    struct cede__list link; /* in a slot; in no list while the timer is not armed */
    uint64_t tick;          /* when it is due */
    void (*fire)(struct cede__timer *timer); /* called, disarmed, by whoever advances the wheel; set by the owner */
};

struct cede__timers {
    uint64_t tick;  /* the wheel stands here: everything due up to here has fired */
    uint64_t count; /* armed timers */
    uint64_t near_words[CEDE__TIMER_NEAR_SLOTS / 64 / 64]; /* bit: that word of near_marks is not 0 */
    uint64_t near_marks[CEDE__TIMER_NEAR_SLOTS / 64];      /* bit: the slot may be non-empty */
    uint64_t far_marks[CEDE__TIMER_FAR_LEVELS][CEDE__TIMER_FAR_SLOTS / 64];
    struct cede__list far[CEDE__TIMER_FAR_LEVELS][CEDE__TIMER_FAR_SLOTS];
    struct cede__list near[CEDE__TIMER_NEAR_SLOTS]; /* 256 KiB; a page is touched when a timer is put into it */
};

/* Sets an empty wheel, all zero or used before, to the time now_ns. */
void cede__timers_start(struct cede__timers *timers, int64_t now_ns);

/* timer->fire must be set. deadline_ns may have passed: it fires at the next advance. */
void cede__timer_arm(struct cede__timers *timers, struct cede__timer *timer, int64_t deadline_ns);

/* Does nothing to a timer that is not armed. */
void cede__timer_disarm(struct cede__timers *timers, struct cede__timer *timer);

static inline bool cede__timer_armed(const struct cede__timer *timer)
{
    return cede__list_linked(&timer->link);
}

/* Fires what is due at now_ns, in order of ticks, and within a tick in the order of arming. `fire` may arm and disarm
 * any timer. Returns how many fired. */
unsigned cede__timers_advance(struct cede__timers *timers, int64_t now_ns);

/* When to advance next: never later than the first timer, INT64_MAX if there is none. May be earlier than that timer
 * (the wheel then turns without firing). */
int64_t cede__timers_next(const struct cede__timers *timers);

/* Calls visit for every armed timer, in no order. visit may disarm the one it is given. */
void cede__timers_each(struct cede__timers *timers, void (*visit)(struct cede__timer *timer, void *arg), void *arg);

#endif
