/* SPDX-License-Identifier: MIT */
/* Channels, as select and queues see them. Everything belongs to the one worker whose tasks use the channel. */
#ifndef CEDE_RUNTIME_CHAN_H
#define CEDE_RUNTIME_CHAN_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wait.h"

/*
 * A task that waits to hand an element over, or to be handed one; on its own stack. A select has one for each case.
 * Whoever comes along copies the element and calls cede__chan_finish(): the task finds everything done when it resumes.
 */
struct cede__chan_party {
    struct cede__waiter waiter;
    void *element; /* to be copied from (then never written to) or into; NULL: nobody wants it, or it has no size */
    bool done;     /* set by cede__chan_finish(): tells a select which of its cases it was */
};

/*
 * What holds between any two calls:
 * - a receiver waits only while count is 0, a sender only while count is the capacity;
 * - where a sender and a receiver wait, they are cases of one and the same select.
 */
struct cede_chan {
    struct cede__list senders, receivers; /* parties, oldest first; look at them through cede__chan_first() */
    size_t element_size, capacity;
    size_t count;         /* elements in the buffer */
    size_t take, put;     /* where in the buffer, in bytes, the oldest element is and the next one goes */
    bool closed;
    _Alignas(max_align_t) unsigned char buffer[];
};

/* The party that has waited longest, or NULL. A select that was woken leaves its other parties in their lists until it
 * runs: they are taken out here. */
static inline struct cede__chan_party *cede__chan_first(struct cede__list *parties)
{
    struct cede__chan_party *party;

    while (!cede__list_empty(parties)) {
        party = CEDE__CONTAINER(parties->next, struct cede__chan_party, waiter.link);
        if (__builtin_expect(party->waiter.task->state == CEDE__TASK_PARKED, 1))
            return party;
        cede__list_remove(&party->waiter.link);
    }
    return NULL;
}

/* Whether the party belongs to the calling thread's runtime: no other may touch it. */
static inline bool cede__chan_ours(const struct cede__chan_party *party)
{
    return __builtin_expect(party->waiter.task->worker == cede__worker, 1);
}

/* Ends the wait of a party from cede__chan_first() that is ours: EVENT, its element has been copied, or CLOSED. */
static inline void cede__chan_finish(struct cede__chan_party *party, enum cede__wake reason)
{
    party->done = true;
    cede__list_unlink(&party->waiter.link);
    cede__sched_wake_parked(cede__worker, &party->waiter, reason);
}

/* Parks the current task as a party in a list. Inline: one return less after each switch. */
static inline __attribute__((always_inline)) enum cede__wake cede__chan_park(struct cede__list *parties, void *element,
                                                                             const char *what, const void *subject)
{
    struct cede__chan_party party = {.waiter = {.what = what, .subject = (intptr_t)subject}, .element = element};

    cede__list_append(parties, &party.waiter.link);
    return cede__wait_inside(&party.waiter);
}

/* To be called where an operation did not have to wait. */
static inline void cede__chan_tick(void)
{
    struct cede__worker *worker = cede__worker;

    if (__builtin_expect(worker && cede__sched_spent(worker), 0))
        cede__sched_yield(worker);
}

/* -1 with this errno. */
static inline int cede__chan_fail(int error)
{
    errno = error;
    return -1;
}

/* A call of memcpy() costs as much as the rest of a send: pointers and integers are copied in place. */
static inline void cede__chan_copy(void *to, const void *from, size_t size)
{
    /* gcc 12 is not to know whose `to` is: where all of this is inlined into a program, it would warn of the eight
     * bytes if the program's elements have fewer (check_lto.sh). */
    __asm__("" : "+r"(to));
    if (size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else if (size == sizeof(uint32_t))
        memcpy(to, from, sizeof(uint32_t));
    else if (size)
        memcpy(to, from, size);
}

#endif
