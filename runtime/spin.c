/* SPDX-License-Identifier: MIT */
/* When to look again and again instead of sleeping; see spin.h. */
#include "spin.h"

#include <cede/time.h>
#include <errno.h>
#include <unistd.h>

#include "environment.h"

#define LONGEST   CEDE_MILLISECOND
#define PAUSE     (10 * CEDE_MILLISECOND)
#define PAUSE_MAX CEDE_SECOND
#define FORGIVEN  (10 * PAUSE) /* where it is disturbed this seldom it costs others little */
#define GAP       (20 * CEDE_MICROSECOND) /* a look takes one or two */

/* On the only CPU, who is to bring the event cannot run. (That the thread may use one only says nothing of others.) */
static bool alone(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN) == 1;
}

int cede__spin_choose(struct cede__spin *spin, int64_t wish_ns)
{
    int saved = errno;
    int64_t limit_ns = wish_ns;
    long wish_us = 0;

    if (!wish_ns) {
        if (cede__environment_number("CEDE_SPIN", &wish_us) != 0)
            return -1;
        limit_ns = wish_us * CEDE_MICROSECOND;
    }
    if (limit_ns > LONGEST) {
        errno = EINVAL;
        return -1;
    }
    *spin = (struct cede__spin){.limit_ns = limit_ns > 0 && !alone() ? limit_ns : 0, .pause_ns = PAUSE};
    errno = saved;
    return 0;
}

void cede__spin_waited(struct cede__spin *spin, int64_t duration_ns)
{
    /* Who slept was woken late. */
    if (duration_ns > 2 * spin->limit_ns) {
        spin->score -= spin->score < 2 ? spin->score : 2;
    } else if (spin->score < CEDE__SPIN_BEST) {
        spin->score++;
    }
}

bool cede__spin_disturbed(struct cede__spin *spin, int64_t gap_ns, int64_t now_ns)
{
    if (gap_ns <= GAP)
        return false;
    if (now_ns - spin->resume_ns >= FORGIVEN)
        spin->pause_ns = spin->pause_ns / 2 > PAUSE ? spin->pause_ns / 2 : PAUSE;
    else
        spin->pause_ns = 2 * spin->pause_ns < PAUSE_MAX ? 2 * spin->pause_ns : PAUSE_MAX;
    spin->resume_ns = now_ns + spin->pause_ns;
    spin->score = 0;
    return true;
}
