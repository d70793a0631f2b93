/* SPDX-License-Identifier: MIT */
/* Until event, deadline or cancel; see wait.h. */
#include "wait.h"

#include <errno.h>

struct wait_timer {
    struct cede__timer timer;
    struct cede__waiter *waiter;
};

static void deadline_passed(struct cede__timer *timer)
{
    cede__sched_wake(CEDE__CONTAINER(timer, struct wait_timer, timer)->waiter, CEDE__WAKE_DEADLINE);
}

enum cede__wake cede__wait_interrupt(enum cede__interrupt interrupt)
{
    switch (interrupt) {
    case CEDE__INTERRUPT_CANCEL:
        return CEDE__WAKE_CANCEL;
    case CEDE__INTERRUPT_INVALID:
        return CEDE__WAKE_INVALID;
    default:
        return CEDE__WAKE_TIMEOUT;
    }
}

enum cede__wake cede__wait_interrupted(struct cede__worker *worker, struct cede__waiter *waiter)
{
    cede__list_remove(&waiter->link);
    cede__sched_drain(worker); /* a cancel comes before a timeout */
    cede__sched_tick(worker);  /* a task that tries again and again must not keep the others from running */
    return cede__wait_interrupt(waiter->task->interrupt);
}

static __attribute__((noinline)) void park_until(struct cede__worker *worker, struct cede__waiter *waiter,
                                                 int64_t deadline_ns)
{
    struct wait_timer own = {.timer.fire = deadline_passed, .waiter = waiter};

    cede__timer_arm(&worker->timers, &own.timer, deadline_ns);
    cede__switch_park(worker, waiter->task, waiter);
    cede__timer_disarm(&worker->timers, &own.timer);
}

enum cede__wake cede__wait(struct cede__waiter *waiter, int64_t deadline_ns)
{
    struct cede__worker *worker = cede__worker;

    if (deadline_ns == INT64_MAX)
        return cede__wait_endless(waiter, waiter->external, waiter->shared);
    if (!cede__wait_begin(worker, waiter))
        return cede__wait_interrupted(worker, waiter);
    worker->external += waiter->external;
    worker->shared += waiter->shared;
    park_until(worker, waiter, deadline_ns);
    worker->external -= waiter->external;
    worker->shared -= waiter->shared;
    return waiter->reason;
}

int cede__wait_errno(enum cede__wake reason)
{
    switch (reason) {
    case CEDE__WAKE_EVENT:
        return 0;
    case CEDE__WAKE_DEADLINE:
    case CEDE__WAKE_TIMEOUT:
        errno = ETIMEDOUT;
        break;
    case CEDE__WAKE_INVALID:
        errno = EINVAL;
        break;
    case CEDE__WAKE_CANCEL:
        errno = ECANCELED;
        break;
    case CEDE__WAKE_CLOSED:
        errno = EBADF;
        break;
    case CEDE__WAKE_SIGNAL:
        errno = EINTR;
        break;
    case CEDE__WAKE_DEADLOCK:
        errno = EDEADLK;
        break;
    }
    return -1;
}
