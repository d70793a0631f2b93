/* SPDX-License-Identifier: MIT */
/* Waiting for what tells nobody when it comes: trying again and again, less and less often, down to once in 16 ms. */
#ifndef CEDE_RUNTIME_RETRY_H
#define CEDE_RUNTIME_RETRY_H

#include <stdint.h>

/* All zero at first. */
struct cede__retry {
    int64_t pause_ns;
};

/* Parks the task until it is time for another attempt. `what` is for reports. 0, or -1 with errno EAGAIN (until_ns has
 * come; INT64_MAX: never) or those of every wait. */
int cede__retry_wait(struct cede__retry *retry, const char *what, int64_t until_ns);

#endif
