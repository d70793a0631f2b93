/* SPDX-License-Identifier: MIT */
/*
 * Whether to look for events again and again for a short while, before the thread sleeps. To be woken takes the kernel
 * some tens of microseconds; an answer that comes sooner is had at once, at the price of a CPU that is busy meanwhile.
 *
 * It is never done unasked (cede/task.h, spin_ns), and then only while it pays: waits have been short lately, and
 * nobody else wants the CPU.
 *
 * Somebody else wants it when a look comes late and the kernel has taken the CPU from this thread for another since a
 * look last came late (getrusage(2), ru_nivcsw; also when a control group has used up its share). Late alone says
 * nothing: timer ticks and interrupts run on this thread's time, a hypervisor takes whole milliseconds, and neither is
 * counted as a switch. So the kernel is asked only after a late look, for 0.2 us of some 20 that are lost already. What
 * it counted while tasks ran is in it too, which is meant: who took turns then wants the CPU as well.
 *
 * Then no spin for twenty times as long as the other had the CPU. A thread that never sleeps gets a whole time slice
 * before each slice of this one's, so it loses a twentieth of its time to the spin at most; a kernel thread that runs
 * for 30 us now and then, as there are fifty in each second of an idle machine, stops the spin for 0.6 ms. A turn too
 * short to be late, or one that falls into a task's own work, is not seen; but then the spin took little.
 *
 * Where the kernel counts no switches at all, each late look passes for a turn. Where it does not count these, and for
 * a thread with a real-time policy, from which others cannot take the CPU, nobody is ever seen; the bound is what
 * follows then. Others lose up to the limit in each wait that an event ends meanwhile, and next to nothing where
 * whoever is to bring it is one of them.
 *
 *     short waits:  + 1 to the score       spin once in a wait, if the score is at least TRUSTED, so that a wrong guess
 *     long ones:    - 2                    costs three times the limit at most before it has to be earned again
 *
 * A spin in vain counts as a long wait, even if the event comes soon after it: whoever was to bring it may have waited
 * for this CPU. From the fourth in a row each takes the whole score and doubles what has to be earned, up to a thousand
 * short waits.
 */
#ifndef CEDE_RUNTIME_SPIN_H
#define CEDE_RUNTIME_SPIN_H

#include <cede/time.h>
#include <stdbool.h>
#include <stdint.h>

struct cede__spin {
    int64_t limit_ns;   /* 0: never */
    int64_t resume_ns;  /* somebody else wants the CPU: not before */
    int64_t switches;   /* the kernel's count when a look last came late */
    uint32_t score;     /* of recent waits, up to CEDE__SPIN_TRUSTED more than is needed */
    uint32_t vain;      /* spins in vain since the last that was not */
};

enum { CEDE__SPIN_TRUSTED = 4, CEDE__SPIN_VAIN = 3, CEDE__SPIN_DOUBLED = 8 };

/* Between two looks. One takes one or two; another thread's turn, with both switches, this much and more. */
enum { CEDE__SPIN_LATE_NS = 20 * CEDE_MICROSECOND };

/* As wished, by a duration in nanoseconds (negative: never; 0: as the environment variable CEDE_SPIN says). 0, or -1
 * with errno EINVAL. */
int cede__spin_choose(struct cede__spin *spin, int64_t wish_ns);

/* The score that it takes. */
static inline uint32_t cede__spin_needed(const struct cede__spin *spin)
{
    uint32_t more = spin->vain < CEDE__SPIN_VAIN ? 0 : spin->vain - CEDE__SPIN_VAIN;

    return (uint32_t)CEDE__SPIN_TRUSTED << (more < CEDE__SPIN_DOUBLED ? more : CEDE__SPIN_DOUBLED);
}

static inline bool cede__spin_pays(const struct cede__spin *spin, int64_t now_ns)
{
    return spin->limit_ns && spin->score >= cede__spin_needed(spin) && now_ns >= spin->resume_ns;
}

/* What the spin in a wait came to. */
enum cede__spun {
    CEDE__SPUN_NOT,  /* none, or another thread came between */
    CEDE__SPUN_WELL, /* what was waited for came meanwhile */
    CEDE__SPUN_VAIN,
};

/* A wait has ended, asleep or not, after so long. */
void cede__spin_waited(struct cede__spin *spin, int64_t duration_ns, enum cede__spun spun);

/* How often the kernel has taken the CPU from the calling thread for another one. -1: it does not tell. */
int64_t cede__spin_switches(void);

/* A look came late: so much time between two of them, and this is the count of switches now. Returns whether another
 * thread had the CPU (if the kernel does not tell, it had), and then it is over for now. */
bool cede__spin_disturbed(struct cede__spin *spin, int64_t gap_ns, int64_t switches, int64_t now_ns);

#endif
