/* SPDX-License-Identifier: MIT */
/* A worker's buffers to receive into (cede/buffer.h): a stack of those that are free, the hottest on top. */
#ifndef CEDE_RUNTIME_POLLER_BUFFERS_H
#define CEDE_RUNTIME_POLLER_BUFFERS_H

#include <cede/buffer.h>
#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct cede__buffers;

struct cede__buffer {
    _Alignas(64) struct cede__buffer *next; /* in the stack of the free ones, or in an inlet's queue */
    struct cede__list all;       /* in owner->all */
    struct cede__buffers *owner; /* NULL: whoever has it */
    uint32_t size;               /* of what has been received into it; an inlet's */
    bool lent;                   /* to the user */
    _Alignas(64) char bytes[CEDE_BUFFER_SIZE];
};

/* All zero: none yet. */
struct cede__buffers {
    struct cede__buffer *free;
    unsigned free_count;
    struct cede__list all; /* wherever they are */
    struct cede__inlet_pool *inlets; /* those that the kernel has been given: poller_inlet.c's */
};

/* A new one without an owner; NULL with errno ENOMEM. */
struct cede__buffer *cede__buffer_new(void);

/* One that is free, or a new one; NULL with errno ENOMEM. */
struct cede__buffer *cede__buffer_take(struct cede__buffers *buffers);
void cede__buffer_give(struct cede__buffer *buffer);

/* It has no owner any more, or another one, whom it is given to. In between any thread may have it. */
void cede__buffer_detach(struct cede__buffer *buffer);
void cede__buffer_attach(struct cede__buffers *buffers, struct cede__buffer *buffer);

/* Frees all, lent or not. */
void cede__buffers_free(struct cede__buffers *buffers);

#endif
