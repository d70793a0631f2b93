/* SPDX-License-Identifier: MIT */
/* Until the kernel is done, event, deadline or cancel; see request.h. */
#include "request.h"

#include <cede/scope.h>
#include <errno.h>

/* Asks for the request back, and waits until it is. */
static void take_back(struct cede__ring *ring, struct cede__ring_request *request, struct cede__waiter *waiter)
{
    waiter->interruptible = CEDE__INTERRUPTIBLE_NEVER;
    cede__ring_cancel(ring, request);
    cede_shield
        while (!request->done)
            cede__wait(waiter, INT64_MAX);
}

/* The kernel's own numbers for "interrupted", which system calls never return, can be seen through a ring. */
static bool was_taken_back(int result)
{
    enum { RESTART_FIRST = 512, RESTART_LAST = 516 };

    return result == -ECANCELED || result == -EINTR || (-result >= RESTART_FIRST && -result <= RESTART_LAST);
}

enum cede__wake cede__request_wait(struct cede__ring *ring, struct cede__ring_request *request,
                                   struct cede__waiter *waiter, struct cede__list *list, int64_t deadline_ns)
{
    enum cede__wake reason;

    do { /* who is in a list may be woken for another reason */
        if (list)
            cede__list_append(list, &waiter->link);
        reason = cede__wait(waiter, deadline_ns);
    } while (reason == CEDE__WAKE_EVENT && !request->done);
    if (request->done)
        return CEDE__WAKE_EVENT;
    take_back(ring, request, waiter);
    return was_taken_back(request->result) ? reason : CEDE__WAKE_EVENT;
}
