/* SPDX-License-Identifier: MIT */
/*
 * Whether to look for events again and again for a short while, before the thread sleeps. To be woken takes the kernel
 * some tens of microseconds; an answer that comes sooner is had at once, at the price of a CPU that is busy meanwhile.
 *
 * It is never done unasked (cede/task.h, spin_ns), and then only while it pays: waits have been short lately, and
 * nobody else wants the CPU. A look that comes late was put aside for another thread: then no spin for a while, twice
 * as long as the last time; half as long if that is over for a tenth of a second.
 *
 *     now short waits:  + 1 to the score           spin if the score is at least TRUSTED, so that a wrong guess costs
 *     a long one:       - 2                        three times the limit at most before it has to be earned again
 */
#ifndef CEDE_RUNTIME_SPIN_H
#define CEDE_RUNTIME_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct cede__spin {
    int64_t limit_ns;   /* 0: never */
    int64_t pause_ns;   /* how long not to spin when somebody else wants the CPU: the last time */
    int64_t resume_ns;  /* not before */
    uint32_t score;     /* of recent waits, up to CEDE__SPIN_BEST */
};

enum { CEDE__SPIN_TRUSTED = 4, CEDE__SPIN_BEST = 8 };

/* As wished, by a duration in nanoseconds (negative: never; 0: as the environment variable CEDE_SPIN says). 0, or -1
 * with errno EINVAL. */
int cede__spin_choose(struct cede__spin *spin, int64_t wish_ns);

static inline bool cede__spin_pays(const struct cede__spin *spin, int64_t now_ns)
{
    return spin->limit_ns && spin->score >= CEDE__SPIN_TRUSTED && now_ns >= spin->resume_ns;
}

/* A wait has ended, asleep or not, after so long. */
void cede__spin_waited(struct cede__spin *spin, int64_t duration_ns);

/* Time between two looks. Returns whether it is too much, and then it is over for now. */
bool cede__spin_disturbed(struct cede__spin *spin, int64_t gap_ns, int64_t now_ns);

#endif
