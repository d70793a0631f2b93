/* SPDX-License-Identifier: MIT */
/* Waits that nothing can end: that they are reported, and where. */
#ifndef CEDE_TESTS_DEADLOCK_H
#define CEDE_TESTS_DEADLOCK_H

#include "capture.h"
#include "harness.h"
#include "sched.h"

static inline void deadlock_run(void *fn)
{
    ck_assert_int_eq(cede_run(*(cede_task_fn **)fn, NULL), 0);
}

/* Asserts that fn returns 0 as the first task, and that a deadlock with these words was reported meanwhile. */
static inline void deadlock_assert_reported(cede_task_fn *fn, const char *words)
{
    struct capture seen;

    capture_child(&seen, deadlock_run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "cede: deadlock: all ");
    ck_assert_says(&seen, words);
}

/* The same for waits that any other thread might end. A sanitizer may have one, and not every libc tells. */
static inline void deadlock_assert_reported_alone(cede_task_fn *fn, const char *words)
{
    if (cede__sched_other_threads())
        printf("skipped: a deadlock cannot be told from a wait for another thread here\n");
    else
        deadlock_assert_reported(fn, words);
}

#endif
