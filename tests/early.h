/* SPDX-License-Identifier: MIT */
/* Waits that end early: by cancellation, or by a deadline. */
#ifndef CEDE_TESTS_EARLY_H
#define CEDE_TESTS_EARLY_H

#include "harness.h"

/*
 * Asserts that a waiting call fails with ECANCELED in a task that is cancelled while it waits, and with ETIMEDOUT under a
 * deadline that passes while it waits. fn makes the call, once, and returns what it returned, or -1 for NULL; nothing
 * must bring what it waits for.
 */
static inline void early_assert_ends(cede_task_fn *fn, void *arg)
{
    struct cede_task *task = cede_spawn(fn, arg);

    ck_assert_ptr_nonnull(task);
    ck_assert_int_eq(cede_yield(), 0); /* now it waits */
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_fails(cede_await(task), ECANCELED);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(fn(arg), ETIMEDOUT);
}

#endif
