/* SPDX-License-Identifier: MIT */
/* Looking up names under libc's names. cede's own helper thread, which is no task, reaches libc's function through
 * this one. */
#include "name.h"

CEDE__POSIX_FORWARD(int, getaddrinfo,
                    (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result),
                    (node, service, hints, result));
