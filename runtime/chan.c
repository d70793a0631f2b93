/* SPDX-License-Identifier: MIT */
/* Channels; see cede/chan.h, and chan.h for how a wait ends. */
#include "chan.h"

#include <cede/chan.h>
#include <errno.h>
#include <stdlib.h>

/* What came of trying an operation. */
enum outcome { DONE, WOULD_WAIT, CLOSED, FOREIGN };

/* ---- the buffer ---- */

static inline void advance(const struct cede_chan *chan, size_t *place)
{
    *place += chan->element_size;
    if (*place == chan->capacity * chan->element_size)
        *place = 0;
}

static inline void put(struct cede_chan *chan, const void *element)
{
    cede__chan_copy(chan->buffer + chan->put, element, chan->element_size);
    advance(chan, &chan->put);
    chan->count++;
}

static inline void take(struct cede_chan *chan, void *element)
{
    if (element)
        cede__chan_copy(element, chan->buffer + chan->take, chan->element_size);
    advance(chan, &chan->take);
    chan->count--;
}

/* ---- without waiting ---- */

static inline __attribute__((always_inline)) enum outcome offer(struct cede_chan *chan, const void *element)
{
    struct cede__chan_party *receiver;

    if (chan->closed)
        return CLOSED;
    receiver = cede__chan_first(&chan->receivers);
    if (receiver) {
        if (!cede__chan_ours(receiver))
            return FOREIGN;
        if (receiver->element)
            cede__chan_copy(receiver->element, element, chan->element_size);
        cede__chan_finish(receiver, CEDE__WAKE_EVENT);
        return DONE;
    }
    if (chan->count == chan->capacity)
        return WOULD_WAIT;
    put(chan, element);
    return DONE;
}

static inline __attribute__((always_inline)) enum outcome accept(struct cede_chan *chan, void *element)
{
    struct cede__chan_party *sender = cede__chan_first(&chan->senders);

    if (sender && !cede__chan_ours(sender))
        return FOREIGN;
    if (chan->count) {
        take(chan, element);
        if (!sender)
            return DONE;
        put(chan, sender->element);
    } else if (!sender) {
        return chan->closed ? CLOSED : WOULD_WAIT;
    } else if (element) {
        cede__chan_copy(element, sender->element, chan->element_size);
    }
    cede__chan_finish(sender, CEDE__WAKE_EVENT);
    return DONE;
}

/* ---- results ---- */

/* Of a send that is not DONE. */
static __attribute__((noinline)) int not_sent(enum outcome outcome)
{
    return cede__chan_fail(outcome == CLOSED ? EPIPE : outcome == FOREIGN ? EPERM : EAGAIN);
}

/* Of a receive that is not DONE. */
static __attribute__((noinline)) int not_received(enum outcome outcome)
{
    return outcome == CLOSED ? 0 : not_sent(outcome);
}

static inline bool can_send(const struct cede_chan *chan, const void *element)
{
    return __builtin_expect(chan && (element || !chan->element_size), 1);
}

/* ---- the calls ---- */

struct cede_chan *cede_chan_open(size_t element_size, size_t capacity)
{
    struct cede_chan *chan;
    size_t size;

    if (__builtin_mul_overflow(element_size, capacity, &size)
        || __builtin_add_overflow(size, sizeof *chan, &size)) {
        errno = ENOMEM;
        return NULL;
    }
    chan = malloc(size);
    if (chan)
        *chan = (struct cede_chan){.element_size = element_size, .capacity = capacity};
    return chan;
}

int cede_chan_free(struct cede_chan *chan)
{
    if (chan && (cede__chan_first(&chan->senders) || cede__chan_first(&chan->receivers)))
        return cede__chan_fail(EBUSY);
    free(chan);
    return 0;
}

int cede_chan_send(struct cede_chan *chan, const void *element)
{
    enum outcome outcome;
    enum cede__wake reason;

    if (!can_send(chan, element))
        return cede__chan_fail(EINVAL);
    outcome = offer(chan, element);
    if (outcome == DONE) {
        cede__chan_tick();
        return 0;
    }
    if (outcome != WOULD_WAIT)
        return not_sent(outcome);
    if (!cede__in_task())
        return cede__chan_fail(EPERM);
    reason = cede__chan_park(&chan->senders, (void *)element, "send to channel", chan);
    if (reason == CEDE__WAKE_EVENT)
        return 0;
    return reason == CEDE__WAKE_CLOSED ? cede__chan_fail(EPIPE) : cede__wait_errno(reason);
}

int cede_chan_recv(struct cede_chan *chan, void *element)
{
    enum outcome outcome;
    enum cede__wake reason;

    if (!chan)
        return cede__chan_fail(EINVAL);
    outcome = accept(chan, element);
    if (outcome == DONE) {
        cede__chan_tick();
        return 1;
    }
    if (outcome != WOULD_WAIT)
        return not_received(outcome);
    if (!cede__in_task())
        return cede__chan_fail(EPERM);
    reason = cede__chan_park(&chan->receivers, element, "receive from channel", chan);
    if (reason == CEDE__WAKE_EVENT)
        return 1;
    return reason == CEDE__WAKE_CLOSED ? 0 : cede__wait_errno(reason);
}

int cede_chan_try_send(struct cede_chan *chan, const void *element)
{
    enum outcome outcome;

    if (!can_send(chan, element))
        return cede__chan_fail(EINVAL);
    outcome = offer(chan, element);
    return outcome == DONE ? 0 : not_sent(outcome);
}

int cede_chan_try_recv(struct cede_chan *chan, void *element)
{
    enum outcome outcome;

    if (!chan)
        return cede__chan_fail(EINVAL);
    outcome = accept(chan, element);
    return outcome == DONE ? 1 : not_received(outcome);
}

int cede_chan_close(struct cede_chan *chan)
{
    struct cede__chan_party *party;

    if (!chan)
        return cede__chan_fail(EINVAL);
    if (chan->closed)
        return cede__chan_fail(EPIPE);
    while ((party = cede__chan_first(&chan->senders)) || (party = cede__chan_first(&chan->receivers))) {
        if (!cede__chan_ours(party))
            return cede__chan_fail(EPERM);
        cede__chan_finish(party, CEDE__WAKE_CLOSED);
    }
    chan->closed = true;
    return 0;
}

size_t cede_chan_length(const struct cede_chan *chan)
{
    return chan ? chan->count : 0;
}

size_t cede_chan_capacity(const struct cede_chan *chan)
{
    return chan ? chan->capacity : 0;
}

int cede_chan_closed(const struct cede_chan *chan)
{
    return chan && chan->closed;
}
