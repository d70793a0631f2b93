/* SPDX-License-Identifier: MIT */
/*
 * Descriptor numbers that helper threads work on. A helper that has just begun a call may be about to look its number
 * up: if the number were closed and handed out again meanwhile, the call would reach a wrong file. So while such a call
 * is under way, closing the number puts in its place something on which every call fails with EBADF; the number itself
 * becomes free with the end of the call.
 */
#ifndef CEDE_RUNTIME_FILE_NUMBER_H
#define CEDE_RUNTIME_FILE_NUMBER_H

#include <stdbool.h>

#include "list.h"

/* A call's hold on a number. Lives until it is released; does not move. */
struct cede__file_number {
    struct cede__list link;
    int fd;      /* negative: none */
    bool closed; /* it was closed meanwhile */
};

/* Both: any thread. */
void cede__file_number_hold(struct cede__file_number *number, int fd);
void cede__file_number_release(struct cede__file_number *number);

/* The lowest one held that is not below `from`; -1: there is none. */
int cede__file_number_next(int from);

/* close(2), of a number that may be held. */
int cede__file_number_close(int fd);

#endif
