/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include <stdlib.h>

#include "capture.h"
#include "harness.h"

static const char *const names[] = {"CEDE_AUDIT", "CEDE_AUDIT_MS", "CEDE_DEBUG", "CEDE_FILE",
                                    "CEDE_POLLER", "CEDE_POSIX", "CEDE_POSIX_CHECK", "CEDE_SPIN"};

static void unset_all(void)
{
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

/* The only problem; NULL: none. */
static void problem_is(const char *expected)
{
    char text[160] = "";
    size_t index = 0;

    ck_assert_int_eq(cede__environment_problem(&index, text, sizeof text), expected != NULL);
    if (!expected)
        return;
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(cede__environment_problem(&index, text, sizeof text), 0);
}

START_TEST(what_is_unset_or_empty_is_no_problem)
{
    size_t i;

    unset_all();
    problem_is(NULL);
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        setenv(names[i], "", 1);
        ck_assert_ptr_null(cede__environment_get(names[i]));
    }
    problem_is(NULL);
}
END_TEST

START_TEST(values_that_can_be)
{
    static const char *const values[] = {"1", "30", "dump,dump", "pool", "io_uring", "symbols", "off", "1000"};
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++) {
        setenv(names[i], values[i], 1);
        ck_assert_str_eq(cede__environment_get(names[i]), values[i]);
    }
    problem_is(NULL);
}
END_TEST

START_TEST(values_that_cannot_be)
{
    static const struct {
        const char *name, *value, *problem;
    } wrong[] = {
        {"CEDE_AUDIT", "yes", "CEDE_AUDIT=yes: it can be one of 0 1"},
        {"CEDE_AUDIT", "0 1", "CEDE_AUDIT=0 1: it can be one of 0 1"},
        {"CEDE_AUDIT_MS", "30x", "CEDE_AUDIT_MS=30x: it can be a number from 1 to 1000000"},
        {"CEDE_AUDIT_MS", "0", "CEDE_AUDIT_MS=0: it can be a number from 1 to 1000000"},
        {"CEDE_DEBUG", "dump,dumpling", "CEDE_DEBUG=dump,dumpling: it can be a list of dump"},
        {"CEDE_DEBUG", "dump,", "CEDE_DEBUG=dump,: it can be a list of dump"},
        {"CEDE_FILE", "rin", "CEDE_FILE=rin: it can be one of ring pool"},
        {"CEDE_POLLER", "poll", "CEDE_POLLER=poll: it can be one of auto epoll io_uring"},
        {"CEDE_POSIX", "no", "CEDE_POSIX=no: it can be one of patch symbols"},
        {"CEDE_POSIX_CHECK", "o", "CEDE_POSIX_CHECK=o: it can be one of on off"},
        {"CEDE_SPIN", "99999999999999999999", "CEDE_SPIN=99999999999999999999: it can be a number from 0 to 1000"},
        {"CEDE_SPIN", "-1", "CEDE_SPIN=-1: it can be a number from 0 to 1000"},
    };
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        unset_all();
        setenv(wrong[i].name, wrong[i].value, 1);
        errno = 7;
        ck_assert_ptr_null(cede__environment_get(wrong[i].name));
        ck_assert_int_eq(errno, 7);
        problem_is(wrong[i].problem);
    }
    ck_assert_ptr_null(cede__environment_get("CEDE_NO_SUCH"));
}
END_TEST

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void run_twice(void *unused)
{
    (void)unused;
    setenv("CEDE_AUDIT", "maybe", 1);
    setenv("CEDE_POSIX", "no", 1);
    ck_assert_int_eq(cede_run(nothing, NULL), 0);
    ck_assert_int_eq(cede_run(nothing, NULL), 0);
}

START_TEST(the_first_run_complains)
{
    static struct capture seen;

    unset_all();
    capture_child(&seen, run_twice, NULL);
    capture_assert_exited(&seen);
    ck_assert_str_eq(seen.text, "cede: CEDE_AUDIT=maybe: it can be one of 0 1\n"
                                "cede: CEDE_POSIX=no: it can be one of patch symbols\n");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("environment");
    TCase *t = tcase_create("environment");

    tcase_add_test(t, what_is_unset_or_empty_is_no_problem);
    tcase_add_test(t, values_that_can_be);
    tcase_add_test(t, values_that_cannot_be);
    tcase_add_test(t, the_first_run_complains);
    suite_add_tcase(s, t);
    return s;
}
