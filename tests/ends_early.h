/* SPDX-License-Identifier: MIT */
/* A call that has to wait, as a function of a task: what a deadline and a cancellation make of it. */
#ifndef CEDE_TESTS_ENDS_EARLY_H
#define CEDE_TESTS_ENDS_EARLY_H

#include "harness.h"

/* Asserts that fn(arg), which would wait for long, fails with ETIMEDOUT and ECANCELED. */
static inline void assert_ends_early(cede_task_fn *fn, void *arg)
{
    struct cede_task *task;

    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(fn(arg), ETIMEDOUT);
    ck_assert_ptr_nonnull(task = cede_spawn(fn, arg));
    cede_sleep(5 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_fails(cede_await(task), ECANCELED);
}

/* Asserts that fn(arg) waits until other(other_arg), which begins 20 ms later in another task, has ended it; returns
 * what fn returned. */
static inline int beside(cede_task_fn *fn, void *arg, cede_task_fn *other, void *other_arg)
{
    struct cede_task *task = cede_spawn(fn, arg);

    ck_assert_ptr_nonnull(task);
    cede_sleep(20 * CEDE_MILLISECOND);
    ck_assert_fails(cede_tryjoin(task, NULL), EBUSY);
    ck_assert_int_ge(other(other_arg), 0);
    return cede_await(task);
}

#endif
