/* SPDX-License-Identifier: MIT */
/*
 * The wheel; see timer.h.
 *
 * A timer is kept at the level of the highest byte in which its tick differs from the wheel's: level 0 holds what is
 * due within the wheel's current block of 256 ticks, level 1 the rest of the current block of 65,536, and so on. Two
 * things follow. Within a level, later slots are later times; and everything at a level is due before anything at the
 * next. So the first occupied slot of the lowest occupied level is always the next to look at, a bit scan away: the
 * wheel skips empty time in one step. When the wheel reaches a slot of a higher level, that slot's timers move down;
 * each does so at most once per level.
 */
#include "timer.h"

#include <stddef.h>

static uint64_t tick_after(int64_t ns)
{
    return ((uint64_t)ns + (((uint64_t)1 << CEDE__TIMER_TICK_BITS) - 1)) >> CEDE__TIMER_TICK_BITS;
}

static uint64_t tick_before(int64_t ns)
{
    return (uint64_t)ns >> CEDE__TIMER_TICK_BITS;
}

void cede__timers_start(struct cede__timers *timers, int64_t now_ns)
{
    timers->tick = tick_before(now_ns);
}

static void insert(struct cede__timers *timers, struct cede__timer *timer)
{
    uint64_t differs = timer->tick ^ timers->tick;
    unsigned level = differs ? (63 - (unsigned)__builtin_clzll(differs)) / CEDE__TIMER_SLOT_BITS : 0;
    unsigned slot = timer->tick >> (level * CEDE__TIMER_SLOT_BITS) & (CEDE__TIMER_SLOTS - 1);

    /* At the end: the order of arming is kept, here and when the slot's timers move down. */
    cede__list_append(&timers->slots[level][slot], &timer->link);
    timers->occupied[level][slot / 64] |= (uint64_t)1 << slot % 64;
}

void cede__timer_arm(struct cede__timers *timers, struct cede__timer *timer, int64_t deadline_ns)
{
    timer->tick = tick_after(deadline_ns);
    /* What is past, or falls into a tick that the wheel has already served, is due at the very next one. */
    if (timer->tick <= timers->tick)
        timer->tick = timers->tick + 1;
    insert(timers, timer);
    timers->count++;
}

void cede__timer_disarm(struct cede__timers *timers, struct cede__timer *timer)
{
    if (!cede__timer_armed(timer))
        return;
    cede__list_remove(&timer->link); /* the slot's bit stays: whoever finds the slot empty clears it */
    timers->count--;
}

/* The first slot of a level, not before `from`, whose bit is set; CEDE__TIMER_SLOTS if none. */
static unsigned first_occupied(const uint64_t *bits, unsigned from)
{
    unsigned word = from / 64;
    uint64_t rest = bits[word] & ~(uint64_t)0 << from % 64;

    while (!rest) {
        if (++word == CEDE__TIMER_SLOTS / 64)
            return CEDE__TIMER_SLOTS;
        rest = bits[word];
    }
    return word * 64 + (unsigned)__builtin_ctzll(rest);
}

struct position {
    unsigned level, slot;
    uint64_t tick; /* at which the slot begins */
};

static bool next_position(const struct cede__timers *timers, struct position *at)
{
    unsigned level, shift, here;

    if (!timers->count)
        return false;
    for (level = 0; level < CEDE__TIMER_LEVELS; level++) {
        shift = level * CEDE__TIMER_SLOT_BITS;
        here = timers->tick >> shift & (CEDE__TIMER_SLOTS - 1);
        at->slot = first_occupied(timers->occupied[level], here);
        if (at->slot == CEDE__TIMER_SLOTS)
            continue;
        at->level = level;
        at->tick = ((timers->tick >> shift & ~(uint64_t)(CEDE__TIMER_SLOTS - 1)) | at->slot) << shift;
        return true;
    }
    return false;
}

unsigned cede__timers_advance(struct cede__timers *timers, int64_t now_ns)
{
    uint64_t target = tick_before(now_ns);
    struct cede__list due = {0}, *link;
    struct cede__timer *timer;
    struct position at;
    unsigned fired = 0;

    if (target < timers->tick) /* at the same tick there is still a mark of a disarmed timer to clear, maybe */
        return 0;
    while (next_position(timers, &at) && at.tick <= target) {
        if (at.tick > timers->tick)
            timers->tick = at.tick;
        timers->occupied[at.level][at.slot / 64] &= ~((uint64_t)1 << at.slot % 64);
        /* Detach the list first: timers that `fire` arms must not join the round. */
        cede__list_move_all(&due, &timers->slots[at.level][at.slot]);
        while ((link = cede__list_take(&due))) {
            timer = CEDE__CONTAINER(link, struct cede__timer, link);
            if (at.level > 0) {
                insert(timers, timer);
                continue;
            }
            timers->count--;
            fired++;
            timer->fire(timer);
        }
    }
    timers->tick = target;
    return fired;
}

int64_t cede__timers_next(const struct cede__timers *timers)
{
    struct position at;

    if (!next_position(timers, &at))
        return INT64_MAX;
    return at.tick >= (uint64_t)INT64_MAX >> CEDE__TIMER_TICK_BITS ? INT64_MAX
                                                                   : (int64_t)(at.tick << CEDE__TIMER_TICK_BITS);
}
