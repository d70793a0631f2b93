/* SPDX-License-Identifier: MIT */
/* A stack of buffers to receive into; see poller_buffers.h. */
#include "poller_buffers.h"

#include <stdlib.h>

enum { KEPT = 64 }; /* free ones, for the next burst: somewhat above a mebibyte */

struct cede__buffer *cede__buffer_new(void)
{
    struct cede__buffer *buffer = aligned_alloc(_Alignof(struct cede__buffer), sizeof *buffer);

    if (!buffer)
        return NULL;
    buffer->next = NULL;
    buffer->all = (struct cede__list){0};
    buffer->owner = NULL;
    buffer->lent = false;
    return buffer;
}

static void own(struct cede__buffers *buffers, struct cede__buffer *buffer)
{
    buffer->owner = buffers;
    cede__list_append(&buffers->all, &buffer->all);
}

struct cede__buffer *cede__buffer_take(struct cede__buffers *buffers)
{
    struct cede__buffer *buffer = buffers->free;

    if (buffer) {
        buffers->free = buffer->next;
        buffers->free_count--;
        return buffer;
    }
    buffer = cede__buffer_new();
    if (buffer)
        own(buffers, buffer);
    return buffer;
}

void cede__buffer_give(struct cede__buffer *buffer)
{
    struct cede__buffers *buffers = buffer->owner;

    if (buffers->free_count < KEPT) {
        buffer->next = buffers->free;
        buffers->free = buffer;
        buffers->free_count++;
    } else {
        cede__list_remove(&buffer->all);
        free(buffer);
    }
}

void cede__buffer_detach(struct cede__buffer *buffer)
{
    cede__list_remove(&buffer->all);
    buffer->owner = NULL;
}

void cede__buffer_attach(struct cede__buffers *buffers, struct cede__buffer *buffer)
{
    own(buffers, buffer);
    cede__buffer_give(buffer);
}

void cede__buffers_free(struct cede__buffers *buffers)
{
    struct cede__list *link;

    while ((link = cede__list_take(&buffers->all)))
        free(CEDE__CONTAINER(link, struct cede__buffer, all));
    *buffers = (struct cede__buffers){0};
}
