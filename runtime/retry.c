/* SPDX-License-Identifier: MIT */
/* See retry.h. */
#include "retry.h"

#include <cede/time.h>
#include <errno.h>

#include "wait.h"

enum { FIRST_NS = CEDE_MILLISECOND, LONGEST_NS = 16 * CEDE_MILLISECOND };

int cede__retry_wait(struct cede__retry *retry, const char *what, int64_t until_ns)
{
    struct cede__waiter waiter = {
        .what = what, .subject = -1, .external = true, .interruptible = CEDE__INTERRUPTIBLE_UNLESS_RESTARTED};
    int64_t now_ns = cede__sched_now(cede__worker);
    enum cede__wake reason;

    if (now_ns >= until_ns) {
        errno = EAGAIN;
        return -1;
    }
    retry->pause_ns = retry->pause_ns == 0            ? FIRST_NS
                      : retry->pause_ns < LONGEST_NS ? 2 * retry->pause_ns
                                                     : LONGEST_NS;
    reason = cede__wait(&waiter, retry->pause_ns < until_ns - now_ns ? now_ns + retry->pause_ns : until_ns);
    return reason == CEDE__WAKE_DEADLINE ? 0 : cede__wait_errno(reason);
}
