/* SPDX-License-Identifier: MIT */
/*
 * The wheel; see timer.h.
 *
 * The near slots are the next 2^14 ticks, counted from where the wheel stands. A slot of the first far level is a block
 * of 2^14 ticks, one of the next level a block of 256 of those, and so on; a timer is put into the lowest level whose
 * slots, again from where the wheel stands, reach as far as it. So no slot ever means two blocks at a time, and that of
 * the block in which the wheel stands is empty at each far level: when the wheel comes to the beginning of a block, its
 * timers move down.
 *
 * They were all armed before those that they meet there, for as time goes on a given tick only comes nearer. So they
 * move to the front, the last one first: the order of arming is kept.
 */
#include "timer.h"

#include <string.h>

static uint64_t tick_after(int64_t ns)
{
    return ((uint64_t)ns + (((uint64_t)1 << CEDE__TIMER_TICK_BITS) - 1)) >> CEDE__TIMER_TICK_BITS;
}

static uint64_t tick_before(int64_t ns)
{
    return (uint64_t)ns >> CEDE__TIMER_TICK_BITS;
}

/* How many bits of a tick tell places within one slot of this far level. */
static unsigned far_shift(unsigned level)
{
    return CEDE__TIMER_NEAR_BITS + level * CEDE__TIMER_FAR_BITS;
}

/* ---- slots ---- */

/* The list of timers due at `tick`; marks it. */
static struct cede__list *slot_of(struct cede__timers *timers, uint64_t tick)
{
    unsigned level = 0, slot = tick % CEDE__TIMER_NEAR_SLOTS;

    if (tick - timers->tick < CEDE__TIMER_NEAR_SLOTS) {
        timers->near_marks[slot / 64] |= (uint64_t)1 << slot % 64;
        timers->near_words[slot / 64 / 64] |= (uint64_t)1 << slot / 64 % 64;
        return &timers->near[slot];
    }
    while ((tick >> far_shift(level)) - (timers->tick >> far_shift(level)) >= CEDE__TIMER_FAR_SLOTS)
        level++;
    slot = tick >> far_shift(level) & (CEDE__TIMER_FAR_SLOTS - 1);
    timers->far_marks[level][slot / 64] |= (uint64_t)1 << slot % 64;
    return &timers->far[level][slot];
}

/* The first bit that is set, from `from` on, of `count`, a multiple of 64; `count` if none is. */
static unsigned first_bit(const uint64_t *bits, unsigned count, unsigned from)
{
    unsigned word = from / 64;
    uint64_t rest;

    if (from >= count)
        return count;
    rest = bits[word] & ~(uint64_t)0 << from % 64;
    while (!rest) {
        if (++word == count / 64)
            return count;
        rest = bits[word];
    }
    return word * 64 + (unsigned)__builtin_ctzll(rest);
}

/* Where the wheel has to stop next: `level` is -1 for the near slots. */
struct position {
    int level;
    unsigned slot;
    uint64_t tick; /* at which the slot begins */
};

static bool next_near(const struct cede__timers *timers, struct position *at)
{
    const unsigned words = CEDE__TIMER_NEAR_SLOTS / 64, here = timers->tick % CEDE__TIMER_NEAR_SLOTS;
    uint64_t rest = timers->near_marks[here / 64] & ~(uint64_t)0 << here % 64;
    unsigned word = here / 64;

    if (!rest) {
        word = first_bit(timers->near_words, words, here / 64 + 1);
        if (word == words)
            word = first_bit(timers->near_words, words, 0);
        if (word == words)
            return false;
        rest = timers->near_marks[word];
    }
    at->level = -1;
    at->slot = word * 64 + (unsigned)__builtin_ctzll(rest);
    at->tick = timers->tick + (at->slot - here) % CEDE__TIMER_NEAR_SLOTS;
    return true;
}

static bool next_far(const struct cede__timers *timers, unsigned level, struct position *at)
{
    uint64_t here = timers->tick >> far_shift(level);
    unsigned slot = first_bit(timers->far_marks[level], CEDE__TIMER_FAR_SLOTS, here % CEDE__TIMER_FAR_SLOTS);

    if (slot == CEDE__TIMER_FAR_SLOTS)
        slot = first_bit(timers->far_marks[level], CEDE__TIMER_FAR_SLOTS, 0);
    if (slot == CEDE__TIMER_FAR_SLOTS)
        return false;
    at->level = (int)level;
    at->slot = slot;
    at->tick = (here + (slot - here) % CEDE__TIMER_FAR_SLOTS) << far_shift(level);
    return true;
}

/* Of several that begin at the same tick the highest level comes first: what is there has to move down before. */
static bool next_position(const struct cede__timers *timers, struct position *at)
{
    struct position far;
    bool found;

    if (!timers->count)
        return false;
    found = next_near(timers, at);
    for (unsigned level = 0; level < CEDE__TIMER_FAR_LEVELS; level++)
        if (next_far(timers, level, &far) && (!found || far.tick <= at->tick)) {
            *at = far;
            found = true;
        }
    return found;
}

/* Takes the mark off a slot and all timers out of it, into `taken`. */
static void empty(struct cede__timers *timers, const struct position *at, struct cede__list *taken)
{
    unsigned word = at->slot / 64;
    uint64_t mark = (uint64_t)1 << at->slot % 64;

    if (at->level >= 0) {
        timers->far_marks[at->level][word] &= ~mark;
        cede__list_move_all(taken, &timers->far[at->level][at->slot]);
        return;
    }
    timers->near_marks[word] &= ~mark;
    if (!timers->near_marks[word])
        timers->near_words[word / 64] &= ~((uint64_t)1 << word % 64);
    cede__list_move_all(taken, &timers->near[at->slot]);
}

static void move_down(struct cede__timers *timers, struct cede__list *taken)
{
    struct cede__list *link;
    struct cede__timer *timer;

    while (!cede__list_empty(taken)) {
        link = taken->prev;
        cede__list_unlink(link);
        timer = CEDE__CONTAINER(link, struct cede__timer, link);
        cede__list_prepend(slot_of(timers, timer->tick), link);
    }
}

/* Brings all timers of a slot into the cache, from both ends at a time: each says where the next is only when it has
 * arrived, so one chain alone waits for memory once for each timer. Afterwards several can be fired at a time. */
static void fetch(const struct cede__list *taken)
{
    const struct cede__list *first = taken->next, *last = taken->prev;

    while (first != last && first->next != last) {
        first = first->next;
        last = last->prev;
    }
}

static unsigned fire(struct cede__timers *timers, struct cede__list *taken)
{
    struct cede__list *link;
    struct cede__timer *timer;
    unsigned fired = 0;

    if (!cede__list_empty(taken))
        fetch(taken);
    while ((link = cede__list_take(taken))) {
        timer = CEDE__CONTAINER(link, struct cede__timer, link);
        timers->count--;
        fired++;
        timer->fire(timer);
    }
    return fired;
}

/* ---- the calls ---- */

void cede__timers_start(struct cede__timers *timers, int64_t now_ns)
{
    /* Lists that were in use are empty: they stay as they are, and what was never in use stays untouched. */
    memset(timers->near_words, 0, sizeof timers->near_words);
    memset(timers->near_marks, 0, sizeof timers->near_marks);
    memset(timers->far_marks, 0, sizeof timers->far_marks);
    timers->count = 0;
    timers->tick = tick_before(now_ns);
}

void cede__timer_arm(struct cede__timers *timers, struct cede__timer *timer, int64_t deadline_ns)
{
    timer->tick = tick_after(deadline_ns);
    /* What is past, or falls into a tick that the wheel has already served, is due at the very next one. */
    if (timer->tick <= timers->tick)
        timer->tick = timers->tick + 1;
    cede__list_append(slot_of(timers, timer->tick), &timer->link);
    timers->count++;
}

void cede__timer_disarm(struct cede__timers *timers, struct cede__timer *timer)
{
    if (!cede__timer_armed(timer))
        return;
    cede__list_unlink(&timer->link); /* the slot's mark stays: whoever finds the slot empty clears it */
    timers->count--;
}

/* Fires what is due up to the tick `target`. */
static __attribute__((noinline)) unsigned turn(struct cede__timers *timers, uint64_t target)
{
    struct cede__list taken = {0};
    struct position at;
    unsigned fired = 0;

    while (next_position(timers, &at) && at.tick <= target) {
        if (at.tick > timers->tick)
            timers->tick = at.tick;
        /* First out of the slot: timers that `fire` arms must not join the round. */
        empty(timers, &at, &taken);
        if (at.level >= 0)
            move_down(timers, &taken);
        else
            fired += fire(timers, &taken);
    }
    return fired;
}

unsigned cede__timers_advance(struct cede__timers *timers, int64_t now_ns)
{
    uint64_t target = tick_before(now_ns);
    unsigned fired;

    if (target < timers->tick) /* at the same tick there is still a mark of a disarmed timer to clear, maybe */
        return 0;
    fired = timers->count ? turn(timers, target) : 0;
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

static void visit_list(struct cede__list *head, void (*visit)(struct cede__timer *timer, void *arg), void *arg)
{
    struct cede__list *link, *next;

    for (link = head->next; link && link != head; link = next) {
        next = link->next;
        visit(CEDE__CONTAINER(link, struct cede__timer, link), arg);
    }
}

void cede__timers_each(struct cede__timers *timers, void (*visit)(struct cede__timer *timer, void *arg), void *arg)
{
    unsigned level, slot;

    for (slot = 0; slot < CEDE__TIMER_NEAR_SLOTS; slot++)
        visit_list(&timers->near[slot], visit, arg);
    for (level = 0; level < CEDE__TIMER_FAR_LEVELS; level++)
        for (slot = 0; slot < CEDE__TIMER_FAR_SLOTS; slot++)
            visit_list(&timers->far[level][slot], visit, arg);
}
