/* SPDX-License-Identifier: MIT */
/* Waits that end early, by cancellation or by a deadline; and what all objects that one waits for have in common. */
#ifndef CEDE_TESTS_EARLY_H
#define CEDE_TESTS_EARLY_H

#include <pthread.h>
#include <stdatomic.h>

#include "harness.h"

/*
 * Asserts that a waiting call fails with ECANCELED in a task that is cancelled while it waits, and with ETIMEDOUT under
 * a deadline that passes while it waits. fn makes the call, once, and returns what it returned, or -1 for NULL; nothing
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

/* An object that some wait for, and to which others bring what they wait for. */
struct early_object {
    cede_task_fn *waits;  /* waits once, with the argument NULL; -1 with errno if it fails */
    void (*arms)(void);   /* makes the next wait wait; NULL: it does */
    void (*brings)(void); /* ends one wait */
    void (*checks)(void); /* asserts that nothing is left once what was brought has been taken; NULL: no need to */
    bool alone;           /* two that wait bring each other what they wait for */
};

static inline void early_arm(const struct early_object *object)
{
    if (object->arms)
        object->arms();
}

static inline void early_check(const struct early_object *object)
{
    if (object->checks)
        object->checks();
}

/* A wait that has ended early takes nothing away from the next. */
static inline void early_assert_no_trace(const struct early_object *object)
{
    struct cede_task *cancelled, *next;

    early_arm(object);
    early_assert_ends(object->waits, NULL);
    cancelled = cede_spawn(object->waits, NULL);
    next = object->alone ? NULL : cede_spawn(object->waits, NULL);
    cede_yield();
    cede_cancel(cancelled);
    ck_assert_fails(cede_await(cancelled), ECANCELED);
    if (!next) {
        next = cede_spawn(object->waits, NULL);
        cede_yield();
    }
    object->brings();
    ck_assert_int_ge(cede_await(next), 0);
    early_check(object);
}

/* What was waited for counts more than a cancellation, whichever came first, as long as the task has not run. */
static inline void early_assert_event_counts(const struct early_object *object)
{
    struct cede_task *task;
    int order;

    for (order = 0; order < 3; order++) {
        early_arm(object);
        task = cede_spawn(object->waits, NULL);
        cede_yield();
        if (order > 0)
            cede_cancel(task);
        if (order > 1)
            cede_check(); /* now the task has been woken by it, but did not run yet */
        object->brings();
        if (order == 0)
            cede_cancel(task);
        ck_assert_int_ge(cede_await(task), 0);
        early_check(object);
    }
}

static inline void *early_bring_later(void *object)
{
    cede_sleep(20 * CEDE_MILLISECOND);
    ((const struct early_object *)object)->brings();
    return NULL;
}

/* A plain thread ends the wait of a task. */
static inline void early_assert_thread_brings(const struct early_object *object)
{
    pthread_t thread;

    early_arm(object);
    ck_assert_int_eq(pthread_create(&thread, NULL, early_bring_later, (void *)object), 0);
    ck_assert_int_ge(object->waits(NULL), 0);
    pthread_join(thread, NULL);
    early_check(object);
}

struct early_thread {
    const struct early_object *object;
    atomic_int passed;
};

static inline void *early_wait_in_a_thread(void *arg)
{
    struct early_thread *self = arg;

    ck_assert_int_ge(self->object->waits(NULL), 0);
    atomic_store(&self->passed, 1);
    return NULL;
}

/* A task ends the wait of a plain thread. */
static inline void early_assert_task_brings(const struct early_object *object)
{
    struct early_thread self = {.object = object};
    pthread_t thread;

    early_arm(object);
    ck_assert_int_eq(pthread_create(&thread, NULL, early_wait_in_a_thread, &self), 0);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    ck_assert_int_eq(atomic_load(&self.passed), 0);
    object->brings();
    pthread_join(thread, NULL);
    ck_assert_int_eq(atomic_load(&self.passed), 1);
    early_check(object);
}

/* The four as tests of a suite; EARLY_ADD adds them. */
#define EARLY_TESTS(object)                                               \
    TASK_TEST(an_ended_wait_leaves_no_trace)                              \
    {                                                                     \
        early_assert_no_trace(object);                                    \
    }                                                                     \
    TASK_TEST(what_was_waited_for_counts_more_than_a_cancellation)        \
    {                                                                     \
        early_assert_event_counts(object);                                \
    }                                                                     \
    TASK_TEST(a_thread_ends_the_wait_of_a_task)                           \
    {                                                                     \
        early_assert_thread_brings(object);                               \
    }                                                                     \
    TASK_TEST(a_task_ends_the_wait_of_a_thread)                           \
    {                                                                     \
        early_assert_task_brings(object);                                 \
    }

#define EARLY_ADD(cases)                                                                \
    do {                                                                                \
        tcase_add_test(cases, an_ended_wait_leaves_no_trace);                           \
        tcase_add_test(cases, what_was_waited_for_counts_more_than_a_cancellation);     \
        tcase_add_test(cases, a_thread_ends_the_wait_of_a_task);                        \
        tcase_add_test(cases, a_task_ends_the_wait_of_a_thread);                        \
    } while (0)

#endif
