/* SPDX-License-Identifier: MIT */
/* Waiting for a request to the worker's ring (ring.h). */
#ifndef CEDE_RUNTIME_REQUEST_H
#define CEDE_RUNTIME_REQUEST_H

#include <stdint.h>

#include "ring.h"
#include "wait.h"

/*
 * Waits, in the list (unless it is NULL), until the kernel is done with the request, whose `waiter` is that waiter's
 * link. CEDE__WAKE_EVENT: request->result is its result. Anything else: the wait ended early, and the request has been
 * taken back and has not happened. In either case the kernel no longer uses any memory for it.
 */
enum cede__wake cede__request_wait(struct cede__ring *ring, struct cede__ring_request *request,
                                   struct cede__waiter *waiter, struct cede__list *list, int64_t deadline_ns);

#endif
