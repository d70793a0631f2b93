/* SPDX-License-Identifier: MIT */
/*
 * Calls of libc that wait until a descriptor is readable, each wrapped so that all look the same. test_posix_calls.c is
 * compiled twice: as a plain program would be, and with -D_FORTIFY_SOURCE=2, which makes other functions of the same
 * calls.
 */
#ifndef CEDE_TESTS_POSIX_CALLS_H
#define CEDE_TESTS_POSIX_CALLS_H

#include <stddef.h>

struct posix_call {
    const char *name;
    int (*wait)(int fd, size_t size); /* waits for input on a stream socket; size: of its buffer, as it says. >= 0 if
                                         there is input, else -1 with errno */
};

enum { POSIX_CALL_BUFFER = 16 }; /* the real size of each buffer */

/* Ends with an empty name. */
extern const struct posix_call posix_calls_plain[], posix_calls_fortified[];

#endif
