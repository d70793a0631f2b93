/* SPDX-License-Identifier: MIT */
/*
 * Select: one of several sends and receives; see cede/chan.h.
 *
 * A select that waits is a party at each of its channels. The first one who comes along finishes one case, and thereby
 * wakes the task; from then on its parties are passed over (cede__chan_first()), until it runs and takes them away.
 */
#include <cede/chan.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "chan.h"
#include "duration.h"

/* Cases whose parties lie on the task's stack. */
enum { ON_STACK = 16 };

/* Whether to take the nth case found to be ready instead of one of those before it: once in n times, so that in the end
 * each was taken with the same probability. The same sequence in each run: a counter, stirred. */
static inline bool take_instead(unsigned nth)
{
    uint32_t number;

    if (nth == 1 || !cede__worker)
        return nth == 1;
    number = ++cede__worker->choices * UINT32_C(0x9e3779b1);
    number = (number ^ number >> 15) * UINT32_C(0x85ebca6b);
    number ^= number >> 13;
    return (uint64_t)number * nth >> 32 == 0;
}

/* Whether the case can be done at once. */
static inline bool ready(const struct cede_chan_case *one)
{
    struct cede_chan *chan = one->chan;

    if (one->op == CEDE_CHAN_RECV)
        return chan->count || chan->closed || cede__chan_first(&chan->senders);
    return chan->count < chan->capacity || chan->closed || cede__chan_first(&chan->receivers);
}

static inline bool valid(const struct cede_chan_case *one)
{
    return one->op == CEDE_CHAN_RECV
           || (one->op == CEDE_CHAN_SEND && (one->from || !one->chan || !one->chan->element_size));
}

enum { NONE = -1, INVALID = -2 };

/* One of the cases that are ready, each with the same probability. */
static int choose(const struct cede_chan_case *cases, size_t count)
{
    int chosen = NONE;
    unsigned found = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        if (!valid(&cases[i]))
            return INVALID;
        if (cases[i].chan && ready(&cases[i]) && take_instead(++found))
            chosen = (int)i;
    }
    return chosen;
}

/* A case that is ready. */
static int perform(struct cede_chan_case *one)
{
    return one->op == CEDE_CHAN_RECV ? cede_chan_try_recv(one->chan, one->into)
                                       : cede_chan_try_send(one->chan, one->from);
}

/* A partner's word on how the case ended, as its result. */
static int result_of(enum cede_chan_op op, enum cede__wake reason)
{
    if (op == CEDE_CHAN_RECV)
        return reason == CEDE__WAKE_EVENT;
    return reason == CEDE__WAKE_EVENT ? 0 : cede__chan_fail(EPIPE);
}

static int wait_with(struct cede_chan_case *cases, size_t count, struct cede__chan_party *parties,
                     int64_t deadline_ns)
{
    struct cede__waiter waiter = {.what = "select", .subject = -1};
    struct cede__task *self = cede__worker->current;
    enum cede__wake reason;
    int done = -1;
    size_t i;

    for (i = 0; i < count; i++) {
        struct cede_chan *chan = cases[i].chan;
        struct cede__chan_party *party = &parties[i];
        bool sends = cases[i].op == CEDE_CHAN_SEND;

        party->waiter.link = (struct cede__list){0};
        party->waiter.task = self;
        party->element = sends ? (void *)cases[i].from : cases[i].into;
        party->done = false;
        if (chan)
            cede__list_append(sends ? &chan->senders : &chan->receivers, &party->waiter.link);
    }
    reason = cede__wait(&waiter, deadline_ns);
    for (i = 0; i < count; i++) {
        cede__list_remove(&parties[i].waiter.link);
        if (parties[i].done)
            done = (int)i;
    }
    if (done < 0)
        return cede__wait_errno(reason);
    cases[done].result = result_of(cases[done].op, reason);
    return done;
}

static __attribute__((noinline)) int wait_with_some(struct cede_chan_case *cases, size_t count, int64_t deadline_ns)
{
    struct cede__chan_party parties[ON_STACK];

    return wait_with(cases, count, parties, deadline_ns);
}

static int wait_with_many(struct cede_chan_case *cases, size_t count, int64_t deadline_ns)
{
    struct cede__chan_party *parties = malloc(count * sizeof *parties);
    int done, error;

    if (!parties)
        return -1;
    done = wait_with(cases, count, parties, deadline_ns);
    error = errno;
    free(parties);
    errno = error;
    return done;
}

int cede_chan_select(struct cede_chan_case *cases, size_t count, int64_t timeout_ns)
{
    int64_t deadline_ns = INT64_MAX;
    int chosen;

    chosen = timeout_ns < 0 || count > INT_MAX || (count && !cases) ? INVALID : choose(cases, count);
    if (chosen == INVALID)
        return cede__chan_fail(EINVAL);
    if (chosen != NONE) {
        cases[chosen].result = perform(&cases[chosen]);
        if (cases[chosen].result < 0)
            return errno == EPERM ? -1 : chosen;
        if (timeout_ns)
            cede__chan_tick();
        return chosen;
    }
    if (timeout_ns == 0)
        return cede__chan_fail(EAGAIN);
    if (!cede__in_task())
        return cede__chan_fail(EPERM);
    if (timeout_ns != CEDE_FOREVER)
        deadline_ns = cede__duration_after(cede__sched_now(cede__worker), timeout_ns);
    return count <= ON_STACK ? wait_with_some(cases, count, deadline_ns) : wait_with_many(cases, count, deadline_ns);
}
