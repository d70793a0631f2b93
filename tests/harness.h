/* SPDX-License-Identifier: MIT */
/*
 * What every suite shares. A file tests/test_<noun>.c defines suite() with tests in the style
 *
 *     TASK_TEST(join_returns_the_result)    runs its body in the first task of a runtime
 *     {
 *         ck_assert_int_eq(cede_await(cede_spawn(f, NULL)), 7);
 *     }
 *
 * or plain START_TEST. Suites run in libcheck's fork mode, so that a failed assertion may end the process on any
 * stack.
 */
#ifndef CEDE_TESTS_HARNESS_H
#define CEDE_TESTS_HARNESS_H

#include <cede.h>
#include <check.h>
#include <errno.h>
#include <stdbool.h>

/* Sanitizers reserve address space, and ThreadSanitizer knows some thousand fibers: what cannot run under them is left
 * out by #ifndef HARNESS_SANITIZED, and what is merely big is made smaller by HARNESS_SCALE. HARNESS_ROUNDS is for
 * storms, which are for them above all: it leaves thousands of rounds. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HARNESS_SANITIZED 1
#endif
#if __has_feature(thread_sanitizer)
#define HARNESS_TSAN 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define HARNESS_SANITIZED 1
#endif
#ifdef __SANITIZE_THREAD__
#define HARNESS_TSAN 1
#endif
#ifdef HARNESS_SANITIZED
#define HARNESS_SCALE(count) ((count) / 20 + 1)
#define HARNESS_ROUNDS(count) ((count) <= 2000 ? (count) : (count) / 4 <= 2000 ? 2000 : (count) / 4)
#else
#define HARNESS_SCALE(count) (count)
#define HARNESS_ROUNDS(count) (count)
#endif

/* Defined by each suite. */
Suite *suite(void);

/* A seeded pseudo-random sequence (xorshift), the same on every machine: *state must not be 0. */
unsigned harness_random(unsigned *state);

/* Whether Valgrind runs the test: it has limits of its own on mappings and threads. */
bool harness_valgrind(void);

/* Whether an emulator runs the test that does not know `what` (CEDE_TEST_EMULATED is set); says so: the test is to skip
 * that part. */
bool harness_emulated(const char *what);

/* Asserts that an expression fails with -1 and the given errno. */
#define ck_assert_fails(expression, error)             \
    do {                                               \
        errno = 0;                                     \
        long result_ = (long)(expression);             \
        int errno_ = errno; /* asserting changes it */ \
        ck_assert_int_eq(result_, -1);                 \
        ck_assert_int_eq(errno_, (error));             \
    } while (0)

/* TASK_TEST in a runtime with these attributes, which may depend on _i. */
#define ATTR_TEST(name, attr)                                      \
    static void name##_body(void);                                 \
    static int name##_task(void *unused)                           \
    {                                                              \
        (void)unused;                                              \
        name##_body();                                             \
        return 0;                                                  \
    }                                                              \
    START_TEST(name)                                               \
    {                                                              \
        ck_assert_int_eq(cede_run_attr(attr, name##_task, NULL), 0); \
    }                                                              \
    END_TEST                                                       \
    static void name##_body(void)

#define TASK_TEST(name) ATTR_TEST(name, NULL)

#endif
