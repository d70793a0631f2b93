/* SPDX-License-Identifier: MIT */
/* Events; see cede/sync.h. The state is SET or 0; nobody waits while it is SET. */
#include <cede/sync.h>

#include "sync.h"

enum { SET = 4 };

_Static_assert(sizeof(struct cede__sync) <= sizeof(struct cede_event), "struct cede_event is too small");

static struct cede__sync *inside(const struct cede_event *event)
{
    return (struct cede__sync *)event->cede__private;
}

int cede_event_set(struct cede_event *event)
{
    struct cede__sync *sync = inside(event);
    struct cede__list taken = {0};

    cede__sync_enter(sync);
    cede__sync_take_all(sync, &taken);
    cede__sync_leave(sync, SET);
    cede__sync_wake_all(&taken);
    return 0;
}

int cede_event_clear(struct cede_event *event)
{
    struct cede__sync *sync = inside(event);

    if (cede__sync_peek(sync) & SET) {
        cede__sync_enter(sync);
        cede__sync_leave(sync, 0);
    }
    return 0;
}

int cede_event_is_set(const struct cede_event *event)
{
    return (cede__sync_peek(inside(event)) & SET) != 0;
}

int cede_event_wait(struct cede_event *event)
{
    struct cede__sync *sync = inside(event);
    struct cede__sync_waiter waiter;
    uintptr_t state;

    if (cede__sync_peek(sync) & SET)
        return 0;
    state = cede__sync_enter(sync);
    if (state & SET) {
        cede__sync_leave(sync, state);
        return 0;
    }
    cede__sync_waiter_init(&waiter, "event", event);
    return cede__sync_wait_errno(sync, state, &waiter);
}
