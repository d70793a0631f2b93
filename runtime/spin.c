/* SPDX-License-Identifier: MIT */
/* When to look again and again instead of sleeping; see spin.h. */
#include "spin.h"

#include <cede/time.h>
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "environment.h"

#define LONGEST   CEDE_MILLISECOND
#define PAUSE_MAX CEDE_SECOND

enum { RESPECT = 20 }; /* a pause is so many times as long as the other thread's turn */

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
    *spin = (struct cede__spin){.limit_ns = limit_ns > 0 && !alone() ? limit_ns : 0};
    errno = saved;
    return 0;
}

void cede__spin_waited(struct cede__spin *spin, int64_t duration_ns, enum cede__spun spun)
{
    uint32_t lost, most;

    if (spun == CEDE__SPUN_WELL)
        spin->vain = 0;
    else if (spun == CEDE__SPUN_VAIN && spin->vain < CEDE__SPIN_VAIN + CEDE__SPIN_DOUBLED)
        spin->vain++;
    /* Who slept was woken late. */
    if (spun == CEDE__SPUN_VAIN || duration_ns > 2 * spin->limit_ns) {
        lost = spun == CEDE__SPUN_VAIN && spin->vain > CEDE__SPIN_VAIN ? spin->score : 2;
        spin->score -= spin->score < lost ? spin->score : lost;
    } else {
        spin->score++;
    }
    most = cede__spin_needed(spin) + CEDE__SPIN_TRUSTED;
    if (spin->score > most)
        spin->score = most;
}

int64_t cede__spin_switches(void)
{
    struct rusage used = {0};
    int saved = errno;

    /* A thread that waits has slept sometime: where nothing at all was counted, nothing is. */
    if (getrusage(RUSAGE_THREAD, &used) == 0)
        return used.ru_nvcsw || used.ru_nivcsw ? used.ru_nivcsw : -1;
    errno = saved;
    return -1;
}

bool cede__spin_disturbed(struct cede__spin *spin, int64_t gap_ns, int64_t switches, int64_t now_ns)
{
    if (switches >= 0 && switches == spin->switches)
        return false;
    spin->switches = switches;
    spin->resume_ns = now_ns + (gap_ns < PAUSE_MAX / RESPECT ? gap_ns * RESPECT : PAUSE_MAX);
    spin->score = 0;
    return true;
}
